"""Every row of docs/formats/types.md, cell by cell: from Parquet as others write it into a table, and out of it as
Arrow, JSON, CSV and through PyIceberg, with the extremes of each type."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import io
import json
import math
import struct
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import Lake

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pyiceberg_table = pytest.importorskip("pyiceberg.table")

UTC = dt.UTC
EPOCH = dt.datetime(1970, 1, 1)


@dataclass
class Cell:
    given: Any  # type in the file
    values: list[Any]
    stored: str  # the type in `table get`
    expected: list[Any] | None = None  # where it is not what was given
    options: dict[str, Any] = field(default_factory=dict)  # of the writer


def us(value: dt.datetime) -> int:
    return int((value - EPOCH) / dt.timedelta(microseconds=1))


D = decimal.Decimal
DATES = [dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1970, 1, 1), dt.date(1969, 12, 31)]
TIMES = [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
         dt.datetime(1969, 12, 31, 23, 59, 59, 999999)]
ZONED = [t.replace(tzinfo=UTC) for t in TIMES]
TEXTS = ["", "é\u0000nul", "x" * 1_000_000, "line\nbreak,\"quote\"", "\U0001f600", "  "]
UUIDS = [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.UUID("f79c3e09-677c-4bbd-a479-3f349cb785e7")]

CELLS = {
    "boolean": Cell(pa.bool_(), [True, False], "boolean"),
    "int8": Cell(pa.int8(), [-128, 127], "int"),
    "uint16": Cell(pa.uint16(), [0, 65535], "int"),
    "int32": Cell(pa.int32(), [-(2**31), 2**31 - 1, 0], "int"),
    "uint32": Cell(pa.uint32(), [0, 2**32 - 1], "long"),
    "int64": Cell(pa.int64(), [-(2**63), 2**63 - 1], "long"),
    "uint64": Cell(pa.uint64(), [0, 2**63 - 1], "long"),
    "float": Cell(pa.float32(), [math.nan, -0.0, math.inf, -math.inf, 1.5, 2.0**-149], "float"),
    "double": Cell(pa.float64(), [math.nan, -0.0, math.inf, -math.inf, 5e-324, 1.7976931348623157e308], "double"),
    "decimal9": Cell(pa.decimal128(9, 2), [D("9999999.99"), D("-9999999.99"), D("0.00")], "decimal(9, 2)",
                     options={"store_decimal_as_integer": True}),
    "decimal18": Cell(pa.decimal128(18, 0), [D(10**18 - 1), D(-(10**18) + 1)], "decimal(18, 0)",
                      options={"store_decimal_as_integer": True}),
    "decimal38": Cell(pa.decimal128(38, 10), [D(10**38 - 1).scaleb(-10, decimal.Context(prec=50)), D("-0.0000000001")],
                      "decimal(38, 10)"),
    "date": Cell(pa.date32(), DATES, "date"),
    "time_ms": Cell(pa.time32("ms"), [dt.time(0), dt.time(23, 59, 59, 999000)], "time"),
    "time_us": Cell(pa.time64("us"), [dt.time(0), dt.time(23, 59, 59, 999999)], "time"),
    "timestamp_ms": Cell(pa.timestamp("ms"), [TIMES[0], dt.datetime(2026, 1, 1, 0, 0, 0, 1000)], "timestamp"),
    "timestamp_us": Cell(pa.timestamp("us"), TIMES, "timestamp"),
    "timestamptz": Cell(pa.timestamp("us", tz="UTC"), ZONED, "timestamptz"),
    "timestamptz_zone": Cell(pa.timestamp("us", tz="Europe/Berlin"), ZONED[2:], "timestamptz"),
    "string": Cell(pa.string(), TEXTS, "string"),
    "large_string": Cell(pa.large_string(), TEXTS, "string"),
    "dictionary": Cell(pa.dictionary(pa.int8(), pa.string()), ["a", "", "a"], "string"),
    "delta_strings": Cell(pa.string(), ["ab", "abc", "abd"], "string",
                          options={"use_dictionary": False, "column_encoding": "DELTA_BYTE_ARRAY"}),
    "delta_ints": Cell(pa.int64(), [1, -5, 2**62], "long",
                       options={"use_dictionary": False, "column_encoding": "DELTA_BINARY_PACKED"}),
    "split_doubles": Cell(pa.float64(), [1.5, -2.25], "double",
                          options={"use_dictionary": False, "column_encoding": "BYTE_STREAM_SPLIT"}),
    "uuid": Cell(pa.uuid(), UUIDS, "uuid"),
    "binary": Cell(pa.binary(), [b"", b"\x00\xff" * 3, b"x" * 300], "binary"),
    "large_binary": Cell(pa.large_binary(), [b"", b"\x00"], "binary"),
    "list": Cell(pa.list_(pa.int32()), [[], [1, None, 3], [2**31 - 1]], "list<int>"),
    "list_2_level": Cell(pa.list_(pa.string()), [[], ["a", "b"]], "list<string>",
                         options={"use_compliant_nested_type": False}),
    "struct": Cell(pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))]),
                   [{"a": 1, "b": ["x"]}, {"a": None, "b": None}], "struct<a: long, b: list<string>>"),
    "map": Cell(pa.map_(pa.string(), pa.float64()), [[], [("k", 1.5), ("l", None)]], "map<string, double>"),
    "deep": Cell(pa.list_(pa.struct([("m", pa.map_(pa.int32(), pa.list_(pa.date32())))])),
                 [[{"m": [(1, [DATES[0], None])]}, None], []], "list<struct<m: map<int, list<date>>>>"),
}


def same(a: Any, b: Any) -> bool:
    """Equal, NaN as NaN, and 0 and -0 apart."""
    if isinstance(a, float) and isinstance(b, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return bool(a == b)


def check(got: list[Any], expected: list[Any], where: str) -> None:
    assert len(got) == len(expected), where
    for a, b in zip(got, expected, strict=True):
        assert same(a, b), f"{where}: {str(a)[:80]!r}, not {str(b)[:80]!r}"


def utc(values: list[Any]) -> list[Any]:
    return [v.astimezone(UTC) if isinstance(v, dt.datetime) and v.tzinfo else v for v in values]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with a table for each cell."""
    from conftest import clean_environment

    home = tmp_path_factory.mktemp("types")
    lake = Lake(home / "lake", home, {**clean_environment(home), "CORRIE_LAKE": str(home / "lake")})
    for name, cell in CELLS.items():
        values = [*cell.values, None]
        table = pa.table({"k": pa.array(range(len(values)), pa.int32()), "v": pa.array(values, cell.given)})
        options = dict(cell.options)
        encoding = options.pop("column_encoding", None)
        if encoding:
            options["column_encoding"] = {"v": encoding}
            options["use_dictionary"] = False
        pq.write_table(table, home / f"{name}.parquet", **options)
        lake.run("import", home / f"{name}.parquet", f"t_{name}")
    return lake


@pytest.mark.parametrize("name", CELLS)
def test_stored_type(cells: Lake, name: str) -> None:
    fields = cells.json("table", "get", f"t_{name}")["fields"]
    assert fields[1]["type"] == CELLS[name].stored


@pytest.mark.parametrize("name", CELLS)
def test_arrow(cells: Lake, name: str) -> None:
    path = cells.home / f"{name}.arrow"
    cells.run("query", f"SELECT v FROM t_{name} ORDER BY k", "-o", "arrow", "--to", path)
    column = pa.ipc.open_stream(path).read_all().column(0)
    check(utc(column.to_pylist()), utc([*(CELLS[name].expected or CELLS[name].values), None]), name)


@pytest.mark.parametrize("name", CELLS)
def test_pyiceberg(cells: Lake, name: str) -> None:
    location = cells.json("table", "get", f"t_{name}")["metadata_location"]
    table = pyiceberg_table.StaticTable.from_metadata(location).scan().to_arrow()
    got = table.column("v").to_pylist()
    if name == "uuid":
        got = [uuid.UUID(bytes=v) if isinstance(v, bytes) else v for v in got]
    if name == "deep":
        got[-1] = None  # PyIceberg 0.12 makes an empty list of a null one of structs; pyarrow reads null
    check(utc(got), utc([*(CELLS[name].expected or CELLS[name].values), None]), name)


PLAIN = ["boolean", "int32", "int64", "decimal38", "date", "time_us", "timestamp_us", "timestamptz", "string",
         "uuid", "list", "struct"]


@pytest.mark.parametrize("name", PLAIN)
def test_json(cells: Lake, name: str) -> None:
    """Values come back from JSON as they are, those that JSON has not as text that reads back."""
    path = cells.home / f"{name}.json"
    cells.run("query", f"SELECT v FROM t_{name} ORDER BY k", "-o", "json", "--to", path)
    got = [row["v"] for row in json.loads(path.read_bytes(), parse_float=D)]
    kind = name.split("_")[0].rstrip("0123456789")
    back: dict[str, Any] = {
        "decimal": lambda v: D(v), "date": dt.date.fromisoformat, "time": dt.time.fromisoformat,
        "timestamp": dt.datetime.fromisoformat, "timestamptz": dt.datetime.fromisoformat, "uuid": uuid.UUID,
    }
    read = back.get(kind, lambda v: v)
    check(utc([None if v is None else read(v) for v in got]), utc([*CELLS[name].values, None]), name)


@pytest.mark.parametrize("name", ["int64", "double", "decimal38", "date", "timestamp_us", "string", "boolean"])
def test_csv(cells: Lake, name: str) -> None:
    path = cells.home / f"{name}.csv"
    cells.run("query", f"SELECT v FROM t_{name} ORDER BY k", "-o", "csv", "--to", path)
    csv.field_size_limit(10**7)
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert rows[0] == ["v"]
    back: dict[str, Any] = {"int64": int, "double": float, "decimal38": D, "date": dt.date.fromisoformat,
                            "timestamp_us": dt.datetime.fromisoformat, "string": str,
                            "boolean": lambda v: {"true": True, "false": False}[v]}
    got = [back[name](row[0]) if row else "" for row in rows[1 : 1 + len(CELLS[name].values)]]
    check(got, CELLS[name].values, name)


def test_spark_int96(lake: Lake, tmp_path: Path) -> None:
    """Old Spark's timestamps of 96 bits are instants."""
    values = [dt.datetime(2026, 1, 2, 3, 4, 5, 678901), dt.datetime(1969, 12, 31, 23, 59, 59, 999999), None]
    pq.write_table(pa.table({"v": pa.array(values, pa.timestamp("us"))}), tmp_path / "i.parquet",
                   use_deprecated_int96_timestamps=True)
    lake.run("import", tmp_path / "i.parquet", "i")
    path = tmp_path / "out.arrow"
    lake.run("query", "SELECT v FROM i", "-o", "arrow", "--to", path)
    got = pa.ipc.open_stream(path).read_all().column(0).to_pylist()
    assert [v.replace(tzinfo=None) if v else v for v in got] == values


def test_wide_and_long(lake: Lake, tmp_path: Path) -> None:
    """5 000 columns, and a result that is longer than the memory it may take."""
    pq.write_table(pa.table({f"c{i}": pa.array([i, None], pa.int32()) for i in range(5000)}), tmp_path / "w.parquet")
    lake.run("import", tmp_path / "w.parquet", "wide")
    lake.run("query", "SELECT * FROM wide", "-o", "arrow", "--to", tmp_path / "w.arrow")
    assert pa.ipc.open_stream(tmp_path / "w.arrow").read_all().num_columns == 5000
    assert lake.rows("SELECT c4999, c0 FROM wide WHERE c4999 IS NOT NULL") == [["4999", "0"]]


CLOCKS = [  # as text, and the instant
    ("2024-03-31 01:30:00 Europe/Berlin", "2024-03-31T00:30:00+00:00"),
    ("2024-03-31 02:30:00 Europe/Berlin", "2024-03-31T01:30:00+00:00"),  # skipped by clocks
    ("2024-03-31 03:30:00 Europe/Berlin", "2024-03-31T01:30:00+00:00"),
    ("2024-10-27 01:30:00 Europe/Berlin", "2024-10-26T23:30:00+00:00"),
    ("2024-10-27 02:30:00 Europe/Berlin", "2024-10-27T01:30:00+00:00"),  # shown twice
    ("2024-10-27 02:30:00+02:00", "2024-10-27T00:30:00+00:00"),
    ("2024-07-01 10:00:00 America/New_York", "2024-07-01T14:00:00+00:00"),
    # no zone is UTC, whatever stood in the row before
    ("2024-07-01 10:00:00", "2024-07-01T10:00:00+00:00"),
    ("2024-07-01T10:00", "2024-07-01T10:00:00+00:00"),
    ("2024-07-01", "2024-07-01T00:00:00+00:00"),
]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("file", ["c.csv", "c.jsonl"])
def test_times_of_zones_by_name(lake: Lake, file: str, zone: str) -> None:
    """Where clocks change, and wherever the machine is."""
    lake.env["TZ"] = zone
    path = lake.home / file
    texts = [text for text, _ in CLOCKS]
    if file == "c.csv":
        path.write_text("id,ts\n" + "".join(f"{i},{text}\n" for i, text in enumerate(texts)))
    else:
        path.write_text("".join(json.dumps({"id": i, "ts": text}) + "\n" for i, text in enumerate(texts)))
    lake.run("sql", "CREATE TABLE t (id INT, ts TIMESTAMPTZ); CREATE TABLE plain (id INT, ts TIMESTAMP)")
    lake.run("import", path, "t")
    lake.run("import", path, "plain")
    written = "; ".join(f"INSERT INTO written VALUES ({i}, TIMESTAMPTZ '{text}')" for i, text in enumerate(texts))
    lake.run("sql", f"CREATE TABLE written (id INT, ts TIMESTAMPTZ); {written}")
    expected = [instant for _, instant in CLOCKS]
    for table in ("t", "written"):
        assert [row[0] for row in lake.rows(f"SELECT ts FROM {table} ORDER BY id")] == expected
    same = "SELECT count(*) FROM plain JOIN t USING (id) WHERE plain.ts = t.ts AT TIME ZONE 'UTC'"
    assert lake.rows(same) == [["10"]]


@pytest.mark.parametrize("partitioned", ["", "PARTITIONED BY (hour(ts))", "PARTITIONED BY (day(ts))"])
def test_filters_by_times_of_zones(lake: Lake, partitioned: str) -> None:
    """Files are left out by instants: an hour that clocks show twice loses no row, in queries and statements."""
    lake.run("sql", f"CREATE TABLE t (id INT, ts TIMESTAMPTZ) {partitioned}")
    for begin in ("2024-03-30 22:00:00+00", "2024-10-26 22:00:00+00"):
        lake.run("sql", f"INSERT INTO t SELECT i, TIMESTAMPTZ '{begin}' + INTERVAL 30 MINUTE * i FROM range(12) r(i)")
    for condition, count in [
        ("ts >= TIMESTAMPTZ '2024-03-31 02:30:00 Europe/Berlin'", 17),
        ("ts = '2024-03-31 03:30:00 Europe/Berlin'", 1),
        ("ts < TIMESTAMPTZ '2024-10-27 02:30:00 Europe/Berlin'", 19),
        ("ts > '2024-03-31 01:00:00+01'", 19),
        ("ts >= TIMESTAMPTZ '2024-03-31 00:00:00'", 20),
        ("ts >= DATE '2024-10-27'", 8),
        ("ts::DATE = DATE '2024-03-31'", 8),
        ("ts AT TIME ZONE 'Europe/Berlin' >= TIMESTAMP '2024-03-31 02:30:00'", 18),
        ("(ts AT TIME ZONE 'Europe/Berlin')::DATE = DATE '2024-10-27'", 12),
        ("ts AT TIME ZONE 'Europe/Berlin' = TIMESTAMP '2024-10-27 02:30:00'", 2),
    ]:
        assert lake.rows(f"SELECT count(*) FROM t WHERE {condition}") == [[str(count)]], condition
        said = lake.json("sql", f"DELETE FROM t WHERE {condition}", "--dry-run")["statements"][0]
        assert said["rows_deleted"] == count, condition


@pytest.mark.parametrize("partitioned", [False, True], ids=["one file", "partitions"])
def test_rows_of_zeros_and_nans_are_found(lake: Lake, partitioned: bool) -> None:
    """-0.0 is 0.0, and NaN is NaN whatever its bits: no row is lost to a filter, a join or a statement, in files that
    were imported, rewritten, compacted or given out."""
    nan = struct.unpack("<d", bytes.fromhex("000000000000f8ff"))[0]  # inf - inf, on most machines
    path = lake.home / "given.parquet"
    pq.write_table(pa.table({
        "g": [i % 2 for i in range(100)],
        "x": pa.array([-0.0 if i < 50 else 1.0 for i in range(100)]),
        "f": pa.array([-0.0 if i < 50 else 1.0 for i in range(100)], pa.float32()),
        "n": pa.array([nan if i < 50 else 1.0 for i in range(100)]),
        "s": [{"l": [-0.0], "z": -0.0 if i < 50 else 1.0} for i in range(100)],
    }), path)
    lake.run("import", path, "t", *(["--partitioned-by", "g"] if partitioned else []))

    def check(source: str) -> None:
        conditions = ["x = 0", "x = -0.0", "x IN (0)", "x IN (0, 7)", "f = 0", "n = 'NaN'", "n IN ('NaN', 7)",
                      "s.z = 0", "x <= 0", "NOT x > 0", "x IN (SELECT 0.0::DOUBLE)"]
        counts = [f"SELECT count(*) FROM {source} WHERE {condition}" for condition in conditions]
        counts.append(f"SELECT count(*) FROM {source} JOIN (VALUES (0.0::DOUBLE, 'NaN'::DOUBLE)) v(x, n) USING (x, n)")
        found = lake.rows(" UNION ALL ".join(counts))
        assert [count for count, row in zip(counts, found, strict=True) if row != ["50"]] == []

    check("t")
    located = lake.json("table", "get", "t")["metadata_location"]
    files = [task.file for task in pyiceberg_table.StaticTable.from_metadata(located).scan().plan_files()]
    for file in files:  # Iceberg orders -0.0 before 0.0
        assert {struct.pack("<d", -0.0), struct.pack("<f", -0.0)} <= set(file.lower_bounds.values())
    out = lake.home / "out.parquet"
    lake.run("query", "SELECT * FROM t", "--to", out)
    check(f"'{out}'")
    lake.run("sql", "INSERT INTO t SELECT * FROM t WHERE x = 0; DELETE FROM t WHERE x = 1")
    lake.run("sql", "INSERT INTO t SELECT g, 1, 1, 1, s FROM t WHERE x = 0 AND n = 'NaN' LIMIT 50")
    lake.run("table", "compact", "t")
    assert lake.rows("SELECT count(*) FROM t") == [["150"]]
    lake.run("sql", "UPDATE t SET x = 0, f = -f WHERE x = 0")
    said = lake.json("sql", "DELETE FROM t WHERE x = 0")["statements"][0]
    assert said["rows_deleted"] == 100
    assert lake.rows("SELECT count(*) FROM t") == [["50"]]
