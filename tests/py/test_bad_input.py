"""What bad input gets: the exit status, what was attempted on what and what to do, and nothing staged."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import BIN, TIMEOUT, YAML, Lake, clean_environment

REPLACE = "-- corrie: materialization_strategy=REPLACE\n"
LATE = 300_000  # rows, far behind what is looked at to find types

# What no message may show: names that corrie makes, advice that only a user of DuckDB can follow, our own frames.
LEAKS = ("INTERNAL", "corrie_run", "corrie_arrow", "corrie_tables", "corrie_harness", "corrie_channel",
         "corrie_exchange", "_error=", "ignore_errors", "strict_mode", "encryption_config",
         "max_expression", "TProtocol", ".corrie-tmp", "Possible fixes", "Candidate", "LINE 1:", "(null)")


class Bad:
    """A lake with two tables and two branches, on which everything here must fail and leave nothing."""

    def __init__(self, folder: Path) -> None:
        home = folder / "home"
        home.mkdir()
        env = clean_environment(home)
        env["CORRIE_LAKE"] = str(folder / "lake")
        self.lake = Lake(folder / "lake", home, env)
        self.folder = folder
        self.project = folder / "project"
        rows = folder / "numbers.csv"
        rows.write_text("n,s\n" + "".join(f"{i},s{i}\n" for i in range(10)))
        self.lake.run("import", rows, "numbers")
        self.lake.run("import", rows, "shop.events")
        self.lake.run("branch", "create", "ada.dev")
        self.before = self.state()

    def state(self) -> object:
        return (self.lake.head(), self.lake.head("ada.dev"), self.lake.json("table", "ls"))

    def says(self, status: int, arguments: list[str | Path], *expected: str, cwd: Path | None = None,
             env: dict[str, str] | None = None, lacks: tuple[str, ...] = ()) -> str:
        said = self.lake.error(*arguments, status=status, cwd=cwd, env=env)
        for text in expected:
            assert text in said, f"{text!r} is missing in:\n{said}"
        for text in (*LEAKS, *lacks):
            assert text not in said, f"{text!r} is in:\n{said}"
        assert self.state() == self.before
        return said

    def imports(self, name: str, content: bytes | str, *expected: str, options: tuple[str, ...] = (),
                status: int = 1) -> str:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.says(status, ["import", path, "bad", *options], str(path), *expected)

    def takes(self, name: str, content: bytes | str, *options: str, table: str = "good") -> list[list[str]]:
        """Content that is odd and right: its rows, from another lake that holds nothing else."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        where = {"CORRIE_LAKE": str(self.folder / "good")}
        self.lake.run("import", path, table, "--replace", *options, env=where)
        import csv
        import io

        text = self.lake.run("query", f'SELECT * FROM "{table}"', "-o", "csv", env=where).stdout
        return list(csv.reader(io.StringIO(text)))

    def write(self, files: dict[str, str | bytes], yaml: str | None = YAML) -> Path:
        shutil.rmtree(self.project, ignore_errors=True)
        self.project.mkdir()
        if yaml is not None:
            files = {"corrie.yaml": yaml, **files}
        for name, content in files.items():
            (self.project / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return self.project

    def run(self, status: int, files: dict[str, str | bytes], *expected: str, options: tuple[str, ...] = (),
            yaml: str | None = YAML, lacks: tuple[str, ...] = ()) -> str:
        return self.says(status, ["run", *options], *expected, cwd=self.write(files, yaml), lacks=lacks)


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bad]:
    folder = tmp_path_factory.mktemp("bad")
    folder.chmod(0o755)
    made = Bad(folder)
    yield made
    made.lake.fsck()


def model(body: str, inputs: str = "rows=corrie.Model('numbers')", columns: str = "", pins: str = "",
          head: str = "") -> str:
    """A file with one model m; its body begins in line 7."""
    columns = f"columns={columns}, " if columns else ""
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    return (f"import corrie\n{head}\n\n@corrie.model({columns}materialization_strategy='REPLACE')\n"
            f"@corrie.python('3.11'{pins})\ndef m({inputs}):\n{lines}")


# ---- names that are not there -----------------------------------------------------------------------------------

@pytest.mark.parametrize(("command", "expected"), [
    ("table get numbrs", ["public.numbrs does not exist", "did you mean public.numbers?"]),
    ("table get shop.evnts", ["shop.evnts", "did you mean shop.events?"]),
    ("table get shp.events", ["shp.events", "did you mean shop.events?"]),
    ("table get numbers --ref man", ["man", "did you mean main?"]),
    ("table ls --ref ada.de", ["ada.de", "did you mean ada.dev?"]),
    ("table ls --namespace shp", ["namespace shp does not exist", "did you mean shop?"]),
    ("checkout ada.de", ["check out ada.de", "did you mean ada.dev?"]),
    ("branch merge man", ["merge man", "did you mean main?"]),
    ("branch merge ada.dev --into man", ["man", "did you mean main?"]),
    ("branch rm ada.de", ["ada.de", "did you mean ada.dev?"]),
    ("diff man", ["man", "did you mean main?"]),
    ("diff ada.dev man", ["man", "did you mean main?"]),
    ("log man", ["man", "did you mean main?"]),
    ("namespace ls --ref man", ["man", "did you mean main?"]),
    ("import numbers.csv x --ref man", ["import into x", "man", "did you mean main?"]),
    ("import nothing.csv x", ["import into x", "nothing.csv"]),
    ("table import numbrs --from numbers.csv", ["public.numbrs does not exist", "did you mean public.numbers?"]),
    ("run --ref man --project-dir nowhere", ["man", "did you mean main?"]),
    ("run --project-dir nowhere", ["nowhere"]),
    ("query --ref man x", ["man", "did you mean main?"]),
    ("query -f nothing.sql", ["nothing.sql"]),
    ("job get 12345678", ["12345678", "corrie job ls"]),
])
def test_names_that_are_not_there(bad: Bad, command: str, expected: list[str]) -> None:
    bad.says(3, list(command.split()), *expected, cwd=bad.folder)


@pytest.mark.parametrize(("sql", "status", "expected"), [
    ("SELECT * FROM numbrs", 3, ["public.numbrs does not exist", "did you mean public.numbers?", "       ^^^^^^"]),
    ("SELECT * FROM shop.event", 3, ["shop.event does not exist", "did you mean shop.events?"]),
    ("SELECT m FROM numbers", 3, ['column "m" does not exist', "did you mean n or s?", "       ^"]),
    ("SELECT numbers.m FROM numbers", 3, ['"numbers" has no column "m"', "did you mean n or s?"]),
    ("SELECT x.n FROM numbers", 3, ['"x" is no table or alias']),
    ("SELECT * FROM numbers a JOIN numbers b USING (k)", 3, ['column "k" does not exist']),
    ("SELECT * EXCLUDE (q) FROM numbers", 3, ['column "q" does not exist']),
    ("SELECT\n  1 +\n FROM", 1, ["syntax error"]),
    ("SELECT 'abc", 1, ["unterminated"]),
    ("SELECT 1; SELECT 2", 1, ["one statement is expected, there are 2"]),
    ("DROP TABLE numbers", 1, ["only a SELECT"]),
    ("", 1, ["there is no statement"]),
    ("SELECT foo(1)", 1, ['function "foo" does not exist']),
    ("SELECT $x", 1, ["parameter $x has no value"]),
    ("SELECT ?", 1, ["parameter $1 has no value"]),
    ("SELECT CAST(s AS INT) FROM numbers", 1, ["column s", "'s0'"]),
    ("SELECT error('a' || chr(10) || 'b')", 1, ["a\nb"]),
    ("SELECT * FROM '/nothing.parquet'", 3, ["/nothing.parquet does not exist"]),
    ("SELECT * FROM 's3://b/x.csv'", 2, ["s3://b/x.csv", "files of this machine"]),
    ("SELECT " + "+".join("1" * 5000), 1, ["depth"]),
])
def test_queries(bad: Bad, sql: str, status: int, expected: list[str]) -> None:
    bad.says(status, ["query", sql], *expected)


def test_queries_that_are_no_text(bad: Bad) -> None:
    path = bad.folder / "bad.sql"
    path.write_bytes(b"SELECT '\xff'")
    bad.says(1, ["query", "-f", path], "UTF-8")
    path.write_bytes(b"SELECT '\0'")
    bad.says(1, ["query", "-f", path], "bad.sql", "zero byte")
    bad.says(5, ["query", "-f", bad.folder], str(bad.folder), "directory")
    bad.says(3, ["query", "SELECT 1", "--to", bad.folder / "no/where.csv"], "no/where.csv")


@pytest.mark.parametrize(("arguments", "status", "expected"), [
    (["impot", "x"], 2, ["impot", "did you mean import?"]),
    (["table", "lss"], 2, ["table lss", "did you mean ls?"]),
    (["branch", "ls", "--nope"], 2, ["branch ls", "--nope"]),
    (["branch", "ls", "-o", "xml"], 2, ["xml", "json"]),
    (["branch", "create", "main"], 4, ["there is a branch of that name", "corrie checkout main"]),
    (["branch", "create", "a b"], 2, ["a b", " ^", "letters"]),
    (["branch", "create", "a..b"], 2, ["a..b", " ^^"]),
    (["branch", "create", "tx/mine"], 2, ["tx/mine"]),
    (["namespace", "create", "shop"], 4, ["shop"]),
    (["namespace", "create", "a.b"], 2, ["a.b"]),
    (["table", "create", "numbers", "--from", "numbers.csv"], 4, ["numbers"]),
    (["table", "get", "x.y.z"], 2, ["x.y.z", "NAMESPACE.TABLE"]),
    (["import", "numbers.csv", "a\"b"], 2, ['a"b']),
    (["import", "numbers.csv", "a\nb"], 2, ["control character"]),
    (["import", "numbers.csv", " a"], 2, ["space"]),
    (["import", "numbers.csv", "x" * 300], 2, ["table name"]),
    (["import", "numbers.csv", "."], 2, ["table name"]),
    (["import", "2026.numbers.csv"], 2, ["2026.numbers.csv", "name the table"]),
    (["import", "numbers.csv", "a/b"], 2, ["a/b", "name the table"]),
    (["import", "", "x"], 2, ["empty"]),
    (["import", "numbers.csv", "x", "--append", "--replace"], 2, ["--append", "--replace"]),
    (["import", "numbers.csv", "x", "--columns", "n BIGINT"], 1, ["2 columns, 1 were named"]),
    (["import", "numbers.csv", "x", "--columns", "n BIGNT, s VARCHAR"], None, ["BIGNT"]),
    (["import", "numbers.csv", "x", "--delimiter", "12345"], 2, ["12345"]),
    (["import", "s3://bucket/x.parquet", "x"], 2, ["s3://bucket/x.parquet", "save it to a file first"]),
    (["query", "SELECT 1", "--max-rows", "-1"], 2, ["-1"]),
    (["--lake", "ftp://x", "branch", "ls"], 2, ["ftp"]),
])
def test_usage(bad: Bad, arguments: list[str], status: int | None, expected: list[str]) -> None:
    if status is None:
        done = bad.lake.run(*arguments, status=None, cwd=bad.folder)
        assert done.returncode in (1, 2), done.stderr
        status = done.returncode
    bad.says(status, list(arguments), *expected, cwd=bad.folder)


def test_odd_names_of_tables_and_columns(lake: Lake, tmp_path: Path) -> None:
    """What is allowed works everywhere: import, list, query, fsck."""
    path = tmp_path / "it's; a \"file\".csv"
    columns = ["a b", "x.y", "it''s", "ünï😀", "select", "c" * 300]
    path.write_text(",".join(columns) + "\n1,2,3,4,5,6\n")
    for name in ("a b", "ü", "select", "1a", "$x", "a-b", "😀.t", "n" * 200):
        lake.run("import", path, name)
        quoted = ".".join(f'"{part}"' for part in name.split("."))
        assert lake.rows(f"SELECT * FROM {quoted}") == [["1", "2", "3", "4", "5", "6"]]
        assert [f["name"] for f in lake.json("table", "get", name)["fields"]] == columns
    lake.fsck()


# ---- CSV ---------------------------------------------------------------------------------------------------------

def rows(n: int = LATE) -> bytes:
    return b"id,name,price\n" + b"".join(b"%d,name%d,%d.5\n" % (i, i, i) for i in range(n))


@pytest.mark.parametrize(("content", "expected"), [
    (b"a,b\n1,2\n3,4,5,6\n7,8\n", [":3\n", "more than 2 columns", "3,4,5,6"]),
    (b"a,b,c\n1,2,3\n3,4\n", [":3\n", "2 columns, expected 3"]),
    (b"a,b\r\n1,2\r\n3,4,5\r\n", [":3\n", "3,4,5"]),
    (b"a,b\n1,\"x\ny\nz\"\n2,\"p\nq\"\n\n3,4,5\n", [":8\n", "line 8 has more than 2"]),
    (b"\xef\xbb\xbfa,b\n1,2,3\n", [":2\n"]),
    (b"a,b\n1,2\nx\xff\xfe,4\n", [":3\n", "not UTF-8", "iconv"]),
    (b"a,b\xff\n1,2\n", [":1\n", "not UTF-8"]),
    ("name\nJosé\n".encode("utf-16")[:-1], ["ends in", "UTF-16"]),
    ("name\n".encode("utf-16") + b"\x00\xdcx\x00", ["byte 13 is not UTF-16", "--encoding"]),
    (b"\0" * 5000, ["binary"]),
    (b"a,b\n1,\"x\n2,y\n", [":2\n", "quoted value has no end", "--quote none"]),
    (b"a,b\n1,x\n2,\"z\"w\n", [":3\n", "behind its end"]),
    (b"a,b,a\n1,2,3\n", ["columns 1 and 3", "--columns"]),
    (b"a,b,A\n1,2,3\n", ["columns 1 and 3", "--columns"]),
    (b"", ["is empty"]),
    (b"\xef\xbb\xbf", ["is empty"]),
    (b"\n\n\n", ["is empty"]),
    (b"a,b\n1," + b"x" * 5_000_000 + b"\n", [":2\n", "2 MB"]),
    (b"x" * 9_000_000, ["line 1", "2 MB"]),
    (b"x" * 100_000_000, ["line 1", "2 MB"]),
    (b'a,b\n1,"' + b"x" * 100_000_000, [":2\n", "quoted value has no end"]),
    (b",".join(b"c%d" % i for i in range(20_000)) + b"\n", ["10000 columns"]),
    (b"PK\x03\x04" + b"0" * 100, ["ZIP or Excel"]),
    (b"ARROW1\0\0" + b"0" * 100, ["Arrow"]),
    (b"SQLite format 3\0", ["SQLite"]),
    (b"PAR1" + b"0" * 100, ["a Parquet file, not CSV"]),
])
def test_csv_that_is_none(bad: Bad, content: bytes, expected: list[str]) -> None:
    said = bad.imports("bad.csv", content, *expected)
    assert len(said) < 2000


@pytest.mark.parametrize(("tail", "expected"), [
    (b"1,2,3,4\n9,9,9\n", ["more than 3 columns", "1,2,3,4"]),
    (b"1,2\n9,9,9\n", ["2 columns, expected 3"]),
    (b"5,x\xff\xfe,4\n7,7,7\n", ["not UTF-8"]),
    (b"seven,x,4\n", ["column id: 'seven' is not BIGINT", "--columns"]),
    (b"99999999999999999999999,x,4\n", ["column id"]),
    (b'5,"x,4\n7,7,7\n', ["quoted value has no end"]),
])
def test_csv_that_is_bad_late(bad: Bad, tail: bytes, expected: list[str]) -> None:
    bad.imports("late.csv", rows() + tail, f"line {LATE + 2}", f":{LATE + 2}\n", *expected)


def test_lines_are_counted_as_in_an_editor(bad: Bad) -> None:
    body = b"".join(b'%d,"na\nme%d",%d.5\n' % (i, i, i) for i in range(50_000))
    bad.imports("quoted.csv", b"id,name,price\n" + body + b"seven,x,4\n", ":100002\n", "seven,x,4")
    bad.imports("quoted.csv.gz", gzip.compress(b"id,name,price\n" + body + b"seven,x,4\n", 1), ":100002\n")


def test_columns_settle_what_was_sniffed_wrong(bad: Bad) -> None:
    got = bad.takes("late.csv", rows() + b"seven,x,4\n", "--columns", "id VARCHAR, name VARCHAR, price DOUBLE")
    assert len(got) == LATE + 2 and got[-1] == ["seven", "x", "4.0"]


@pytest.mark.parametrize(("content", "expected"), [
    (b"a,b\n", [["a", "b"]]),
    (b"a,b", [["a", "b"]]),
    (b"a,b\n1,2\n3,4", [["a", "b"], ["1", "2"], ["3", "4"]]),
    (b"a,b\r\n1,2\r\n", [["a", "b"], ["1", "2"]]),
    (b"a,b\r1,2\r", [["a", "b"], ["1", "2"]]),
    (b"a,b\n1,2\r\n3,4\n", [["a", "b"], ["1", "2"], ["3", "4"]]),
    (b"\xef\xbb\xbfa,b\n1,2\n", [["a", "b"], ["1", "2"]]),
    (b"a,,c\n1,2,3\n", [["a", "column1", "c"], ["1", "2", "3"]]),
    (b'"a\nb",c\n1,2\n', [["a\nb", "c"], ["1", "2"]]),
    (b'a,b\n"x,y\nz",2\n', [["a", "b"], ["x,y\nz", "2"]]),
    (b"a,b\n1," + b"x" * 1_000_000 + b"\n", [["a", "b"], ["1", "x" * 1_000_000]]),
])
def test_csv_that_is_odd_and_right(bad: Bad, content: bytes, expected: list[list[str]]) -> None:
    import csv

    csv.field_size_limit(1 << 24)
    assert bad.takes("odd.csv", content) == expected


def test_two_thousand_columns(bad: Bad) -> None:
    line = ",".join(str(i) for i in range(2000))
    got = bad.takes("wide.csv", ",".join(f"c{i}" for i in range(2000)) + f"\n{line}\n", table="wide")
    assert got[1] == line.split(",")


# ---- packed files ------------------------------------------------------------------------------------------------

def test_a_packed_file_that_was_cut_off(bad: Bad) -> None:
    whole = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * 7919 % 10007) for i in range(100_000)), 1)
    for keep in (5, 20, len(whole) // 2, len(whole) - 4, len(whole) - 1):
        bad.imports("cut.csv.gz", whole[:keep], "cut off")
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 0xFF
    bad.imports("cut.csv.gz", bytes(broken), "damaged")
    bad.imports("cut.csv.gz", gzip.compress(b""), "is empty")
    bad.imports("ragged.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * LATE + b"1,2,3\n", 1), f":{LATE + 2}\n")


# ---- Parquet -----------------------------------------------------------------------------------------------------

def test_truncated_and_broken_parquet(bad: Bad) -> None:
    import random

    import pyarrow as pa
    import pyarrow.parquet as pq

    path = bad.folder / "whole.parquet"
    pq.write_table(pa.table({"id": list(range(1000)), "s": [f"name{i}" for i in range(1000)]}), path)
    whole = path.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    bad.imports("cut.parquet", b"", "is empty")
    for keep in (1, 4, 8, 12, 100, len(whole) // 2, footer - 1, footer, footer + 50, len(whole) - 9, len(whole) - 8,
                 len(whole) - 4, len(whole) - 1):
        bad.imports("cut.parquet", whole[:keep], "not a Parquet file, or its end is missing")
    chance = random.Random(1)
    refused = 0
    for i in range(24):  # a changed bit is refused with the file's name, or was in what does not matter
        broken = bytearray(whole)
        broken[chance.randrange(footer if i % 2 else 0, len(whole))] ^= 1 << chance.randrange(8)
        (bad.folder / "flip.parquet").write_bytes(broken)
        done = bad.lake.run("import", bad.folder / "flip.parquet", "flip", "--replace", status=None,
                            env={"CORRIE_LAKE": str(bad.folder / "good")})
        assert done.returncode in (0, 1), done.stderr
        if done.returncode:
            refused += 1
            assert "flip.parquet" in done.stderr and not any(leak in done.stderr for leak in LEAKS), done.stderr
    assert refused > 0


def test_odd_parquet(bad: Bad) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def imports(table: pa.Table, *expected: str) -> None:
        path = bad.folder / "odd.parquet"
        pq.write_table(table, path)
        bad.says(1, ["import", path, "bad"], "odd.parquet", *expected)

    imports(pa.table([[1], [2]], names=["a", "a"]), "columns a and a")
    imports(pa.table([[1], [2]], names=["a", "A"]), "columns a and A")
    imports(pa.table({}), "column")
    imports(pa.table([[1]], names=["a\0b"]), "column 1")
    imports(pa.table({"u": pa.array([2**64 - 1], pa.uint64())}), "column u", "18446744073709551615")
    whole = (bad.folder / "odd.parquet").read_bytes()
    bad.imports("secret.parquet", b"PARE" + whole[4:-4] + b"PARE", "is encrypted")
    bad.imports("text.parquet", "a,b\n1,2\n", "not a Parquet file")
    none = bad.folder / "none.parquet"
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), none)
    assert bad.takes("none.parquet", none.read_bytes()) == [["a"]]


@pytest.mark.parametrize("plain_footer", [True, False])
def test_encrypted_parquet(bad: Bad, plain_footer: bool) -> None:
    """By a key that somebody else has: some columns, and the footer or not."""
    import base64

    import pyarrow as pa
    import pyarrow.parquet as pq
    import pyarrow.parquet.encryption as pe

    class Keys(pe.KmsClient):  # type: ignore[misc]
        def __init__(self, _: pe.KmsConnectionConfig) -> None:
            pe.KmsClient.__init__(self)

        def wrap_key(self, key: bytes, name: str) -> bytes:
            return base64.b64encode(key)

        def unwrap_key(self, key: bytes, name: str) -> bytes:
            return base64.b64decode(key)

    path = bad.folder / "secret.parquet"
    table = pa.table({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    how = pe.EncryptionConfiguration(footer_key="f", column_keys={"c": ["a"]}, plaintext_footer=plain_footer)
    properties = pe.CryptoFactory(Keys).file_encryption_properties(pe.KmsConnectionConfig(), how)
    with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    bad.says(1, ["import", path, "bad"], "secret.parquet is encrypted", "without encryption")


# ---- JSON --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("name", "content", "expected"), [
    ("a.json", b'[{"a":1},{"a":2]', ["record 2", "malformed"]),
    ("a.json", b"", ["is empty"]),
    ("a.json", b"[]", ["no JSON objects"]),
    ("a.json", b"[1,2]", ["no JSON objects"]),
    ("a.json", b"no json", ["record 1", "malformed"]),
    ("a.json", b"[" * 100_000, ["malformed"]),
    ("a.json", b'{"a":' * 2000 + b"1" + b"}" * 2000, ["nested"]),
    ("a.json", b'{"a":1,"A":2}', ["a and A"]),
    ("a.jsonl", b'{"a":1}\n{"a":\n{"a":3}\n', [":2\n", '{"a":']),
    ("a.jsonl", b'\n{"a":1}\n\n \n{"a":2}\n{"a":,}\n', [":6:", '{"a":,}', "     ^"]),
    ("a.jsonl", b'{"a":"\xff\xfe"}\n', [":1:", "UTF-8"]),
    ("a.jsonl", b'{"a":1}\n' * LATE + b'{"a":\n', [f":{LATE + 1}\n", "malformed"]),
])
def test_json_that_is_none(bad: Bad, name: str, content: bytes, expected: list[str]) -> None:
    bad.imports(name, content, *expected)


def test_json_keys_that_come_late_are_kept(bad: Bad) -> None:
    got = bad.takes("late.jsonl", '{"a":1}\n' * 50_000 + '{"a":"x","b":7}\n', table="json")
    assert got[0] == ["a", "b"] and got[1] == ["1", ""] and got[-1] == ["x", "7"]
    assert bad.takes("mixed.jsonl", '{"a":1}\n{"a":{"x":[1]}}\n', table="json")[2] == ['{"x":[1]}']


# ---- what is no file ---------------------------------------------------------------------------------------------

def test_what_is_no_file(bad: Bad) -> None:
    folder = bad.folder / "nofile"
    folder.mkdir()
    os.mkfifo(folder / "pipe.csv")
    (folder / "dangling.csv").symlink_to(folder / "nowhere")
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    (folder / "empty").mkdir()
    bad.says(2, ["import", folder / "pipe.csv", "x"], "pipe.csv is no file")
    bad.says(3, ["import", folder / "dangling.csv", "x"], "dangling.csv")
    bad.says(5, ["import", folder / "loop.csv", "x"], "loop.csv")
    bad.says(3, ["import", folder / "empty", "x"], "empty has no data files", "data files end in")
    bad.says(3, ["import", f"{folder}/no*.csv", "x"], "no file matches")
    bad.says(2, ["import", "/dev/zero", "x"], "/dev/zero is no file")


def test_one_bad_file_of_several_imports_none(bad: Bad) -> None:
    folder = bad.folder / "several"
    folder.mkdir()
    (folder / "a.csv").write_text("a,b\n1,2\n")
    (folder / "b.csv").write_bytes(b"a,b\n" + b"1,2\n" * LATE + b"1,2,3\n")
    bad.says(1, ["import", folder, "x"], "b.csv", f":{LATE + 2}\n")
    bad.says(2, ["import", folder / "a.csv", "no/name"], "no/name")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
@pytest.mark.skipif(bool(os.environ.get("CORRIE_SANITIZED")), reason="the program is copied without its build")
def test_files_that_may_not_be_read(open_folder: Path) -> None:
    folder = open_folder
    built = (BIN / "corrie").resolve()
    program = folder / "corrie"  # the checkout may lie where nobody may look
    shutil.copy(built, program)
    shutil.copy((built.parent / "libduckdb.so").resolve(), folder / "libduckdb.so")
    home = folder / "nobody"
    home.mkdir()
    os.chown(home, 65534, 65534)
    closed = folder / "closed"
    closed.mkdir()
    (closed / "x.csv").write_text("a\n1\n")
    closed.chmod(0)
    (folder / "x.csv").write_text("a\n1\n")
    (folder / "x.csv").chmod(0)
    env = clean_environment(home)
    env.update(CORRIE_LAKE=str(home / "lake"), XDG_CACHE_HOME=str(home))

    def says(status: int, *arguments: str | Path, name: str) -> None:
        done = subprocess.run([program, *map(str, arguments)], env=env, cwd="/", capture_output=True, text=True,
                              timeout=TIMEOUT, user=65534, group=65534, extra_groups=[])
        assert done.returncode == status, done.stderr
        assert name in done.stderr and "ermission denied" in done.stderr, done.stderr

    says(7, "import", closed, "x", name="closed")
    says(7, "import", closed / "x.csv", "x", name="x.csv")
    says(7, "import", folder / "x.csv", "x", name="x.csv")
    says(7, "query", f"SELECT * FROM '{folder}/x.csv'", name="x.csv")
    says(7, "--lake", "/corrie-lake", "branch", "ls", name="/corrie-lake")


# ---- Python models -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("body", "expected"), [
    ("raise ValueError('one\\ntwo\\n  three')", ["ValueError: one\ntwo\n  three", "models.py:7"]),
    ("raise ValueError('\\udcff \\x1b[31m')", ["ValueError", "\\x1b[31m"]),
    ("try:\n    1 / 0\nexcept Exception as e:\n    raise RuntimeError('outer') from e",
     ["RuntimeError: outer", "models.py:10", "ZeroDivisionError", "direct cause"]),
    ("try:\n    1 / 0\nexcept Exception:\n    raise RuntimeError('outer')",
     ["RuntimeError: outer", "ZeroDivisionError", "During handling"]),
    ("class E(Exception):\n    def __str__(self): raise KeyError('inner')\nraise E()", ["E"]),
    ("def f(): return f()\nf()", ["RecursionError", "more times"]),
    ("import helper\nhelper.go()", ["LookupError: in helper", "helper.py:2", "models.py", "line 8, in m"]),
    ("import nothing_like_it", ["ModuleNotFoundError", "pip={'nothing_like_it'"]),
    ("raise KeyboardInterrupt()", ["KeyboardInterrupt", "models.py:7"]),
])
def test_functions_that_raise(bad: Bad, body: str, expected: list[str]) -> None:
    helper = "def go():\n    raise LookupError('in helper')\n"
    bad.run(1, {"models.py": model(body), "helper.py": helper}, "m:", *expected, lacks=("site-packages", "\x1b"))


@pytest.mark.parametrize(("body", "columns", "expected"), [
    ("return rows", "['m', 'twice']", ["none of the columns it declares", "missing m, twice", "models.py:4"]),
    ("import pyarrow as pa\nreturn pa.table([[1], [2]], names=['a', 'A'])", "", ["m returned", "'A'"]),
    ("import pyarrow as pa\nreturn pa.table([[1], [2]], names=['a', 'a'])", "", ["m returned", "'a'"]),
    ("import pyarrow as pa\nreturn pa.table({})", "", ["m returned", "without columns"]),
    ("import pyarrow as pa\nreturn pa.table({'a': pa.nulls(2)})", "", ["output of m", "column a", "models.py:6"]),
    ("import pyarrow as pa\nreturn pa.table({'a': pa.array([2**64 - 1], pa.uint64())})", "", ["m", "column a"]),
    ("return {'n': [1]}", "", ["m returned dict", "pyarrow.Table"]),
])
def test_wrong_output(bad: Bad, body: str, columns: str, expected: list[str]) -> None:
    bad.run(1, {"models.py": model(body, columns=columns)}, *expected)


@pytest.mark.parametrize(("files", "status", "expected"), [
    ({"models.py": model("pass", head="def (:")}, 1, ["models.py:2:5", "    ^"]),
    ({"models.py": model("pass", head="x = 'open")}, 1, ["models.py:2:5", "unterminated"]),
    ({"models.py": model("pass"), "helper.py": "def go(:\n"}, 1, ["helper.py:1:8", "^"]),
    ({"models.py": model("pass"), "helper.py": b"x = '\xff'\n"}, 1, ["helper.py:1", "UTF-8"]),
    ({"models.py": model("pass"), "helper.py": b"x = 1\0\n"}, 1, ["helper.py", "null bytes"]),
    ({"models.py": model("pass"), "deep.py": "x = " + "(" * 5000 + ")" * 5000}, 1, ["deep.py:1"]),
    ({"models.py": model("pass"), "deep.py": "x = " + "-" * 100_000 + "1"}, 1, ["deep.py:1"]),
    ({"models.py": model("pass"), "m.sql": "SELECT 1 AS a"}, 1, ["duplicate", "models.py:6", "m.sql:1"]),
    ({"models.py": model("pass"), "other.py": model("pass")}, 1, ["duplicate", "models.py:6", "other.py:6"]),
    ({"models.py": model("pass", inputs="rows=corrie.Model('b')"), "b.sql": "SELECT * FROM m"}, 1,
     ["cycle", "models.py:6", "b.sql:1", "^"]),
    ({"models.py": model("pass", inputs="rows=corrie.Model('numbrs')")}, 3, ["models.py:6:", "numbers?", "^"]),
    ({"models.py": model("pass", inputs="rows=corrie.Model('numbers', columns=['nn'])")}, 3,
     ["models.py:6:", "did you mean n?", "^^"]),
    ({"models.py": model("pass", inputs="rows=corrie.Model('numbers', filter='nn > 1')")}, 3,
     ["models.py:6:", "did you mean n?", "^^"]),
    ({"models.py": model("pass", inputs="rows=corrie.Model('numbers', filter='n >> 1')")}, 1, ["models.py:6:", "^"]),
    ({"models.py": model("pass", inputs="rows=corrie.Model('numbers', filter='s > 5')")}, 1,
     ["filter of rows", "models.py:6:", "^"]),
    ({"models.py": model("pass", inputs="rows=corrie.Model('numbers', colums=['n'])")}, 1,
     ["models.py:6:", "did you mean columns?"]),
    ({"models.py": model("pass", inputs="rows=corrie.Model(NAME)")}, 1, ["models.py:6:", "NAME"]),
    ({"models.py": model("pass", inputs="rows")}, 1, ["models.py:6:7", "Model('table')"]),
    ({"models.py": model("pass").replace("REPLACE", "REPLCE")}, 1, ["models.py:4:", "REPLCE"]),
    ({"models.py": model("pass").replace("corrie.model", "corrie.modle")}, 1, ["models.py:4:", "did you mean model?"]),
    ({"models.py": model("pass").replace("3.11", "2.7")}, 1, ["models.py:5:", "2.7"]),
    ({"models.py": model("pass").replace("3.11", "3.99")}, 1, ["3.99"]),
    ({"models.py": model("pass", pins=", pip={'polars': '--index-url x'}")}, 1, ["models.py:5:"]),
    ({"models.py": model("pass", pins=", pip={'polars': '999.0.0'}")}, 1, ["polars", "999.0.0"]),
])
def test_projects_that_do_not_plan(bad: Bad, files: dict[str, str | bytes], status: int, expected: list[str]) -> None:
    bad.run(status, files, *expected, lacks=("Traceback", "start m"))


# ---- SQL models --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("sql", [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM 'file.csv'",
    'SELECT * FROM "/etc/passwd"',
    "FROM '/etc/passwd.parquet'",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT (SELECT count(*) FROM read_csv('/etc/passwd')) AS a",
    "WITH x AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM x",
    "SELECT * FROM numbers, LATERAL (SELECT * FROM read_text(numbers.s))",
    "SELECT * FROM numbers WHERE s IN (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT count(*) FILTER (WHERE s IN (SELECT content FROM read_text('/x'))) AS c FROM numbers",
    "SELECT * FROM numbers ORDER BY (SELECT max(file) FROM glob('/*'))",
    "SELECT * FROM numbers LIMIT (SELECT count(*) FROM glob('/*'))",
    "SELECT 1 AS a UNION ALL SELECT size FROM read_blob('/etc/passwd')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('numbers')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM parquet_metadata('/x')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM pragma_database_list()",
    "DESCRIBE numbers",
    "SELECT * FROM (SHOW TABLES)",
    "SUMMARIZE numbers",
])
def test_sql_models_read_tables_only(bad: Bad, sql: str) -> None:
    bad.run(7, {"peek.sql": REPLACE + sql}, "is not allowed here", "peek.sql:2:", "^", "import the data as a table")


@pytest.mark.parametrize(("sql", "status", "expected"), [
    ("COPY numbers TO '/tmp/x.csv'", 1, ["only a SELECT", "peek.sql:2:1"]),
    ("ATTACH '/tmp/x.db'", 1, ["only a SELECT"]),
    ("INSTALL httpfs", 1, ["only a SELECT"]),
    ("PRAGMA database_list", 1, ["only a SELECT"]),
    ("SET threads = 1", 1, ["only a SELECT"]),
    ("DROP TABLE numbers", 1, ["only a SELECT"]),
    ("CREATE MACRO f() AS TABLE SELECT 1", 1, ["only a SELECT"]),
    ("CALL pragma_version()", 1, ["only a SELECT"]),
    ("EXPLAIN SELECT 1", 1, ["only a SELECT"]),
    ("SELECT 1 AS a;\nSELECT 2", 1, ["one statement", "peek.sql:2:1"]),
    ("", 1, ["no statement", "peek.sql"]),
    ("SELEC 1", 1, ["peek.sql:2:1", "syntax"]),
    ("SELECT getenv('HOME') AS h", 7, ["getenv", "peek.sql:2:8"]),
    ("SELECT read_text('/etc/passwd') AS a", 1, ["read_text", "peek.sql:2:8"]),
    ("SELECT nextval('a') AS a", 7, ["peek.sql"]),
    ("SELECT * FROM numbers AT (VERSION => 1)", 1, ["peek.sql"]),
    ("SELECT * FROM duckdb_tables", 3, ["duckdb_tables", "peek.sql:2:15"]),
    ("SELECT * FROM information_schema.tables", 3, ["information_schema", "peek.sql:2:15"]),
    ("SELECT * FROM main.t0", 3, ["main.t0", "peek.sql:2:15"]),
    ("SELECT * FROM numbrs", 3, ["peek.sql:2:15", "did you mean numbers?", "^^^^^^"]),
    ("SELECT m FROM numbers", 3, ["peek.sql:2:8", "did you mean n or s?"]),
    ("SELECT numbers.m FROM numbers", 3, ["peek.sql:2:8", "did you mean n or s?"]),
    ("SELECT $undeclared AS a", 1, ["undeclared", "peek.sql:2:8", "corrie parameter set undeclared"]),
    ("SELECT ? AS a", 1, ["parameter", "peek.sql:2:"]),
    ("SELECT n, n FROM numbers", 1, ["two columns named n", "peek.sql"]),
    ("SELECT n AS a, n AS A FROM numbers", 1, ["two columns named A", "peek.sql"]),
    ("SELECT CAST(s AS INT) AS a FROM numbers", 1, ["'s0'", "peek.sql:2:8"]),
    ("SELECT error('boom') AS a", 1, ["peek: boom"]),
    ("SELECT INTERVAL 1 DAY AS a", 1, ["column a", "INTERVAL", "peek.sql:1"]),
])
def test_sql_models_that_are_wrong(bad: Bad, sql: str, status: int, expected: list[str]) -> None:
    bad.run(status, {"peek.sql": REPLACE + sql}, *expected)


def test_sql_models_that_are_no_text(bad: Bad) -> None:
    bad.run(1, {"peek.sql": REPLACE.encode() + b"SELECT '\xff' AS a"}, "peek.sql:2", "UTF-8")
    bad.run(1, {"peek.sql": b"SELECT '\0' AS a"}, "peek.sql")
    bad.run(1, {"peek.sql": "-- corrie: materialization_strateg=REPLACE\nSELECT 1 AS a"}, "peek.sql:1:12", "^^",
            "did you mean materialization_strategy?")


# ---- project files -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("yaml", "expected"), [
    ("", ["corrie.yaml is empty"]),
    ("project: [", ["corrie.yaml:1:", "^"]),
    ("projct:\n  name: t\n", ["corrie.yaml:1:1", "did you mean project?", "^^^^^^"]),
    ("project:\n\tname: t\n", ["corrie.yaml:2:1", "tab"]),
    ("project: 7\n", ["corrie.yaml:1:10", "keys and values"]),
    ("project:\n  name: [a]\n", ["corrie.yaml:2:9", "text"]),
    ("project:\n  name: t\n  name: u\n", ["corrie.yaml:3:3", "twice"]),
    (YAML + "parameters:\n  least: {type: itn}\n", ["corrie.yaml:5:17", "did you mean int?"]),
    (YAML + "parameters:\n  least: {type: int, default: many}\n", ["corrie.yaml:5:", "many"]),
    ("a: &a [*a]\n", ["corrie.yaml:1:", "anchors"]),
    ("[" * 100_000, ["corrie.yaml:1:", "nested"]),
    (YAML + "---\n" + YAML, ["corrie.yaml:4:1", "second document"]),
    (YAML + "\0", ["corrie.yaml:4", "NUL"]),
])
def test_project_files(bad: Bad, yaml: str, expected: list[str]) -> None:
    bad.run(1, {"k.sql": REPLACE + "SELECT 1 AS a"}, *expected, yaml=yaml)


def test_which_project_file(bad: Bad) -> None:
    bad.run(3, {"k.sql": "SELECT 1 AS a"}, "no corrie.yaml", "--project-dir", yaml=None)
    bad.run(1, {"bauplan_project.yml": YAML}, "two project files", "keep one")
    bad.write({}, None)
    os.mkfifo(bad.project / "corrie.yaml")
    bad.says(1, ["run"], "corrie.yaml is not a file", cwd=bad.project)
    (bad.project / "corrie.yaml").unlink()
    (bad.project / "corrie.yaml").mkdir()
    done = bad.lake.run("run", cwd=bad.project, status=None)
    assert done.returncode in (1, 5) and "corrie.yaml" in done.stderr


@pytest.mark.parametrize(("given", "expected"), [
    ("least", ["least", "name=value"]),
    ("leas=4", ["leas", "did you mean least?"]),
    ("least=many", ["least", "many", "integer"]),
    ("=1", ["=1"]),
])
def test_parameters(bad: Bad, given: str, expected: list[str]) -> None:
    bad.run(2, {"k.sql": REPLACE + "SELECT n FROM numbers WHERE n >= $least"}, *expected,
            options=("--param", given), yaml=YAML + "parameters:\n  least: {type: int, default: 3}\n")


def test_three_hundred_models(bad: Bad) -> None:
    """A large project plans at once, and its one error is found."""
    files: dict[str, str | bytes] = {
        f"m{i}.sql": f"SELECT n + 1 AS n FROM m{i - 1}" if i % 7 else "SELECT n FROM numbers" for i in range(300)}
    bad.lake.run("run", "--dry-run", cwd=bad.write(files))
    bad.run(1, {**files, "m294.sql": "SELECT n FROM m299"}, "cycle", "m294", "m299")
    bad.run(3, {**files, "m77.sql": "SELECT n FROM m777"}, "m77.sql:1:15", "m77")


# ---- output that nobody takes ------------------------------------------------------------------------------------

@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl"])
def test_output_that_is_cut_or_full(bad: Bad, form: str) -> None:
    command = f"'{BIN}/corrie' query 'SELECT * FROM range(300000)' -o {form}"

    def shell(text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["bash", "-c", text], env=bad.lake.env, capture_output=True, text=True, timeout=TIMEOUT)

    done = shell(f"{command} | head -c 10 >/dev/null; echo ${{PIPESTATUS[0]}}")
    assert (done.stdout, done.stderr) == ("0\n", "")
    done = shell(f"{command} >/dev/full; echo $?")
    assert done.stdout == "5\n" and "error: write standard output" in done.stderr, done.stderr
    done = shell(f"{command} >&-; echo $?")
    assert done.stdout == "5\n" and "standard output" in done.stderr, done.stderr


@pytest.mark.parametrize("command", ["version", "help", "branch ls", "branch ls -o json", "table get numbers",
                                     "log", "fsck", "job ls", "run --help"])
def test_a_full_disk_behind_standard_output(bad: Bad, command: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([BIN / "corrie", *command.split()], env=bad.lake.env, stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
    assert done.returncode == 5 and "error: write standard output: No space left" in done.stderr, done.stderr
    assert "nothing was changed" not in done.stderr  # the command had done its work


def test_zero_bytes_in_csv(bad: Bad) -> None:
    """Binary rubbish and UTF-16 without its mark are not text, early or late in the file."""
    bad.imports("zero.csv", b"a,b\n1,x\0y\n2,z\n", "column b", "zero byte", "x\\0y")
    bad.imports("late.csv", b"a,b\n" + b"1,x\n" * LATE + b"2,\0\n", "column b", "zero byte")
    bad.imports("utf16.csv", "a,b\n1,x\n2,y\n".encode("utf-16-le"), "binary data", "--encoding utf-16le")
