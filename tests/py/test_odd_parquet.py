"""Parquet files as others write them: what pyarrow reads of one a table gives as well, imported, in place and external;
or the file is refused by name, with the reason."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Lake

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

N = range(50)
HOWS = ("import", "in place", "external")


def some(make: Callable[[int], Any]) -> list[Any]:
    """Values with nulls among them."""
    return [None if i % 7 == 3 else make(i) for i in N]


def moment(i: int) -> dt.datetime:
    return dt.datetime(1950, 1, 1) + dt.timedelta(days=i * 500, seconds=i)


FLAT = {"a": pa.array(some(lambda i: i)), "s": some(lambda i: f"text {i % 5}"), "f": some(lambda i: i / 3),
        "b": some(lambda i: i % 2 == 0)}
BASE = FLAT | {"l": some(lambda i: [i, None, i + 1][:i % 4])}
ONE = pa.struct([("a", pa.int64())])


def digits(precision: int, scale: int) -> Any:
    values = some(lambda i: decimal.Decimal(-i * 7).scaleb(-scale))
    return pa.array(values, pa.decimal128(precision, scale))


# Columns, how pyarrow writes them, and whether every reader of tables can read them where they are.
FILES: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    **{f"codec {codec}": (BASE, {"compression": codec}, True) for codec in
       ("snappy", "gzip", "brotli", "zstd", "lz4", "none")},
    "pages of version 2": (BASE, {"data_page_version": "2.0"}, True),
    "no dictionaries": (BASE, {"data_page_version": "2.0", "use_dictionary": False}, True),
    "small pages": (BASE, {"data_page_size": 1, "write_batch_size": 3}, True),
    "page index and checksums": (BASE, {"write_page_index": True, "write_page_checksum": True}, True),
    "many groups": (BASE, {"row_group_size": 1}, True),
    "deltas": (FLAT, {"use_dictionary": False, "data_page_version": "2.0", "column_encoding": {
        "a": "DELTA_BINARY_PACKED", "s": "DELTA_BYTE_ARRAY", "f": "BYTE_STREAM_SPLIT", "b": "RLE"}}, True),
    "delta lengths": ({"s": FLAT["s"]}, {"use_dictionary": False, "column_encoding": "DELTA_LENGTH_BYTE_ARRAY"}, True),
    "no rows": ({"a": pa.array([], pa.int64()), "l": pa.array([], pa.list_(pa.string()))}, {}, True),
    "int96": ({"t": pa.array(some(moment), pa.timestamp("us"))}, {"use_deprecated_int96_timestamps": True}, True),
    **{f"decimal {p} {s} {n}": ({"d": digits(p, s)}, {"store_decimal_as_integer": n == "whole"}, True)
       for p, s in ((4, 2), (9, 3), (18, 5), (30, 10), (38, 0)) for n in ("whole", "bytes")},
    "unsigned": ({"a": pa.array([255], pa.uint8()), "b": pa.array([65535], pa.uint16()),
                  "c": pa.array([2**32 - 1], pa.uint32()), "d": pa.array([2**63 - 1], pa.uint64())}, {}, False),
    "small": ({"a": pa.array([-128], pa.int8()), "b": pa.array([-32768], pa.int16())}, {}, False),
    "half floats": ({"h": pa.array([0.25, None, -7.5], pa.float16())}, {}, True),
    "uuid": ({"u": pa.array([uuid.UUID(int=i << 90).bytes for i in N], pa.uuid())}, {}, True),
    "json": ({"j": pa.array(['{"a": 1}', None], pa.json_())}, {}, False),
    "bytes": ({"b": pa.array(some(lambda i: bytes([i, 255, 0]))), "f": pa.array(some(lambda i: bytes([i] * 5)),
                                                                               pa.binary(5))}, {}, True),
    "days": ({"a": pa.array(some(lambda i: moment(i).date()), pa.date32()),
              "b": pa.array(some(lambda i: moment(i).date()), pa.date64())}, {}, True),
    **{f"timestamps {unit}": ({"t": pa.array(some(moment), pa.timestamp(unit)),
                               "z": pa.array(some(moment), pa.timestamp(unit, "Europe/Rome"))}, {}, True)
       for unit in ("ms", "us")},
    "times": ({"a": pa.array(some(lambda i: dt.time(i % 24, 1, 2)), pa.time32("ms")),
               "b": pa.array(some(lambda i: dt.time(i % 24, 1, 2, 345)), pa.time64("us"))}, {}, True),
    "lists": ({"a": pa.array(some(lambda i: [[i], None, []]), pa.list_(pa.list_(pa.int64()))),
               "b": pa.array(some(lambda i: [i, i]), pa.list_(pa.int32(), 2)),
               "c": pa.array(some(lambda i: [{"a": i}, None]), pa.list_(ONE))}, {}, True),
    "lists of old": ({"c": pa.array(some(lambda i: [{"a": i}, None]), pa.list_(ONE))},
                     {"use_compliant_nested_type": False}, True),
    "maps": ({"a": pa.array(some(lambda i: [(f"k{k}", None if k == 2 else k) for k in range(i % 4)]),
                            pa.map_(pa.string(), pa.int64())),
              "b": pa.array(some(lambda i: [({"a": i}, [("x", [i])])]),
                            pa.map_(ONE, pa.map_(pa.string(), pa.list_(pa.int64()))))}, {}, True),
    "structs": ({"a": pa.array([None, {"a": None}, {"a": 1}], ONE),
                 "b": pa.array([{"a'b": 1, 'A"b': 2}] * 3, pa.struct([("a'b", pa.int64()), ('A"b', pa.int64())]))},
                {}, True),
    "dictionary": ({"d": pa.array(some(lambda i: "abc"[i % 3])).dictionary_encode()}, {}, True),
    "names": ({"a b": [1], "ü": [2], '"q"': [3], "it's": [4], "a.b": [5], "select": [6], " ": [7],
               "file_row_number": [8], "filename": ["x"], "file_index": [9]}, {}, True),
    "texts": ({"s": ["a\0b", "", "é" * 100, "\U0001f600", None]}, {}, True),
    "reals": ({"x": [float("inf"), float("-inf"), float("nan"), 5e-324, None]}, {}, True),
    "ends": ({"i": pa.array([2**31 - 1, -2**31], pa.int32()), "l": pa.array([2**63 - 1, -2**63]),
              "d": pa.array([-719162, 2932896], pa.int32()).cast(pa.date32()),
              "t": pa.array([1 - 2**63, 2**63 - 1], pa.timestamp("us")).cast(pa.int64())}, {}, True),
    **{f"whole nanoseconds in a {kind}": ({"n": pa.array([value, None], of)}, {}, False) for kind, value, of in (
        ("struct", {"x": 1000}, pa.struct([("x", pa.timestamp("ns"))])), ("list", [2000], pa.list_(pa.time64("ns"))),
        ("map", [(1, 3000)], pa.map_(pa.int32(), pa.timestamp("ns"))), ("timestamptz", 4000, pa.timestamp("ns", "UTC")),
        ("list of timestamptz", [5000], pa.list_(pa.timestamp("ns", "UTC"))))},
}

# What PyIceberg cannot read, or reads otherwise, whoever wrote it.
NOT_PYICEBERG = {
    "bytes": "it makes no binary of fixed", "times": "it knows no time32",
    "timestamps ms": "it knows no zone but UTC", "timestamps us": "it knows no zone but UTC",
    "lists": "a list of structs that is null is empty there", "lists of old": "a list of structs that is null is empty",
}


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, dt.datetime):
        return (value.astimezone(dt.UTC) if value.tzinfo else value).replace(tzinfo=None)
    if isinstance(value, uuid.UUID):
        return value.bytes
    return "NaN" if value != value else value


def cells(path: Path) -> dict[str, list[Any]]:
    table = pq.read_table(path)
    return {name: plain(table.column(name).to_pylist()) for name in table.column_names}


def take(lake: Lake, path: Path, how: str) -> list[str]:
    return (["table", "create-external", "t", "--search-pattern", str(path)] if how == "external" else
            ["import", str(path), "t", *(["--in-place"] if how == "in place" else [])])


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", FILES)
def test_cells_are_what_pyarrow_reads(lake: Lake, tmp_path: Path, name: str, how: str) -> None:
    lake.unreadable = NOT_PYICEBERG.get(name)
    columns, options, everywhere = FILES[name]
    path = tmp_path / "odd.parquet"
    pq.write_table(pa.table(columns), path, **options)
    if how != "import" and not everywhere:
        assert "which tables do not have" in lake.error(*take(lake, path, how), status=2)
        return
    lake.run(*take(lake, path, how))
    lake.run("query", "SELECT * FROM t", "--to", tmp_path / "out.parquet")
    assert cells(tmp_path / "out.parquet") == cells(path)


def test_empty_row_groups(lake: Lake, tmp_path: Path) -> None:
    table = pa.table(BASE)
    with pq.ParquetWriter(tmp_path / "x.parquet", table.schema) as writer:
        for part in (table.slice(0, 0), table.slice(0, 20), table.slice(0, 0), table.slice(20), table.slice(0, 0)):
            writer.write_table(part)
    for how in HOWS:
        lake.run(*take(lake, tmp_path / "x.parquet", how))
        lake.run("query", "SELECT * FROM t", "--to", tmp_path / "out.parquet")
        assert cells(tmp_path / "out.parquet") == cells(tmp_path / "x.parquet")
        lake.run("table", "rm", "t", "--yes")


def fine(of: Any, value: Any) -> dict[str, Any]:
    return {"n": pa.array([None, value], of)}


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(("columns", "reason"), [
    (fine(pa.timestamp("ns", "UTC"), 1), "column n: a time has nanoseconds"),
    (fine(pa.list_(pa.timestamp("ns", "UTC")), [1000, 1001]), "column n: a time has nanoseconds"),
    (fine(pa.map_(pa.int32(), pa.timestamp("ns", "UTC")), [(1, 1)]), "column n: a time has nanoseconds"),
    (fine(pa.struct([("a", pa.int64()), ("x", pa.timestamp("ns"))]), {"a": 1, "x": 1}), "column n"),
    (fine(pa.list_(pa.timestamp("ns")), [1]), "column n"),
    (fine(pa.map_(pa.int32(), pa.time64("ns")), [(1, 1)]), "column n"),
    ({"d": pa.array([decimal.Decimal(1)], pa.decimal256(50, 2))}, "DECIMAL(50,2) cannot be stored"),
    ({"l": pa.array([[{"d": decimal.Decimal(1)}]], pa.list_(pa.struct([("d", pa.decimal256(39, 0))])))},
     "column d: type DECIMAL(39,0)"),
    ({"s": pa.array([{"a": 1, "A": 2}], pa.struct([("a", pa.int64()), ("A", pa.int64())]))}, "columns a and A"),
])
def test_what_a_table_has_no_room_for_is_refused(lake: Lake, tmp_path: Path, columns: dict[str, Any], reason: str,
                                                 how: str) -> None:
    """DuckDB's reader would cut nanoseconds, make doubles of decimals and other names of fields, and say nothing."""
    pq.write_table(pa.table(columns), tmp_path / "odd.parquet", row_group_size=1)
    done = lake.run(*take(lake, tmp_path / "odd.parquet", how), status=None)
    assert done.returncode in (1, 2) and reason in done.stderr and "odd.parquet" in done.stderr
    lake.error("table", "get", "t", status=3)
    assert list(tmp_path.rglob("copy-*")) == []
