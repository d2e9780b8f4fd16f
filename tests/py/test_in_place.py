"""Parquet files of others that a table takes where they are: pruned like the lake's own, in the right partition, and
read by other readers of Iceberg as by corrie (conftest.py looks at every table that a test leaves)."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Lake, write_project

DAY = dt.date(2026, 1, 1)


def explained(lake: Lake, where: str, table: str = "t") -> tuple[int, int]:
    """Files and row groups that are left of the table by a condition."""
    told = lake.json("explain", f"SELECT * FROM {table} WHERE {where}")["tables"][0]
    return told["files"] - told["files_pruned"], told["row_groups"] - told["row_groups_pruned"]


@pytest.fixture
def days(tmp_path: Path) -> Path:
    """Five files of 100 rows in groups of 25, as pyarrow writes them: without field ids."""
    folder = tmp_path / "days"
    folder.mkdir()
    for i in range(5):
        n = range(i * 100, (i + 1) * 100)
        pq.write_table(pa.table({
            "id": pa.array(n, pa.int32()), "name": [f"name {k:05} and more of it" for k in n],
            "day": [DAY + dt.timedelta(days=k) for k in n],
            "moment": pa.array([dt.datetime(2026, 1, 1) + dt.timedelta(hours=k) for k in n], pa.timestamp("ms")),
            "price": [decimal.Decimal(k) / 4 for k in n], "half": pa.array([k / 2 for k in n], pa.float32()),
            "s": [{"a": k, "l": [k, None]} for k in n], "none": pa.array([None] * 100, pa.int64()),
            "few": [None if k % 100 else k for k in n]}), folder / f"{i}.parquet", row_group_size=25)
    return folder


@pytest.mark.parametrize(("where", "files", "groups", "rows"), [
    ("id = 250", 1, 1, 1), ("name = 'name 00250 and more of it'", 1, 1, 1), ("day < DATE '2026-01-03'", 1, 1, 2),
    ("moment >= TIMESTAMP '2026-01-18'", 1, 4, 92), ("price = 25.5", 1, 1, 1), ("half < 10", 1, 1, 20),
    ("s.a = 10", 5, 20, 1), ("none = 1", 0, 0, 0), ("few = 300", 1, 1, 1), ("few IS NULL", 5, 20, 495),
    ("id IS NULL", 0, 0, 0), ("id > 499", 0, 0, 0),
])
def test_files_in_place_are_pruned(lake: Lake, days: Path, where: str, files: int, groups: int, rows: int) -> None:
    lake.run("import", days, "t", "--in-place")
    assert explained(lake, where) == (files, groups)
    assert lake.rows(f"SELECT count(*) FROM t WHERE {where}") == [[str(rows)]]
    lake.fsck()


def test_bounds_of_text_that_is_cut_inside_a_letter(lake: Lake, tmp_path: Path) -> None:
    """Writers cut statistics by bytes: half a letter is no bound, and rows must be found all the same."""
    text = "é" * 20_000
    pq.write_table(pa.table({"s": [text + "a", text + "b"]}), tmp_path / "x.parquet")
    pq.write_table(pa.table({"s": ["\U0010ffff" * 20, "a"]}), tmp_path / "y.parquet")
    lake.run("import", tmp_path / "x.parquet", tmp_path / "y.parquet", "t", "--in-place")
    assert lake.rows("SELECT count(*) FROM t WHERE s > 'ééé'") == [["3"]]
    assert lake.rows(f"SELECT count(*) FROM t WHERE s = '{text}b'") == [["1"]]


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    there = tmp_path / "sales"
    for year in (2025, 2026):
        for region in ("north", "south west", "__HIVE_DEFAULT_PARTITION__"):
            folder = there / f"year={year}" / f"region={region}"
            folder.mkdir(parents=True)
            pq.write_table(pa.table({"id": [year, year + 1]}), folder / "x.parquet")
    return there


def test_keys_of_folders_become_partitions(lake: Lake, folders: Path) -> None:
    lake.run("import", folders, "t", "--in-place")
    assert lake.rows("SELECT id, year, region FROM t WHERE year = 2026 AND region = 'north'") == [
        ["2026", "2026", "north"], ["2027", "2026", "north"]]
    assert explained(lake, "year = 2026 AND region = 'north'") == (1, 1)
    assert lake.rows("SELECT count(*) FROM t WHERE region IS NULL") == [["4"]]
    assert {"year": "2025", "region": "north"} in [f["partition"] for f in lake.json("table", "files", "t")["files"]]
    # more of the same goes into it, in place or copied
    (folders / "year=2027/region=east").mkdir(parents=True)
    pq.write_table(pa.table({"id": [1]}), folders / "year=2027/region=east/x.parquet")
    assert lake.json("import", folders, "t", "--in-place")["rows"] == 1
    lake.run("sql", "INSERT INTO t VALUES (5, 2027, 'east')")
    assert lake.rows("SELECT id FROM t WHERE year = 2027") == [["1"], ["5"]]
    lake.run("sql", "DELETE FROM t WHERE id = 2026")
    assert lake.rows("SELECT count(*), sum(id), sum(year) FROM t") == [["8", "12162", "16207"]]
    assert (folders / "year=2026/region=north/x.parquet").exists()
    lake.fsck()


def test_external_tables_have_the_keys_of_their_folders(lake: Lake, folders: Path) -> None:
    lake.run("table", "create-external", "t", "--search-pattern", folders)
    assert lake.rows("SELECT count(*) FROM t WHERE year = 2025 AND region = 'south west'") == [["2"]]
    lake.run("table", "create-external", "t", "--search-pattern", folders, "--overwrite")
    assert explained(lake, "year = 2025") == (3, 3)


def test_a_file_lies_in_one_partition_or_is_refused(lake: Lake, days: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2], "day": [DAY, DAY + dt.timedelta(days=30)]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"id": [3], "day": [DAY + dt.timedelta(days=31)]}), tmp_path / "b.parquet")
    pq.write_table(pa.table({"id": [4, 5], "day": [DAY, DAY + dt.timedelta(days=31)]}), tmp_path / "c.parquet")
    pq.write_table(pa.table({"id": [6, 7], "day": [DAY, None]}), tmp_path / "d.parquet")
    pq.write_table(pa.table({"id": [8]}), tmp_path / "e.parquet")
    words = ("t", "--in-place", "--partitioned-by", "month(day)")
    lake.run("import", tmp_path / "a.parquet", tmp_path / "b.parquet", *words)
    assert explained(lake, "day >= DATE '2026-02-01'") == (1, 1)
    for name, reason in (("c", "2026-01-01 to 2026-02-01"), ("d", "null in some")):
        message = lake.error("import", tmp_path / f"{name}.parquet", "t", "--in-place", status=2)
        assert reason in message and f"{name}.parquet" in message and "without --in-place" in message
    done = lake.json("import", *(tmp_path / f"{name}.parquet" for name in "cde"), "t", "--in-place",
                     "--continue-on-error", status=1)
    assert done["rows"] == 1
    assert lake.rows("SELECT id FROM t ORDER BY id") == [["1"], ["2"], ["3"], ["8"]]
    assert lake.rows("SELECT id FROM t WHERE day IS NULL") == [["8"]]


def test_a_folder_key_that_is_no_partition_is_refused(lake: Lake, folders: Path) -> None:
    lake.run("sql", "CREATE TABLE t (id BIGINT, year BIGINT, region VARCHAR) PARTITIONED BY (year)")
    assert "region comes from its folder" in lake.error("import", folders, "t", "--in-place", status=2)
    lake.run("sql", "CREATE TABLE u (id BIGINT)")
    assert "no column year" in lake.error("import", folders, "u", "--in-place", status=2)
    lake.run("sql", "CREATE TABLE v (id BIGINT, year DATE, region VARCHAR) PARTITIONED BY (year, region)")
    assert "the key year" in lake.error("import", folders, "v", "--in-place", status=1)


def test_replace_in_place(lake: Lake, days: Path, folders: Path) -> None:
    lake.run("query", "SELECT 1 AS old", "--to", lake.home / "old.parquet")
    lake.run("import", lake.home / "old.parquet", "t")
    lake.run("import", days, "t", "--in-place", "--replace")
    assert lake.rows("SELECT count(*), sum(id) FROM t") == [["500", "124750"]]
    assert explained(lake, "id = 1") == (1, 1)
    lake.run("import", folders, "t", "--in-place", "--replace")  # partitioned from now on
    assert explained(lake, "year = 2025") == (3, 3)
    assert lake.json("import", folders, "t", "--in-place")["commit"] is None
    # a table that is partitioned stays so, and its files have to fit
    lake.run("import", days / "0.parquet", "u", "--in-place", "--partitioned-by", "truncate(100, id)")
    lake.run("import", days / "1.parquet", "u", "--in-place", "--replace")
    assert [f["partition"] for f in lake.json("table", "files", "u")["files"]] == [{"id_trunc": "100"}]
    pq.write_table(pa.table({"id": pa.array([99, 100], pa.int32())}), lake.home / "x.parquet")
    assert "id is from 99 to 100" in lake.error("import", lake.home / "x.parquet", "u", "--in-place", "--replace",
                                                status=2)
    lake.fsck()


def test_columns_that_came_later_are_found_in_files_in_place(lake: Lake, tmp_path: Path) -> None:
    """A table's name mapping must have the columns that it got since, or files in place would read as null."""
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"a": [2], "b": ["x"]}), tmp_path / "b.parquet")
    (tmp_path / "c.csv").write_text("a,b,c\n3,y,1.5\n")
    pq.write_table(pa.table({"a": [4], "c": [2.5]}), tmp_path / "d.parquet")
    lake.run("import", tmp_path / "a.parquet", "t", "--in-place")
    lake.run("import", tmp_path / "b.parquet", "t", "--in-place", "--evolve")
    lake.run("import", tmp_path / "c.csv", "t", "--evolve")
    lake.run("import", tmp_path / "d.parquet", "t", "--in-place")
    assert lake.rows("SELECT * FROM t ORDER BY a") == [
        ["1", "", ""], ["2", "x", ""], ["3", "y", "1.5"], ["4", "", "2.5"]]


def test_files_with_field_ids_of_their_own_are_refused(lake: Lake, tmp_path: Path) -> None:
    ids = pa.schema([pa.field("b", pa.int64(), metadata={"PARQUET:field_id": "2"}),
                     pa.field("a", pa.int64(), metadata={"PARQUET:field_id": "1"})])
    pq.write_table(pa.table({"b": [1], "a": [2]}, schema=ids), tmp_path / "x.parquet")
    lake.run("sql", "CREATE TABLE t (b BIGINT, a BIGINT)")
    assert "field id" in lake.error("import", tmp_path / "x.parquet", "t", "--in-place", status=2)
    lake.run("sql", "CREATE TABLE u (a BIGINT, b BIGINT)")
    lake.run("import", tmp_path / "x.parquet", "u", "--in-place")
    assert lake.rows("SELECT a, b FROM u") == [["2", "1"]]


NAN = float("nan")


@pytest.fixture
def reals(tmp_path: Path) -> Path:
    """Two files whose bounds leave NaN out, as most writers do: 1 to 3 and a NaN; 1 to 4."""
    (tmp_path / "reals").mkdir()
    for name, values in (("a", [1.0, NAN, 3.0]), ("b", [2.0, 4.0])):
        pq.write_table(pa.table({
            "id": pa.array(range(len(values)), pa.int32()), "x": values, "f": pa.array(values, pa.float32()),
            "s": [{"x": x} for x in values], "l": [[x] for x in values]}), tmp_path / "reals" / f"{name}.parquet")
    return tmp_path / "reals"


@pytest.mark.parametrize("how", ["import", "in place", "external"])
def test_nan_is_above_all_numbers_whatever_the_bounds_say(lake: Lake, reals: Path, how: str) -> None:
    if how == "external":
        lake.run("table", "create-external", "t", "--search-pattern", reals)
    else:
        lake.run("import", reals, "t", *(["--in-place"] if how == "in place" else []))
    for where, ids in (("x > 100", "1"), ("x >= 3.5", "1,1"), ("x = 'nan'", "1"), ("x IN (7, 'nan'::DOUBLE)", "1"),
                       ("NOT (x <= 100)", "1"), ("x > 100 OR x = 7", "1"), ("f > 100", "1"), ("s.x > 100", "1"),
                       ("l[1] > 100", "1"), ("x > (SELECT 100.0)", "1"), ("x < 'nan'", "0,0,1,2"),
                       ("x <> 1", "0,1,1,2"), ("isnan(x)", "1")):
        assert lake.rows(f"SELECT string_agg(id, ',' ORDER BY id) FROM t WHERE {where}") == [[ids]], where
    assert lake.rows("SELECT max(x), max(f), max(s.x) FROM t") == [["NaN", "NaN", "NaN"]]
    assert lake.rows("SELECT x FROM t ORDER BY x DESC LIMIT 1") == [["NaN"]]
    lake.run("query", "SELECT x FROM t WHERE x > 100", "--to", lake.home / "out.parquet")
    assert lake.rows(f"SELECT x FROM '{lake.home}/out.parquet'") == [["NaN"]]


def changed(lake: Lake, sql: str) -> int:
    [told] = lake.json("sql", sql)["statements"]
    return int(told["rows_updated"] + told["rows_deleted"])


def test_statements_change_rows_that_are_nan(lake: Lake, reals: Path) -> None:
    for name in "tuv":
        lake.run("import", reals, name, "--in-place")
    assert changed(lake, "UPDATE t SET id = 7 WHERE f > 100") == 1
    assert lake.rows("SELECT id FROM t WHERE x > 100") == [["7"]]
    assert changed(lake, "DELETE FROM u WHERE x > 100") == 1
    assert lake.rows("SELECT count(*), max(x) FROM u") == [["4", "4.0"]]
    assert changed(lake, "MERGE INTO v USING (SELECT 'nan'::DOUBLE AS n) AS s ON v.x = s.n "
                         "WHEN MATCHED THEN DELETE") == 1
    assert lake.rows("SELECT count(*), max(x) FROM v") == [["4", "4.0"]]
    lake.fsck()


def test_models_write_into_tables_with_files_in_place(lake: Lake, tmp_path: Path) -> None:
    """What a model replaces, and what it reads beside, lies outside of the lake: a run may read it all the same."""
    pq.write_table(pa.table({"id": range(4), "said": ["old"] * 4}), tmp_path / "kept.parquet")
    for table in ("merged", "overwritten", "read"):
        lake.run("import", tmp_path / "kept.parquet", table, "--in-place")
    select = "SELECT id, 'new' AS said FROM read WHERE id IN (2, 3)\n"
    project = write_project(tmp_path / "project", {
        "merged.sql": f"-- corrie: materialization_strategy=MERGE keys=id\n{select}",
        "overwritten.sql": "-- corrie: materialization_strategy=OVERWRITE_PARTITIONS\n"
                           f"-- corrie: overwrite_filter=\"id > 1\"\n{select}"})
    lake.run("run", "-p", project)
    for table in ("merged", "overwritten"):
        assert lake.rows(f"SELECT id, said FROM {table} ORDER BY id") == [
            ["0", "old"], ["1", "old"], ["2", "new"], ["3", "new"]], table
    lake.fsck()
