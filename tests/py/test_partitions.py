"""Partitioned tables beside PyIceberg: rows, partitions and statistics of what we write are those that it would."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from conftest import Lake
from kills import SANITIZED

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pyiceberg_table = pytest.importorskip("pyiceberg.table")

from pyiceberg.conversions import from_bytes  # noqa: E402

COLUMNS = ("k BIGINT, i INTEGER, l BIGINT, d DECIMAL(12, 2), da DATE, tm TIME, ts TIMESTAMP, tz TIMESTAMPTZ, "
           "s VARCHAR, u UUID, b BLOB, f DOUBLE, bo BOOLEAN")
ROWS = """SELECT k, (hash(k) % 2000)::INTEGER - 1000 AS i, (hash(k + 1) % 200000)::BIGINT - 100000 AS l,
    (((hash(k + 2) % 100000)::BIGINT - 50000) / 100)::DECIMAL(12, 2) AS d,
    DATE '1965-01-01' + (hash(k + 3) % 20000)::INTEGER AS da,
    TIME '00:00:00' + to_microseconds((hash(k + 4) % 86400000000)::BIGINT) AS tm,
    TIMESTAMP '1965-01-01' + to_microseconds((hash(k + 5) % 2000000000000000)::BIGINT) AS ts,
    TIMESTAMPTZ '1965-01-01 00:00:00+00' + to_microseconds((hash(k + 6) % 2000000000000000)::BIGINT) AS tz,
    CASE k % 7 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN repeat('ä/=', 200) || k ELSE 'n ' || (k % 20) END AS s,
    md5(k::VARCHAR)::UUID AS u, md5(k::VARCHAR)::BLOB AS b,
    CASE k % 11 WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN NULL ELSE k / 3 END AS f, k % 3 = 0 AS bo
FROM range(200) AS v(k)"""
N = 200


def load(lake: Lake, name: str) -> Any:
    location = lake.json("table", "get", name)["metadata_location"]
    return pyiceberg_table.StaticTable.from_metadata(location)


def check_files(table: Any) -> int:
    """Every file of the table: partition values, counts and bounds are those of its rows."""
    schema, spec, rows = table.schema(), table.spec(), 0
    for task in table.scan().plan_files():
        file = task.file
        data = pq.read_table(file.file_path.removeprefix("file://"))
        assert data.num_rows == file.record_count
        rows += data.num_rows
        for at, field in enumerate(spec.fields):
            source = schema.find_field(field.source_id)
            made = field.transform.transform(source.field_type)
            for value in data.column(source.name).to_pylist():
                want = made(internal(value, source.field_type))
                have = file.partition[at]
                assert same(have, want), (field, value, have, want)
        check_statistics(schema, file, data)
    return rows


def same(have: Any, want: Any) -> bool:
    if isinstance(have, float) and isinstance(want, float):  # PyIceberg gives a double back as a float
        return math.isclose(have, want, rel_tol=1e-6) or (have != have and want != want)
    return bool(have == want)


def internal(value: Any, kind: Any) -> Any:
    """As PyIceberg's transforms take it: times as numbers."""
    if value is None or str(kind) not in ("date", "time", "timestamp", "timestamptz"):
        return bytes(value) if isinstance(value, bytes) and str(kind) == "uuid" else value
    from pyiceberg.utils import datetime as times
    if str(kind) == "date":
        return times.date_to_days(value)
    if str(kind) == "time":
        return times.time_to_micros(value)
    return times.datetime_to_micros(value)


def check_statistics(schema: Any, file: Any, data: Any) -> None:
    for field in schema.fields:
        column = data.column(field.name)
        values = [v for v in column.to_pylist() if v is not None]
        nans = [v for v in values if isinstance(v, float) and math.isnan(v)]
        assert file.value_counts[field.field_id] == len(column)
        assert file.null_value_counts[field.field_id] == column.null_count
        assert file.column_sizes[field.field_id] > 0
        if str(field.field_type) == "double":
            assert file.nan_value_counts[field.field_id] == len(nans)
        values = [internal(v, field.field_type) for v in values if v == v]
        lower, upper = file.lower_bounds.get(field.field_id), file.upper_bounds.get(field.field_id)
        if values and str(field.field_type) not in ("binary", "uuid"):
            assert lower is not None, field
            assert from_bytes(field.field_type, lower) <= min(values), field
            assert upper is None or from_bytes(field.field_type, upper) >= max(values), field
            if str(field.field_type) != "string":
                assert from_bytes(field.field_type, lower) == min(values)
                assert from_bytes(field.field_type, upper) == max(values)
            else:
                assert len(lower.decode()) <= 16 and (upper is None or len(upper.decode()) <= 16)


TERMS = [
    "i", "l", "d", "da", "tm", "ts", "tz", "s", "bo", "f",
    "bucket(4, i)", "bucket(4, l)", "bucket(d, 4)", "bucket(4, da)", "bucket(4, tm)", "bucket(4, ts)", "bucket(4, tz)",
    "bucket(4, s)", "bucket(4, u)", "bucket(4, b)",
    "truncate(100, i)", "truncate(100, l)", "truncate(1000, d)", "truncate(3, s)", "truncate(1, b)",
    "year(da)", "month(da)", "year(ts)", "month(ts)", "day(ts)", "year(tz)", "month(tz)",
    "hour(ts)", "day(tz), bucket(2, s)", "void(k), bo",
]


def test_pyiceberg_would_put_rows_where_we_do(lake: Lake) -> None:
    tried = TERMS[::3] if SANITIZED else TERMS
    lake.run("sql", f"CREATE TABLE base AS {ROWS}; " + "; ".join(
        f"CREATE TABLE t{at} ({COLUMNS}) PARTITIONED BY ({terms}); INSERT INTO t{at} FROM base"
        for at, terms in enumerate(tried)))
    for at, terms in enumerate(tried):
        table = load(lake, f"t{at}")
        assert check_files(table) == N, terms
        assert table.scan().to_arrow().num_rows == N, terms
    assert lake.rows("SELECT count(*), count(DISTINCT k) FROM t1") == [[str(N), str(N)]]


def test_a_day_that_is_run_again_replaces_itself(lake: Lake, tmp_path: Path) -> None:
    project = tmp_path / "p"
    project.mkdir()
    (project / "corrie.yaml").write_text("project:\n  id: 550e8400-e29b-41d4-a716-446655440000\n  name: p\n")
    model = ("-- corrie: materialization_strategy=OVERWRITE_PARTITIONS partitioned_by=\"day(ts), region\"\n"
             "SELECT ts::TIMESTAMP AS ts, region, n FROM (VALUES {rows}) AS v(ts, region, n)\n")
    days = [("2024-01-01 01:00:00", "eu", 1), ("2024-01-01 02:00:00", "us", 2), ("2024-01-02 01:00:00", "eu", 3)]
    again = [("2024-01-01 05:00:00", "eu", 10), ("2024-01-03 01:00:00", "eu", 11)]
    for rows in (days, again, again):
        (project / "daily.sql").write_text(model.format(rows=", ".join(str(row) for row in rows)))
        lake.run("run", cwd=project)
    table = load(lake, "daily")
    assert sorted(table.scan().to_arrow().column("n").to_pylist()) == [2, 3, 10, 11]
    assert [f.name for f in table.spec().fields] == ["ts_day", "region"]
    assert check_files(table) == 4


def test_a_filter_says_what_is_replaced(lake: Lake, tmp_path: Path) -> None:
    project = tmp_path / "p"
    project.mkdir()
    (project / "corrie.yaml").write_text("project:\n  id: 550e8400-e29b-41d4-a716-446655440000\n  name: p\n")
    model = ("-- corrie: materialization_strategy=OVERWRITE_PARTITIONS\n"
             "-- corrie: overwrite_filter=\"region = 'eu'\" partitioned_by=region\n"
             "SELECT region, n FROM (VALUES {rows}) AS v(region, n)\n")
    lake.run("sql", "CREATE TABLE r (region VARCHAR, n INTEGER) PARTITIONED BY (region); "
                    "INSERT INTO r VALUES ('eu', 1), ('us', 2), ('eu', 3)")
    (project / "r.sql").write_text(model.format(rows="('eu', 9)"))
    lake.run("run", cwd=project)
    assert sorted(load(lake, "r").scan().to_arrow().column("n").to_pylist()) == [2, 9]
    (project / "r.sql").write_text(model.format(rows="('us', 9)"))
    refused = lake.error("run", cwd=project, status=1)
    assert "does not satisfy overwrite_filter" in refused
    assert sorted(load(lake, "r").scan().to_arrow().column("n").to_pylist()) == [2, 9]


@pytest.mark.parametrize("make", ["CREATE OR REPLACE TABLE t AS SELECT 5 AS x, 'a' AS y",
                                  "CREATE OR REPLACE TABLE t PARTITIONED BY (y) AS SELECT 5 AS x, 'a' AS y"])
def test_a_table_that_lost_its_partition_columns_is_read_by_others(lake: Lake, make: str) -> None:
    """DuckDB's extension died of the removed files' manifest, whose spec names columns that are gone."""
    lake.run("sql", "CREATE TABLE t (id BIGINT, day DATE) PARTITIONED BY (month(day), id)")
    lake.run("sql", "INSERT INTO t VALUES (1, DATE '2026-01-01'), (2, DATE '2026-02-01')")
    lake.run("sql", make)
    assert lake.rows("SELECT * FROM t") == [["5", "a"]]
    lake.fsck()
