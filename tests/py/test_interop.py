"""What corrie writes, others read: PyIceberg (newest) over every table that the tests here make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Lake

pyiceberg_table = pytest.importorskip("pyiceberg.table")


def load(lake: Lake, table: str) -> Any:
    location = lake.json("table", "get", table)["metadata_location"]
    return pyiceberg_table.StaticTable.from_metadata(location)


@pytest.fixture
def typed(lake: Lake, tmp_path: Path) -> Lake:
    """A table with a column of each everyday type, nulls in all, in two appends."""
    import datetime as dt
    import decimal
    import uuid

    import pyarrow as pa
    import pyarrow.parquet as pq

    n = 1000
    none_at = [i % 7 == 3 for i in range(n)]

    def column(kind: pa.DataType, make: Any) -> pa.Array:
        return pa.array([None if none_at[i] else make(i) for i in range(n)], kind)

    table = pa.table({
        "flag": column(pa.bool_(), lambda i: i % 2 == 0),
        "small": column(pa.int32(), lambda i: i - 500),
        "big": column(pa.int64(), lambda i: i * 10**12 - 5),
        "real": column(pa.float32(), lambda i: i / 8),
        "double": column(pa.float64(), lambda i: float("nan") if i == 10 else -i / 3),
        "money": column(pa.decimal128(12, 3), lambda i: decimal.Decimal(i * 1001 - 7) / 1000),
        "day": column(pa.date32(), lambda i: dt.date(1969, 6, 1) + dt.timedelta(days=i)),
        "clock": column(pa.time64("us"), lambda i: dt.time(i % 24, i % 60, i % 60, i)),
        "moment": column(pa.timestamp("us"), lambda i: dt.datetime(2026, 1, 1) + dt.timedelta(minutes=i)),
        "instant": column(pa.timestamp("us", tz="UTC"),
                          lambda i: dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=i)),
        "text": column(pa.string(), lambda i: f"é {i} " + "x" * (i % 40)),
        "raw": column(pa.binary(), lambda i: uuid.UUID(int=i).bytes[: i % 17]),
        "list": column(pa.list_(pa.int64()), lambda i: list(range(i % 5))),
        "pair": column(pa.struct([("x", pa.int32()), ("y", pa.string())]), lambda i: {"x": i, "y": f"{i}"}),
        "map": column(pa.map_(pa.string(), pa.int32()), lambda i: [(f"k{j}", j) for j in range(i % 3)]),
    })
    pq.write_table(table.slice(0, 600), tmp_path / "one.parquet")
    pq.write_table(table.slice(600), tmp_path / "two.parquet")
    lake.run("import", tmp_path / "one.parquet", "typed")
    lake.run("import", tmp_path / "two.parquet", "typed")
    pq.write_table(table, tmp_path / "whole.parquet")
    return lake


def test_pyiceberg_reads_every_cell(typed: Lake, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    expected = pq.read_table(tmp_path / "whole.parquet").to_pylist()
    got = load(typed, "typed").scan().to_arrow().to_pylist()
    assert len(got) == len(expected) == 1000

    def plain(rows: list[dict[str, Any]]) -> list[str]:
        return sorted(str({k: row[k] for k in sorted(row)}) for row in rows)

    assert plain(got) == plain(expected)


def test_pyiceberg_prunes_by_our_statistics(typed: Lake) -> None:
    table = load(typed, "typed")
    assert len(list(table.scan().plan_files())) == 2
    assert len(list(table.scan(row_filter="small > 250").plan_files())) == 1
    assert len(list(table.scan(row_filter="small > 5000").plan_files())) == 0
    assert len(list(table.scan(row_filter="moment < '2025-01-01T00:00:00'").plan_files())) == 0
    assert len(list(table.scan(row_filter="text < 'A'").plan_files())) == 0
    assert table.scan(row_filter="big = 999999999995").to_arrow().num_rows == 1
    assert table.scan(row_filter="day is null").to_arrow().num_rows == 143


def test_pyiceberg_sees_the_history(typed: Lake) -> None:
    table = load(typed, "typed")
    assert [s.summary.operation.value for s in table.metadata.snapshots] == ["append", "append"]
    assert [s.summary["total-records"] for s in table.metadata.snapshots] == ["600", "1000"]
    first = table.metadata.snapshots[0].snapshot_id
    assert table.scan(snapshot_id=first).to_arrow().num_rows == 600
    assert table.inspect.entries().num_rows == 2
    assert table.inspect.files().num_rows == 2
    assert table.metadata.properties["gc.enabled"] == "false"


def test_replace_keeps_ids_of_columns_that_stay(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("a,b\n1,x\n")
    lake.run("import", path, "r")
    path.write_text("b,c\ny,2\nz,3\n")
    lake.run("import", path, "r", "--replace")
    table = load(lake, "r")
    assert [(f.name, f.field_id) for f in table.schema().fields] == [("b", 2), ("c", 3)]
    assert table.scan().to_arrow().to_pylist() == [{"b": "y", "c": 2}, {"b": "z", "c": 3}]
    first = table.metadata.snapshots[0].snapshot_id
    assert table.scan(snapshot_id=first).to_arrow().to_pylist() == [{"a": 1, "b": "x"}]


def test_an_empty_table_loads(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("a,b\n1,x\n")
    lake.run("table", "create", "e", "--from", path)
    assert load(lake, "e").scan().to_arrow().num_rows == 0


def test_the_result_of_a_run_loads(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    path.write_text("n\n1\n2\n3\n")
    lake.run("import", path, "n")
    project = tmp_path / "p"
    project.mkdir()
    (project / "corrie.yaml").write_text("project:\n  id: 550e8400-e29b-41d4-a716-446655440000\n  name: p\n")
    (project / "squares.sql").write_text("-- corrie: materialization_strategy=REPLACE\n"
                                         "SELECT n, n * n AS square, [n] AS l, {'k': n} AS s FROM n\n")
    lake.run("run", cwd=project)
    rows = load(lake, "squares").scan().to_arrow().to_pylist()
    assert rows == [{"n": i, "square": i * i, "l": [i], "s": {"k": i}} for i in (1, 2, 3)]
