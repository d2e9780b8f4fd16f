"""Results leave in every format, as wide and as long as they come. What is wrong here is wrong in somebody's report."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from cli_lake import on_terminal
from conftest import BIN, TIMEOUT, Lake

FORMATS = ["csv", "json", "jsonl", "parquet", "arrow"]
ALL_TYPES = """SELECT true AS b, -5 AS i, 9223372036854775807 AS l, 0.1::FLOAT AS f, 0.1::DOUBLE AS d,
    -12.50::DECIMAL(10,2) AS de, 12345678901234567890123456789012345678::DECIMAL(38,0) AS big, DATE '0001-01-01' AS day,
    TIME '23:59:59.5' AS t, TIMESTAMP '2026-11-20 10:00:00.25' AS ts, TIMESTAMPTZ '2026-11-20 10:00:00+02' AS tz,
    e'a,"b"\\n' AS s, '' AS e, '\\x00\\xFF'::BLOB AS bin, 'f79c3e09-677c-4bbd-a479-3f349cb785e7'::UUID AS u,
    [1, NULL] AS li, {'a': 1, 'b': [DATE '2026-01-01']} AS st, MAP {'k': 1.50::DECIMAL(4,2)} AS m, NULL::INTEGER AS n
    UNION ALL BY NAME SELECT false AS b, 'nan'::DOUBLE AS d, '-inf'::FLOAT AS f"""


def call(lake: Lake, *arguments: str | Path, status: int = 0) -> bytes:
    """The program's output as bytes."""
    done = subprocess.run([BIN / "corrie", *map(str, arguments)], cwd=lake.home, env=lake.env, capture_output=True,
                          timeout=TIMEOUT)
    assert done.returncode == status, done.stderr.decode()
    return done.stdout


def arrow(data: bytes) -> pa.Table:
    with pyarrow.ipc.open_stream(io.BytesIO(data)) as reader:
        return reader.read_all()


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_has_what_a_pipe_gets(lake: Lake, form: str) -> None:
    lake.run("query", ALL_TYPES, "--to", f"file.{form}")
    piped = call(lake, "query", ALL_TYPES, "-o", form)
    filed = (lake.home / f"file.{form}").read_bytes()
    if form == "json":
        assert json.loads(filed) == json.loads(piped)["rows"]
    elif form == "arrow":
        assert str(arrow(filed).to_pylist()) == str(arrow(piped).to_pylist())
    elif form == "parquet":
        assert pq.read_table(io.BytesIO(filed)).slice(0, 1).equals(pq.read_table(io.BytesIO(piped)).slice(0, 1))
    else:
        assert filed == piped


def test_values_are_the_same_in_every_format(lake: Lake) -> None:
    """Parquet and Arrow keep every type; text keeps every digit, and tells null from the empty text."""
    table = arrow(call(lake, "query", ALL_TYPES, "-o", "arrow"))
    stored = pq.read_table(io.BytesIO(call(lake, "query", ALL_TYPES, "-o", "parquet")))
    assert [f.name for f in table.schema] == [f.name for f in stored.schema]
    assert str(table.slice(0, 1).to_pylist()) == str(stored.slice(0, 1).to_pylist())
    assert (table["de"].type, table["tz"].type, table["bin"].type) == (pa.decimal128(10, 2), pa.timestamp("us", "UTC"),
                                                                     pa.binary())
    first, second = map(json.loads, call(lake, "query", ALL_TYPES, "-o", "jsonl").splitlines())
    assert first == {
        "b": True, "i": -5, "l": 9223372036854775807, "f": 0.1, "d": 0.1, "de": -12.5,
        "big": 12345678901234567890123456789012345678, "day": "0001-01-01", "t": "23:59:59.5",
        "ts": "2026-11-20T10:00:00.25", "tz": "2026-11-20T08:00:00+00:00", "s": 'a,"b"\n', "e": "", "bin": "00ff",
        "u": "f79c3e09-677c-4bbd-a479-3f349cb785e7", "li": [1, None], "st": {"a": 1, "b": ["2026-01-01"]},
        "m": {"k": 1.5}, "n": None}
    assert (second["d"], second["f"], second["s"]) == ("NaN", "-Infinity", None)
    text = call(lake, "query", ALL_TYPES, "-o", "csv").decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert (rows[0]["de"], rows[0]["big"], rows[0]["s"]) == ("-12.50", str(first["big"]), 'a,"b"\n')
    assert json.loads(rows[0]["st"]) == first["st"] and ',"",00ff,' in text


@pytest.mark.parametrize("form", FORMATS)
def test_what_was_written_can_be_imported(lake: Lake, form: str) -> None:
    """The way back: rows, order, nulls and types that the format has names for."""
    sql = """SELECT range AS id, 'name ' || range AS name, (range / 4)::DECIMAL(12,2) AS price,
        DATE '2026-01-01' + range::INTEGER AS day, TIMESTAMP '2026-01-01 00:00:00.5' + to_hours(range) AS seen,
        CASE WHEN range % 3 = 0 THEN NULL ELSE range % 2 = 0 END AS flag FROM range(500)"""
    lake.run("query", sql, "--to", f"rows.{form}")
    lake.run("import", f"rows.{form}", "back")
    cast = "SELECT id, name, price::DECIMAL(12,2), day, seen, flag FROM"
    assert lake.rows(f"{cast} back") == lake.rows(f"{cast} ({sql})")


def test_wide_results(lake: Lake) -> None:
    """5 000 columns are many, but no reason to fail."""
    names = ", ".join(f"range + {i} AS c{i}" for i in range(5000))
    (lake.home / "wide.sql").write_text(f"SELECT {names} FROM range(20)")
    rows = list(csv.reader(io.StringIO(call(lake, "query", "-f", "wide.sql", "-o", "csv").decode())))
    assert len(rows) == 21 and rows[0][4999] == "c4999" and rows[20][4999] == "5018"
    assert json.loads(call(lake, "query", "-f", "wide.sql", "-o", "json"))["rows"][19]["c4999"] == 5018
    for table in (arrow(call(lake, "query", "-f", "wide.sql", "-o", "arrow")),
                  pq.read_table(io.BytesIO(call(lake, "query", "-f", "wide.sql", "-o", "parquet")))):
        assert table.shape == (20, 5000) and table["c4999"][19].as_py() == 5018
    assert "c4999" in call(lake, "query", "-f", "wide.sql", "-o", "table").decode().splitlines()[0]
    assert "c4999" in call(lake, "query", "-f", "wide.sql", "-x", "--max-rows", "1").decode()
    assert "of 5000 columns" in on_terminal(lake, "query", "-f", "wide.sql")[1]


def peak(lake: Lake, rows: int, width: int, form: str) -> tuple[int, int]:
    """Bytes that leave through a pipe, and bytes of memory that it takes at most."""
    sql = f"SELECT range AS n, repeat('x', {width}) AS s FROM range({rows})"
    child = subprocess.Popen([BIN / "corrie", "query", sql, "-o", form], cwd=lake.home, env=lake.env,
                             stdout=subprocess.PIPE)
    assert child.stdout
    size = 0
    while piece := child.stdout.read(1 << 20):
        size += len(piece)
    child.stdout.close()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return size, usage.ru_maxrss * 1024


@pytest.mark.skipif("CORRIE_SANITIZED" in os.environ, reason="what is freed stays in quarantine")
@pytest.mark.parametrize("form", ["csv", "jsonl", "arrow", "table"])
def test_long_results_take_no_memory(lake: Lake, form: str) -> None:
    """Whatever leaves through a pipe, what is held is a batch."""
    for rows, width in ((100_000, 1_000), (8_000, 20_000))[:1 if form == "table" else 2]:  # columns are slow to lay out
        less, least = peak(lake, rows, width, form)
        more, most = peak(lake, 4 * rows, width, form)
        assert more - less > 290_000_000
        assert most - least < 150_000_000


@pytest.mark.parametrize("form", [*FORMATS, "table"])
def test_a_reader_that_had_enough(lake: Lake, form: str) -> None:
    """`… | head` is no failure."""
    child = subprocess.Popen([BIN / "corrie", "query", "SELECT range AS n FROM range(20000000)", "-o", form],
                             cwd=lake.home, env=lake.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout and child.stderr
    assert len(child.stdout.read(10)) == 10
    child.stdout.close()
    assert b"error" not in child.stderr.read()
    assert child.wait(TIMEOUT) == 0


@pytest.mark.parametrize("form", FORMATS)
def test_a_disk_that_is_full(lake: Lake, form: str) -> None:
    """Standard output and a device tell it; a file keeps what it had, and nothing else is left."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([BIN / "corrie", "query", "SELECT range AS n FROM range(100000)", "-o", form],
                              cwd=lake.home, env=lake.env, stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT)
    assert done.returncode == 5 and b"No space left" in done.stderr
    path = lake.home / f"kept.{form}"
    path.write_text("before")

    sql = "SELECT hash(range)::VARCHAR AS n, uuid() AS u FROM range(500000)"
    cut = subprocess.run(["prlimit", f"--fsize={1 << 20}", BIN / "corrie", "query", sql, "--to", path.name],
                         cwd=lake.home, env=lake.env, capture_output=True, text=True, timeout=TIMEOUT)
    assert cut.returncode == 5 and "error" in cut.stderr
    assert path.read_text() == "before"
    assert [p.name for p in lake.home.iterdir() if p.is_file()] == [path.name]


@pytest.mark.parametrize("form", FORMATS)
def test_a_statement_that_fails_late(lake: Lake, form: str) -> None:
    sql = "SELECT CASE WHEN range = 3000000 THEN error('too far') ELSE range END AS n FROM range(4000000)"
    path = lake.home / f"kept.{form}"
    path.write_text("before")
    assert "too far" in lake.error("query", sql, "--to", path.name, status=1)
    assert path.read_text() == "before"
    done = lake.run("query", sql, "-o", form, status=None) if form in ("csv", "json", "jsonl") else None
    if done:
        assert done.returncode == 1
    if form == "json" and done:
        assert "too far" in json.loads(done.stdout)["error"]["message"]
    if form == "parquet":
        assert call(lake, "query", sql, "-o", form, status=1) == b""
    if form == "arrow":
        with pytest.raises(pa.ArrowInvalid):
            arrow(call(lake, "query", sql, "-o", form, status=1))


def test_rows_are_limited_in_every_format(lake: Lake) -> None:
    sql = "SELECT range AS n FROM range(100000)"
    assert arrow(call(lake, "query", sql, "-o", "arrow", "--max-rows", "7"))["n"].to_pylist() == list(range(7))
    data = call(lake, "query", sql, "-o", "parquet", "--max-rows", "7")
    assert pq.read_table(io.BytesIO(data))["n"].to_pylist() == list(range(7))
    for form in FORMATS:
        assert lake.json("query", sql, "--to", f"few.{form}", "--max-rows", "7")["rows"] == 7


def test_a_terminal_gets_no_binary(lake: Lake) -> None:
    for form in ("arrow", "parquet"):
        status, said = on_terminal(lake, "query", "SELECT 1 AS n", "-o", form)
        assert status == 2 and "--to FILE" in said


def test_no_rows(lake: Lake) -> None:
    sql = "SELECT range AS n, 'x' AS s FROM range(0)"
    assert call(lake, "query", sql, "-o", "csv") == b"n,s\n"
    assert arrow(call(lake, "query", sql, "-o", "arrow")).schema.names == ["n", "s"]
    assert pq.read_table(io.BytesIO(call(lake, "query", sql, "-o", "parquet"))).shape == (0, 2)
    for form, content in (("csv", "n,s\n"), ("jsonl", ""), ("json", "[]\n")):
        lake.run("query", sql, "--to", f"none.{form}")
        assert (lake.home / f"none.{form}").read_text() == content


def test_names_that_repeat_are_told_apart(lake: Lake) -> None:
    row = json.loads(call(lake, "query", "SELECT 1 AS id, 2 AS id, 3 AS id_2, 4 AS id", "-o", "jsonl"))
    assert sorted(row.values()) == [1, 2, 3, 4] and row["id"] == 1 and row["id_2"] == 3
