"""Every kind of file that goes in: packed, recoded, in folders with keys, from standard input."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cli_lake import peak_memory
from conftest import BIN, TIMEOUT, Lake

ROWS = [[str(i), f"row {i % 7}", f"{i}.5"] for i in range(3000)]


def table() -> Any:
    import pyarrow as pa

    return pa.table({"id": pa.array([int(r[0]) for r in ROWS], pa.int64()), "s": [r[1] for r in ROWS],
                     "x": [float(r[2]) for r in ROWS]})


def zstd(content: bytes) -> bytes:
    import pyarrow as pa

    return bytes(pa.Codec("zstd").compress(content, asbytes=True))


def content_of(kind: str) -> bytes:
    import pyarrow as pa
    import pyarrow.feather as feather
    import pyarrow.parquet as pq

    out = io.BytesIO()
    if kind == "parquet":
        pq.write_table(table(), out, row_group_size=1000)
    elif kind == "arrow":
        feather.write_feather(table(), out, compression="uncompressed", chunksize=700)
    elif kind in ("lz4", "zstd"):
        feather.write_feather(table(), out, compression=kind, chunksize=700)
    elif kind == "arrows":
        with pa.ipc.new_stream(out, table().schema) as writer:
            writer.write_table(table(), 700)
    elif kind == "csv":
        out.write(b"id,s,x\n" + b"".join(",".join(r).encode() + b"\n" for r in ROWS))
    elif kind == "tsv":
        out.write(b"id\ts\tx\n" + b"".join("\t".join(r).encode() + b"\n" for r in ROWS))
    else:
        records = [{"id": int(r[0]), "s": r[1], "x": float(r[2])} for r in ROWS]
        if kind == "json":
            out.write(json.dumps(records).encode())
        else:
            out.write("".join(json.dumps(r) + "\n" for r in records).encode())
    return out.getvalue()


ENDINGS = {"lz4": "feather", "zstd": "arrow"}


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
@pytest.mark.parametrize("kind", ["parquet", "csv", "tsv", "json", "jsonl", "arrow", "arrows", "lz4", "zstd"])
def test_each_format_in_each_packing(lake: Lake, tmp_path: Path, kind: str, packing: str) -> None:
    content = content_of(kind)
    content = gzip.compress(content, 1) if packing == ".gz" else zstd(content) if packing else content
    path = tmp_path / f"t.{ENDINGS.get(kind, kind)}{packing}"
    path.write_bytes(content)
    lake.run("import", path)
    assert lake.rows("SELECT * FROM t") == ROWS
    plain = tmp_path / "noname"  # the same by its content alone
    plain.write_bytes(content)
    lake.run("import", plain, "u")
    assert lake.rows("SELECT count(*), sum(id) FROM u") == [[str(len(ROWS)), str(sum(range(len(ROWS))))]]


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl", "arrows", "lz4"])
def test_standard_input(lake: Lake, kind: str) -> None:
    def send(*more: str) -> Any:
        done = subprocess.run([BIN / "corrie", "import", "-", "t", "-o", "json", *more], input=content_of(kind),
                              env=lake.env, cwd=lake.home, capture_output=True, timeout=TIMEOUT)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    done = send()
    assert done["rows"] == len(ROWS) and done["files"][0]["uri"].startswith("stdin:")
    assert send()["commit"] is None  # the same content counts once
    assert send("--import-duplicate-files")["rows"] == len(ROWS)
    assert lake.rows("SELECT count(*) FROM t") == [[str(2 * len(ROWS))]]


def test_messages_of_standard_input_name_it(lake: Lake) -> None:
    done = lake.run("import", "-", "t", stdin="a,b\n1,2\n3\n", status=1)
    assert "standard input: line 3 has" in done.stderr and "corrie-work" not in done.stderr
    assert "is empty" in lake.run("import", "-", "t", stdin="", status=1).stderr
    assert "only once" in lake.run("import", "-", "-", "t", stdin="a\n1\n", status=2).stderr
    assert "no name" in lake.run("import", "-", stdin="a\n1\n", status=2).stderr


@pytest.mark.parametrize(("encoding", "option"), [("utf-16", None), ("utf-16-le", "utf-16le"), ("latin-1", "latin-1"),
                                                  ("cp1252", "windows-1252"), ("utf-32", None), ("utf-8", "utf-8")])
def test_encodings(lake: Lake, tmp_path: Path, encoding: str, option: str | None) -> None:
    names = [f"José {i}" for i in range(20_000)]  # past the first block, characters across its end
    path = tmp_path / "people.csv"
    path.write_bytes(("name\n" + "\n".join(names) + "\n").encode(encoding))
    lake.run("import", path, *(["--encoding", option] if option else []))
    assert lake.rows("SELECT name FROM people") == [[n] for n in names]


def test_an_encoding_that_is_none(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes("name\nJosé\n".encode("latin-1"))
    assert "--encoding latin-1" in lake.error("import", path, status=1)
    assert "latin-99" in lake.error("import", path, "--encoding", "latin-99", status=2)


def test_folders_give_columns(lake: Lake, tmp_path: Path) -> None:
    root = tmp_path / "sales"
    for year, month, n in [("2023", "12", 1), ("2024", "01", 2), ("__HIVE_DEFAULT_PARTITION__", "02", 3)]:
        folder = root / f"year={year}" / f"month={month}" / "city=S%C3%A3o%20Paulo"
        folder.mkdir(parents=True)
        (folder / "part.csv").write_text(f"n\n{n}\n")
    (root / "_SUCCESS").write_text("")
    done = lake.json("import", root)
    assert done["table"] == "sales"
    assert done["schema"] == [{"name": "n", "type": "long"}, {"name": "year", "type": "long"},
                              {"name": "month", "type": "long"}, {"name": "city", "type": "string"}]
    assert lake.rows("SELECT n, year, month, city FROM sales ORDER BY n") == [
        ["1", "2023", "12", "São Paulo"], ["2", "2024", "1", "São Paulo"], ["3", "", "2", "São Paulo"]]
    folder = root / "year=2025" / "month=03" / "city=X"
    folder.mkdir(parents=True)
    (folder / "part.csv").write_text("n\n4\n")
    assert lake.json("import", root, "sales")["rows"] == 1  # the others are known
    assert lake.rows("SELECT year, city FROM sales WHERE n = 4") == [["2025", "X"]]
    lake.run("import", root, "plain", "--hive", "off")
    assert [f["name"] for f in lake.json("table", "get", "plain")["fields"]] == ["n"]


def test_a_key_that_is_a_column_too(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "Year=2024"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("n,year\n1,1999\n")
    said = lake.error("import", tmp_path / "in", "t", status=1)
    assert "a.csv" in said and "year" in said and "--hive off" in said
    lake.run("import", tmp_path / "in", "t", "--hive", "off")
    assert lake.rows("SELECT year FROM t") == [["1999"]]


def test_several_tables_from_a_folder(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "parts").mkdir(parents=True)
    (folder / "users.csv").write_text("id\n1\n")
    (folder / "orders.jsonl").write_text('{"id": 2}\n')
    (folder / "parts" / "a.csv").write_text("n\n1\n")
    (folder / "parts" / "b.csv").write_text("n\n2\n")
    (folder / "notes.md").write_text("x")
    done = lake.json("import", folder)
    assert [(i["table"], i["rows"]) for i in done["imports"]] == [("orders", 1), ("parts", 2), ("users", 1)]
    (folder / "users.json").write_text('{"id": 3}')
    assert "both fill" in lake.error("import", folder, status=2)


def test_files_of_one_table_may_differ(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,x,note\n1,1,\n")
    (tmp_path / "b.csv").write_text("x,id,more\n2.5,2,m\n")
    (tmp_path / "c.csv").write_text("id,note\n3,7\n")
    lake.run("import", tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "c.csv", "t")
    types = {f["name"]: f["type"] for f in lake.json("table", "get", "t")["fields"]}
    assert types == {"id": "long", "x": "double", "note": "long", "more": "string"}
    assert lake.rows("SELECT * FROM t ORDER BY id") == [["1", "1.0", "", ""], ["2", "2.5", "", "m"], ["3", "", "7", ""]]


def test_continue_on_error(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    late = "".join(f"{i},x\n" for i in range(30_000))
    (folder / "a.csv").write_text("id,s\n1,x\n")
    (folder / "b.csv").write_text("id,s\n1,2,3\n")  # seen at once
    (folder / "c.csv").write_text("id,s\n" + late + "oops,x\n")  # seen while it is written
    (folder / "d.csv").write_text("id,s\n4,y\n")
    (folder / "e.csv").write_bytes(b"")
    said = lake.error("import", folder, "t", status=1)
    assert "b.csv" in said
    lake.error("table", "get", "t", status=3)
    done = lake.json("import", folder, "t", "--continue-on-error", status=1)
    assert done["rows"] == 2 and done["failed"] == 3 and done["commit"]
    status = {Path(f["uri"]).name: f["status"] for f in done["files"]}
    assert status == {"a.csv": "imported", "b.csv": "failed", "c.csv": "failed", "d.csv": "imported", "e.csv": "failed"}
    errors = {Path(f["uri"]).name: f["error"]["message"] for f in done["files"] if "error" in f}
    assert "line 2" in errors["b.csv"] and "line 30002" in errors["c.csv"] and "empty" in errors["e.csv"]
    assert lake.rows("SELECT id, s FROM t") == [["1", "x"], ["4", "y"]]
    lake.fsck()
    head = lake.head()
    told = lake.run("import", folder, "t", "--continue-on-error", status=1)
    assert "nothing to do" in told.stdout and "left out 3 files" in told.stderr and lake.head() == head
    (folder / "b.csv").write_text("id,s\n5,z\n")
    assert lake.json("import", folder, "t", "--continue-on-error", status=1)["rows"] == 1


def test_continue_on_error_with_nothing_left(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"")
    (tmp_path / "b.csv").write_text("id\n1\n2,3\n")
    said = lake.error("import", tmp_path / "a.csv", tmp_path / "b.csv", "t", "--continue-on-error", status=1)
    assert "none of 2 files" in said
    lake.error("table", "get", "t", status=3)
    assert lake.json("job", "get", "last")["status"] == "failed"


def test_best_effort_leaves_columns_out(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,s\n1,x\n")
    (tmp_path / "b.csv").write_text("id,s,more\n2,y,z\n")
    lake.run("import", tmp_path / "a.csv", "t")
    assert "more" in lake.error("import", tmp_path / "b.csv", "t", status=1)
    lake.run("import", tmp_path / "b.csv", "t", "--best-effort")
    assert lake.rows("SELECT * FROM t") == [["1", "x"], ["2", "y"]]


def test_damaged_arrow(lake: Lake, tmp_path: Path) -> None:
    """Whatever bytes are wrong: an error that names the file, or the rows that were written; never a crash."""
    whole = content_of("lz4")
    path = tmp_path / "t.arrow"
    for cut in (0, 5, 8, 20, len(whole) // 3, len(whole) // 2):
        path.write_bytes(whole[:cut])
        assert "t.arrow" in lake.error("import", path, "t", status=1)
    for at in range(900, len(whole) - 1200, len(whole) // 40):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:])
        done = lake.run("import", path, "t", "--replace", status=None)
        assert done.returncode in (0, 1, 2), (at, done.stderr)


# ---- plans -------------------------------------------------------------------------------------------------------

def test_a_plan_names_conflicts_and_is_applied(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,price,it's \"odd\"\n1,2.5,x\n")
    (tmp_path / "b.csv").write_text("id,price\n2,cheap\n")
    uris = ["--from", str(tmp_path / "a.csv"), "--from", str(tmp_path / "b.csv")]
    assert "create-plan" in lake.error("table", "create", "shop.goods", *uris, status=1)
    plan = tmp_path / "plan.yaml"
    done = lake.run("table", "create-plan", "shop.goods", *uris, "--save-plan", plan)
    assert "files disagree on 1 column" in done.stderr
    text = plan.read_text()
    assert "type: null" in text and "DOUBLE" in text and "a.csv" in text and "b.csv" in text
    said = lake.error("table", "create-plan-apply", "--plan", plan, status=1)
    assert "not decided" in said and "plan.yaml:" in said
    lake.error("table", "get", "shop.goods", status=3)
    plan.write_text(text.replace("type: null", "type: VARCHAR"))
    made = lake.json("table", "create-plan-apply", "--plan", plan)
    assert made["schema"] == [{"name": "id", "type": "long"}, {"name": "price", "type": "string"},
                              {"name": "it's \"odd\"", "type": "string"}]
    lake.run("table", "import", "shop.goods", *uris)
    assert lake.rows("SELECT * FROM shop.goods") == [["1", "2.5", "x"], ["2", "cheap", ""]]


@pytest.mark.parametrize(("text", "expected"), [
    ("", "no plan"), ("- 1", "no plan"), ("version: 2\ntable: t\n", "version 1"), ("table: t\n", "no columns"),
    ("table: t\ncolums: []\n", "no such key"), ("table: t\ncolumns:\n  - {name: a, type: NUMBR}\n", "NUMBR"),
    ("table: t\ncolumns:\n  - {name: a, type: long}\n  - {name: A, type: long}\n", "already"),
    ("table: t\ncolumns:\n  - {name: a}\n", "without a type"), ("columns:\n  - {name: a, type: long}\n", "no table"),
    ("table: t\ncolumns: [", "plan.yaml"),
])
def test_plans_that_are_none(lake: Lake, tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "plan.yaml").write_text(text)
    assert expected in lake.error("table", "create-plan-apply", "--plan", tmp_path / "plan.yaml", status=1)


def test_a_plan_goes_through_a_pipe(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"n": 1, "s": {"x": [1.5]}}\n')
    plan = lake.run("table", "create-plan", "t", "--from", tmp_path / "a.jsonl").stdout
    lake.run("table", "create-plan-apply", stdin=plan)
    lake.run("table", "import", "t", "--from", tmp_path / "a.jsonl")
    assert lake.rows("SELECT n, s.x[1] FROM t") == [["1", "1.5"]]


# ---- files of others -----------------------------------------------------------------------------------------------

@pytest.fixture
def parts(tmp_path: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = tmp_path / "their [files]"
    folder.mkdir()
    pq.write_table(pa.table({"id": pa.array([1, 2], pa.int32()), "s": ["a", None]}), folder / "a.parquet")
    pq.write_table(pa.table({"s": ["c"], "more": [1.5], "id": pa.array([3], pa.int64())}), folder / "b.parquet")
    return folder


def test_in_place(lake: Lake, parts: Path) -> None:
    done = lake.json("import", parts, "t", "--in-place")
    assert done["rows"] == 3
    assert list((lake.root / "data").rglob("*.parquet")) == []
    assert lake.rows("SELECT id, s, more FROM t") == [["1", "a", ""], ["2", "", ""], ["3", "c", "1.5"]]
    assert lake.json("import", parts, "t", "--in-place")["commit"] is None  # the ledger knows them
    (parts / "c.csv").write_text("id,s,more\n4,d,2\n")
    assert "Parquet" in lake.error("import", parts / "c.csv", "t", "--in-place", status=2)
    lake.run("import", parts / "c.csv", "t")  # it is a table like another
    assert lake.rows("SELECT id FROM t WHERE more > 1") == [["3"], ["4"]]
    lake.fsck()
    lake.run("table", "rm", "t", "--yes")
    lake.run("gc", "--grace", "0s", "--yes")
    assert sorted(p.name for p in parts.iterdir()) == ["a.parquet", "b.parquet", "c.csv"]


def test_in_place_takes_files_as_they_are_or_not_at_all(lake: Lake, parts: Path, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    lake.run("import", parts, "t", "--in-place")
    head = lake.head()
    for column in (pa.array([1], pa.uint32()), pa.array(["x"])):
        pq.write_table(pa.table({"id": column}), tmp_path / "x.parquet")
        assert "column id" in lake.error("import", tmp_path / "x.parquet", "t", "--in-place", status=2)
    pq.write_table(pa.table({"other": [1]}), tmp_path / "x.parquet")
    assert "no column other" in lake.error("import", tmp_path / "x.parquet", "t", "--in-place", status=2)
    inside = next((lake.root).glob("data")) / "x.parquet"
    pq.write_table(pa.table({"id": pa.array([1], pa.int64())}), inside)
    assert "inside of the lake" in lake.error("import", inside, "t", "--in-place", status=7)
    assert lake.head() == head


def test_external_tables_can_only_be_read(lake: Lake, parts: Path) -> None:
    lake.run("table", "create-external", "shop.theirs", "--search-pattern", parts)
    assert lake.json("table", "get", "shop.theirs")["kind"] == "external_table"
    assert lake.rows("SELECT count(*), sum(id) FROM shop.theirs") == [["3", "6"]]
    (parts / "c.csv").write_text("id,s,more\n4,d,2\n")
    assert "external" in lake.error("import", parts / "c.csv", "shop.theirs", status=7)
    assert "external" in lake.error("import", parts / "c.csv", "shop.theirs", "--replace", status=7)
    assert "external" in lake.error("import", parts / "a.parquet", "shop.theirs", "--in-place",
                                    "--import-duplicate-files", status=7)
    assert "external" in lake.error("sql", "DELETE FROM shop.theirs WHERE id = 1", status=7)
    assert "external" in lake.error("sql", "INSERT INTO shop.theirs VALUES (1, 'x', 2.0)", status=7)
    assert "external" in lake.error("sql", "ALTER TABLE shop.theirs ADD COLUMN z INT", status=7)
    assert "--overwrite" in lake.error("table", "create-external", "shop.theirs", "--search-pattern",
                                       parts / "a.parquet", status=4)
    lake.run("table", "create-external", "shop.theirs", "--search-pattern", parts / "a.parquet", "--overwrite")
    assert lake.rows("SELECT count(*) FROM shop.theirs") == [["2"]]
    lake.fsck()
    lake.run("import", parts / "c.csv", "mine")
    assert "own" in lake.error("table", "create-external", "mine", "--search-pattern", parts / "a.parquet",
                               "--overwrite", status=7)


@pytest.mark.parametrize(("name", "content", "expected"), [
    ("deep.json", b'{"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested deeper"),
    ("twice.jsonl", b'{"a": 1, "a": 2}\n', "duplicate key"),
    ("trail.jsonl", b'{"a": 1}\nxyz\n', "line 2"),
    ("garbage.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0) + b"garbage", "behind its end"),
    ("zeros.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0) + bytes(512), "behind its end"),
])
def test_content_that_is_refused(lake: Lake, tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(content)
    said = lake.error("import", tmp_path / name, "t", status=1)
    assert expected in said and name in said and len(said) < 3000
    lake.error("table", "get", "t", status=3)


@pytest.mark.parametrize(("name", "form"), [
    ("x.jsonl", b'%s\n{"a": "y", "n": 2}\n'), ("x.json", b'[%s, {"a": "y", "n": 2}]'),
    ("x.json.gz", b'[%s, {"a": "y", "n": 2}]')])
def test_json_records_as_large_as_memory_allows(lake: Lake, tmp_path: Path, name: str, form: bytes) -> None:
    """A document of one long text is not refused for a limit that nobody set; brackets in text are text."""
    content = form % (b'{"a": "' + b'1\\"]}{[' * 5_200_000 + b'", "n": 1}')
    (tmp_path / name).write_bytes(gzip.compress(content, 1) if name.endswith(".gz") else content)
    lake.run("import", tmp_path / name, "t", "--columns", "a VARCHAR, n BIGINT")
    assert lake.rows("SELECT n, length(a) FROM t ORDER BY n") == [["1", "31200000"], ["2", "1"]]


@pytest.mark.skipif("CORRIE_SANITIZED" in os.environ, reason="what is looked for is a limit")
def test_a_query_of_a_large_json_record(lake: Lake, tmp_path: Path) -> None:
    content = b'{"a": [' + b'"0123456789",' * 2_700_000 + b'""], "n": 1}\n{"n": 2}\n'
    (tmp_path / "x.jsonl").write_bytes(content)
    sql = f"SELECT n, len(a) FROM '{tmp_path}/x.jsonl' ORDER BY n"
    assert lake.rows(sql) == [["1", "2700001"], ["2", ""]]
    asked = f"read_json_auto('{tmp_path}/x.jsonl', maximum_object_size = 40000000)"
    both = f"{sql.split(' ORDER')[0]} UNION ALL SELECT n, 1 FROM {asked}"
    assert "write read_json," in lake.error("query", both, status=1)
    assert len(lake.rows(f"SELECT n, len(a) FROM {asked}")) == 2
    said = lake.error("query", sql.replace("x.jsonl", "*.jsonl"), status=1)
    assert "16 MB" in said and "maximum_object_size" in said
    assert "memory" in lake.run("query", sql, "--memory", "40M", status=None).stderr


def test_packed_in_several_pieces(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n", mtime=0) + gzip.compress(b"3,4\n", mtime=0))
    (tmp_path / "b.csv.zst").write_bytes(zstd(b"a,b\n1,2\n") + zstd(b"3,4\n"))
    for name in ("a.csv.gz", "b.csv.zst"):
        lake.run("import", tmp_path / name)
        assert lake.rows(f"SELECT * FROM {name[0]}") == [["1", "2"], ["3", "4"]]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_fractions_are_not_rounded_into_whole_numbers(lake: Lake, tmp_path: Path, kind: str) -> None:
    """What a table cannot hold is refused, not changed; 4.0 is whole, as many programs write numbers beside nulls."""
    def given(name: str, *values: str) -> Path:
        path = tmp_path / f"{name}.{kind}"
        path.write_text("a\n" + "\n".join(values) + "\n" if kind == "csv" else
                        "".join(f'{{"a": {v or "null"}}}\n' for v in values))
        return path

    lake.run("sql", "CREATE TABLE t (a BIGINT)")
    said = lake.error("import", given("half", "1", "2.5"), "t", status=1)
    assert "column a" in said and "2.5" in said
    lake.error("import", given("large", "0.5", "9007199254740993"), "t", status=1)
    lake.run("import", given("whole", "4.0", "-7.0", "1e3"), "t")
    assert lake.rows("SELECT a FROM t ORDER BY a") == [["-7"], ["4"], ["1000"]]


def test_values_go_in_unchanged_or_not_at_all(lake: Lake, tmp_path: Path) -> None:
    """What DuckDB's casts would round: found late, under a type that a person named, in a table that has another, in a
    folder's key, and in the file of a plan."""
    late = tmp_path / "late.csv"
    late.write_text("id,price\n" + "".join(f"{i},{i}\n" for i in range(30_000)) + "30000,0.5\n30001,abc\n")
    said = lake.error("import", late, status=1)
    assert f"{late}:30002" in said and "column price: '0.5' is not BIGINT" in said and "--columns" in said
    named = tmp_path / "named.csv"
    named.write_text('name,price\n"two\nlines",1.25\n\nb,1.125\n')
    said = lake.error("import", named, "--columns", "name VARCHAR, price DECIMAL(8,2)", status=1)
    assert "line 5" in said and "'1.125' is not DECIMAL(8,2)" in said and "b,1.125" in said
    lake.run("import", named, "--columns", "name VARCHAR, price DECIMAL(8,3)")
    assert lake.rows("SELECT price FROM named") == [["1.250"], ["1.125"]]
    records = tmp_path / "records.json"
    records.write_text('[{"a": {"x": [1, 2]}}, {"a": {"x": [2.5]}}]')
    said = lake.error("import", records, "--columns", "a STRUCT(x BIGINT[])", status=1)
    assert "record 2" in said and "column a.x.element: 2.5 is not BIGINT" in said
    keyed = tmp_path / "keyed" / "part=2.5" / "a.csv"
    keyed.parent.mkdir(parents=True)
    keyed.write_text("a\n1\n")
    lake.run("sql", "CREATE TABLE keyed (a BIGINT, part BIGINT)")
    assert "column part: '2.5' is not BIGINT" in lake.error("import", tmp_path / "keyed", "keyed", status=1)
    assert [t for t in lake.json("table", "ls")["tables"] if t["name"] in ("late", "records")] == []


def test_an_offset_is_heeded_where_the_column_has_none(lake: Lake, tmp_path: Path) -> None:
    """10:00 in Paris is 09:00 in UTC, not 10:00, whichever file it comes from."""
    lake.run("sql", "CREATE TABLE t (moment TIMESTAMP)")
    for name, body in (("a.csv", "moment\n2026-01-01T10:00:00+01:00\n"),
                       ("b.jsonl", '{"moment": "2026-01-01T10:00:00+01:00"}\n')):
        path = tmp_path / name
        path.write_text(body)
        lake.run("import", path, "t")
    assert {row[0] for row in lake.rows("SELECT CAST(moment AS VARCHAR) FROM t")} == {"2026-01-01 09:00:00"}


def test_a_plan_settles_on_text_what_parquet_files_disagree_on(lake: Lake, tmp_path: Path) -> None:
    """Numbers in one file, text in the other: both go in, as text."""
    lake.run("query", "SELECT 1 AS k, 42::BIGINT AS v, true AS b", "--to", tmp_path / "a.parquet")
    lake.run("query", "SELECT 2 AS k, 'x-7' AS v, 2.50::DECIMAL(5,2) AS b", "--to", tmp_path / "b.parquet")
    files = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    plan = lake.run("table", "create-plan", "t", "--from", files[0], "--from", files[1], status=None).stdout
    assert "choices" in plan or "conflict" in plan
    (tmp_path / "plan.yaml").write_text("table: t\nfrom:\n" + "".join(f"- {f}\n" for f in files) +
                                        "columns:\n- name: k\n  type: INTEGER\n- name: v\n  type: VARCHAR\n"
                                        "- name: b\n  type: VARCHAR\n")
    lake.run("table", "create-plan-apply", "--plan", tmp_path / "plan.yaml")
    lake.run("import", *files, "t")
    assert lake.rows("SELECT * FROM t ORDER BY k") == [["1", "42", "true"], ["2", "x-7", "2.50"]]
    lake.run("query", "SELECT 3 AS k, [1] AS v, ''::BLOB AS b", "--to", tmp_path / "c.parquet")
    assert "v" in lake.error("import", tmp_path / "c.parquet", "t", status=1)


def test_numbers_that_json_has_not(lake: Lake, tmp_path: Path) -> None:
    """Python's json writes NaN and Infinity: they are these numbers, and no whole ones and no decimals."""
    path = tmp_path / "n.jsonl"
    path.write_text('{"a": NaN}\n{"a": Infinity}\n{"a": -Infinity}\n{"a": 1.5}\n')
    lake.run("import", path, "t")
    assert lake.rows("SELECT isnan(a), isinf(a), a < 0 FROM t") == [
        ["true", "false", "false"], ["false", "true", "false"], ["false", "true", "true"], ["false", "false", "false"]]
    for kind in ("BIGINT", "DECIMAL(10,2)"):
        said = lake.error("import", path, "other", "--columns", f"a {kind}", status=1)
        assert "line 1" in said and f"NaN is not {kind}" in said


@pytest.mark.parametrize("body", ['{"a":' * 10_000 + "1" + "}" * 10_000, '{"a":' + "[" * 10_000 + "]" * 10_000 + "}"])
def test_json_that_is_nested_deep_is_refused_early(lake: Lake, tmp_path: Path, body: str) -> None:
    """A file of 80 KB must not take a minute; one of the depth that tables have goes in."""
    path = tmp_path / "deep.jsonl"
    path.write_text('{"a": null}\n' + body + "\n")
    said = lake.error("import", path, "t", status=1)
    assert str(path) in said and "nested deeper than 32" in said
    fine = tmp_path / "fine.jsonl"
    fine.write_text('{"a":' * 30 + "1" + "}" * 30 + "\n")
    lake.run("import", fine, "t")


def hashes(first: int, n: int) -> Any:
    import pyarrow as pa
    numbers = range(first, first + n)
    return pa.table({"i": list(numbers), "s": [hashlib.md5(str(i).encode()).hexdigest() for i in numbers]})


def test_a_row_group_larger_than_memory(lake: Lake, tmp_path: Path) -> None:
    """One group of many rows goes in page by page; a page that has no room is refused by name, and nothing is there."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    path = tmp_path / "group.parquet"
    pq.write_table(hashes(0, 900_000), path, row_group_size=900_000)
    lake.run("import", path, "t", "--memory", "24MB")
    assert lake.rows("SELECT count(*), count(DISTINCT s), max(i) FROM t") == [["900000", "900000", "899999"]]
    path = tmp_path / "page.parquet"
    pq.write_table(pa.table({"s": ["x" * (48 << 20)]}), path, compression="none", use_dictionary=False)
    said = lake.error("import", path, "u", "--memory", "24MB", status=1)
    assert str(path) in said and "out of memory" in said and "--memory" in said
    lake.error("table", "get", "u", status=3)
    lake.run("import", path, "u", "--memory", "1GB")
    assert lake.rows("SELECT length(s) FROM u") == [[str(48 << 20)]]


@pytest.mark.skipif("CORRIE_SANITIZED" in os.environ, reason="what is freed stays in quarantine")
def test_an_import_keeps_to_the_memory_it_was_given(lake: Lake, tmp_path: Path) -> None:
    """A file ten times as large as --memory goes through without taking more of the machine than was said."""
    block = "".join(",".join([str(i), *(hashlib.md5(f"{i}{name}".encode()).hexdigest() for name in "abcdef")]) + "\n"
                    for i in range(40_000)).encode()
    copies = (640 << 20) // len(block) + 1
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        for _ in range(copies):
            file.write(block)
    idle = peak_memory(lake, "query", "SELECT 1")
    assert peak_memory(lake, "import", path, "t", "--memory", "64MB") - idle < 1.25 * (64 << 20)
    assert lake.rows("SELECT count(*), count(DISTINCT column0) FROM t") == [[str(copies * 40_000), "40000"]]


@pytest.mark.parametrize("damage", ["parquet", "gz", "gz-end", "zst"])
def test_one_damaged_file_among_many_is_named(lake: Lake, tmp_path: Path, damage: str) -> None:
    """Who has a hundred files must know which one to get again."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq
    kind = {"parquet": "parquet", "zst": "csv.zst"}.get(damage, "csv.gz")
    many = tmp_path / "many"
    many.mkdir()
    for i in range(20):
        path = many / f"f{i:02}.{kind}"
        if kind == "parquet":
            pq.write_table(hashes(i * 1000, 1000), path, compression="zstd")
        else:
            with pa.CompressedOutputStream(str(path), "zstd" if damage == "zst" else "gzip") as out:
                pyarrow.csv.write_csv(hashes(i * 1000, 1000), out)
    victim = many / f"f13.{kind}"
    whole = victim.read_bytes()
    at = {"parquet": 30, "gz": len(whole) // 2, "gz-end": len(whole) - 6, "zst": len(whole) // 2}[damage]
    victim.write_bytes(whole[:at] if damage == "zst" else whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:])
    assert str(victim) in lake.error("import", many, "t", status=1)
    lake.error("table", "get", "t", status=3)
    done = lake.run("import", many, "t", "--continue-on-error", status=None)
    assert done.returncode == 1 and victim.name in done.stdout + done.stderr
    assert lake.rows("SELECT count(*) FROM t") == [["19000"]]


@pytest.mark.parametrize("kind", ["timestamp", "time64"])
def test_nanoseconds_of_parquet_are_not_cut(lake: Lake, tmp_path: Path, kind: str) -> None:
    """A table holds microseconds: what is finer is refused, and what only could be goes in."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    of = getattr(pa, kind)("ns")
    pq.write_table(pa.table({"t": pa.array([1_000_000_001, None], of)}), tmp_path / "fine.parquet")
    assert "column t" in lake.error("import", tmp_path / "fine.parquet", "t", status=1)
    pq.write_table(pa.table({"t": pa.array([1_000_001_000, None], of)}), tmp_path / "coarse.parquet")
    lake.run("import", tmp_path / "coarse.parquet", "t")
    assert lake.rows("SELECT CAST(t AS VARCHAR) LIKE '%00:00:01.000001' FROM t") == [["true"], []]
