"""Changing tables that are not plain: odd column names, files of others, files that a statement need not read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Lake

# What DuckDB offers of every file or table, and what corrie calls columns of its own.
NAMES = ["file_index", "file_row_number", "filename", "rowid", "t", "m", "target", "corrie_row", "c0",
         "generated_column"]


def one(lake: Lake, statement: str) -> dict[str, Any]:
    done = lake.json("sql", statement)
    assert len(done["statements"]) == 1
    return dict(done["statements"][0], commit=done["commit"])


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def all_rows(lake: Lake, name: str) -> list[list[str]]:
    return lake.rows(f"SELECT {quoted(name)}, v FROM t")


def change_and_look(lake: Lake, name: str) -> None:
    """Every way of changing rows, on a table of `name` and v: 10/0, 11/1, 12/2."""
    c = quoted(name)
    assert all_rows(lake, name) == [["10", "0"], ["11", "1"], ["12", "2"]]
    assert lake.rows(f"SELECT v FROM t WHERE {c} = 11") == [["1"]]
    assert one(lake, f"UPDATE t SET v = v + {c} WHERE {c} = 11")["rows_updated"] == 1
    assert one(lake, f"UPDATE t SET {c} = {c} + 10 WHERE v = 2")["rows_updated"] == 1
    assert sorted(all_rows(lake, name)) == [["10", "0"], ["11", "12"], ["22", "2"]]
    assert one(lake, f"DELETE FROM t WHERE {c} = 10")["rows_deleted"] == 1
    done = one(lake, f"MERGE INTO t AS a USING (SELECT 11 AS k UNION ALL SELECT 30) AS s ON a.{c} = s.k "
                     f"WHEN MATCHED THEN UPDATE SET v = -1 WHEN NOT MATCHED THEN INSERT ({c}, v) VALUES (s.k, 3)")
    assert (done["rows_updated"], done["rows_inserted"]) == (1, 1)
    assert one(lake, f"UPDATE t SET v = s.w FROM (SELECT 30 AS k, 33 AS w) AS s WHERE t.{c} = s.k")["rows_updated"] == 1
    lake.run("sql", f"INSERT INTO t ({c}, v) VALUES (40, 4)")
    assert sorted(all_rows(lake, name)) == [["11", "-1"], ["22", "2"], ["30", "33"], ["40", "4"]]
    lake.run("table", "compact", "t")
    assert sorted(all_rows(lake, name)) == [["11", "-1"], ["22", "2"], ["30", "33"], ["40", "4"]]
    lake.fsck()


@pytest.mark.parametrize("name", NAMES)
def test_columns_called_like_things_of_ours(lake: Lake, name: str) -> None:
    lake.run("sql", f"CREATE TABLE t ({quoted(name)} BIGINT, v BIGINT)")
    lake.run("sql", "INSERT INTO t VALUES (10, 0), (11, 1); INSERT INTO t VALUES (12, 2)")
    change_and_look(lake, name)


@pytest.mark.parametrize("name", ["corrie.file", "Corrie.Row", "corrie.hit"])
def test_names_that_are_kept_for_corrie(lake: Lake, name: str) -> None:
    lake.run("sql", f"CREATE TABLE t ({quoted(name)} BIGINT, v BIGINT); INSERT INTO t VALUES (10, 0), (11, 1)")
    assert all_rows(lake, name) == [["10", "0"], ["11", "1"]]
    for statement in ("UPDATE t SET v = 2 WHERE v = 1", "DELETE FROM t WHERE v = 1",
                      "MERGE INTO t AS a USING (SELECT 1 AS k) AS s ON a.v = s.k WHEN MATCHED THEN DELETE"):
        text = lake.error("sql", statement, status=2)
        assert name in text and "RENAME COLUMN" in text
    lake.run("sql", f"ALTER TABLE t RENAME COLUMN {quoted(name)} TO n; DELETE FROM t WHERE v = 1")
    assert lake.rows("SELECT n FROM t") == [["10"]]


@pytest.mark.parametrize("name", ["file_index", "file_row_number", "filename"])
def test_columns_renamed_to_things_of_duckdb(lake: Lake, name: str) -> None:
    lake.run("sql", f"CREATE TABLE t ({name} BIGINT, v BIGINT, gone BIGINT); INSERT INTO t VALUES (10, 0, 5)")
    lake.run("sql", f"ALTER TABLE t RENAME COLUMN {name} TO other; ALTER TABLE t DROP COLUMN gone")
    lake.run("sql", "INSERT INTO t VALUES (11, 1)")
    lake.run("sql", f"ALTER TABLE t RENAME COLUMN other TO {name}; INSERT INTO t VALUES (12, 2)")
    change_and_look(lake, name)


@pytest.mark.parametrize("name", ["id", "file_index", "file_row_number", "filename", "ID"])
def test_files_of_others_are_changed(lake: Lake, tmp_path: Path, name: str) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    pq.write_table(pa.table({name: [10, 11], "v": [0, 1]}), parts / "a.parquet")
    pq.write_table(pa.table({"v": [2], "more": ["x"], name: [12]}), parts / "b.parquet")
    before = {p.name: p.read_bytes() for p in parts.iterdir()}
    lake.run("import", parts, "t", "--in-place")
    lake.run("sql", "ALTER TABLE t DROP COLUMN more")
    change_and_look(lake, name)
    assert {p.name: p.read_bytes() for p in parts.iterdir()} == before


def data_files(lake: Lake) -> list[Path]:
    return sorted((lake.root / "data").rglob("*.parquet"))


def test_files_of_which_all_rows_go_are_not_read(lake: Lake) -> None:
    # a day's partition is dropped by its metadata
    lake.run("sql", "CREATE TABLE t (ts TIMESTAMP, region VARCHAR, n BIGINT) PARTITIONED BY (day(ts), region)")
    lake.run("sql", "INSERT INTO t SELECT TIMESTAMP '2024-01-01' + to_hours(i), "
                    "CASE WHEN i < 24 THEN 'eu' ELSE 'us' END, i FROM range(72) AS r(i)")
    before = lake.rows("SELECT count(*) FROM t")
    done = one(lake, "DELETE FROM t WHERE ts >= TIMESTAMP '2024-01-02' AND ts < TIMESTAMP '2024-01-03'")
    assert (done["rows_deleted"], done["files_read"], done["files_removed"], done["files_added"]) == (24, 0, 1, 0)
    done = one(lake, "DELETE FROM t WHERE region = 'eu' AND n >= 0")
    assert (done["rows_deleted"], done["files_read"], done["files_added"]) == (24, 0, 0)
    done = one(lake, "DELETE FROM t WHERE ts < TIMESTAMP '2024-01-03 05:00:00'")
    assert (done["rows_deleted"], done["files_read"], done["files_added"]) == (5, 1, 1)
    assert before == [["72"]] and lake.rows("SELECT count(*), min(n) FROM t") == [["19", "53"]]
    lake.fsck()


@pytest.mark.parametrize("condition", [
    "k > 0", "k BETWEEN 1 AND 20", "NOT k > 20", "k IN (1, 2, 3, 11)", "k <> 2", "k IS NOT NULL", "k IS NULL",
    "v = 'a'", "v <> 'a'", "v <= 'b'", "d > 0.5", "d < 0.5", "NOT d < 0.5", "d = d", "k > 0 AND v = 'a'",
    "k > 11 OR v = 'a'", "k / 0 IS NULL", "NOT (k = NULL)", "k + 0 > 0", "s.a > 0", "NOT s.a > 100", "k % 2 = 1",
    "k > 0 AND NOT v = 'b'", "v LIKE 'a%'", "k NOT IN (50, 60)", "k NOT IN (50, NULL)", "k = 1 OR k <> 1", "TRUE",
    "k < 100 AND d < 'nan'", "b", "NOT b", "b IS TRUE", "b IS NOT TRUE", "K > 0", "NOT K BETWEEN 50 AND 60"])
def test_what_stays_is_what_the_condition_does_not_meet(lake: Lake, condition: str) -> None:
    # files without and with nulls, NaN, of one value; whatever is known of them, DuckDB says which rows go
    lake.run("sql", "CREATE TABLE t (k BIGINT, v VARCHAR, d DOUBLE, s STRUCT(a INTEGER), b BOOLEAN);"
                    "INSERT INTO t VALUES (1, 'a', 1, {'a': 1}, true), (2, 'a', 2, {'a': 2}, true);"
                    "INSERT INTO t VALUES (11, 'b', 'nan'::DOUBLE, {'a': 3}, false), (12, 'b', 4, NULL, false);"
                    "INSERT INTO t VALUES (3, NULL, 0.1, NULL, NULL), (NULL, 'a', NULL, {'a': 5}, true);"
                    "INSERT INTO t VALUES (NULL, NULL, NULL, NULL, NULL), "
                    "(NULL, NULL, 'nan'::DOUBLE, {'a': NULL}, NULL)")
    key = "concat_ws('/', coalesce(k::VARCHAR, '-'), coalesce(v, '-'), coalesce(d::VARCHAR, '-'), s::VARCHAR)"
    expected = sorted(lake.rows(f"SELECT {key} FROM t WHERE ({condition}) IS NOT TRUE"))
    lake.run("sql", f"DELETE FROM t WHERE {condition}")
    assert sorted(lake.rows(f"SELECT {key} FROM t")) == expected


def test_tables_with_an_order_are_written_in_it(lake: Lake) -> None:
    lake.run("sql", "CREATE TABLE t (k BIGINT, ts TIMESTAMP, s VARCHAR) PARTITIONED BY (s)")
    done = one(lake, "ALTER TABLE t WRITE ORDERED BY (k DESC, day(ts))")
    assert done["commit"]
    assert one(lake, "ALTER TABLE t WRITE ORDERED BY k DESC NULLS LAST, day(ts) ASC NULLS FIRST")["commit"] is None
    lake.run("sql", "INSERT INTO t SELECT i % 10, TIMESTAMP '2024-01-01' - to_days(i), (i % 3)::VARCHAR "
                    "FROM range(60) AS r(i)")
    paths = data_files(lake)
    assert len(paths) == 3
    for path in paths:
        rows = pq.read_table(path).select(["k", "ts"]).to_pylist()
        assert rows == sorted(rows, key=lambda row: (-row["k"], row["ts"])) and len(rows) >= 20
    lake.run("sql", "UPDATE t SET k = 100 WHERE k = 3 AND s = '0'")
    assert lake.rows("SELECT k FROM t WHERE s = '0' LIMIT 1") == [["100"]]
    lake.run("sql", "ALTER TABLE t WRITE ORDERED BY (bucket(4, k));"
                    "INSERT INTO t VALUES (1, NULL, 'x'), (0, NULL, 'x')")
    assert lake.rows("SELECT k FROM t WHERE s = 'x'") == [["1"], ["0"]]  # SQL cannot say it: as they came
    lake.run("sql", "ALTER TABLE t WRITE UNORDERED; INSERT INTO t VALUES (1, NULL, 'y'), (2, NULL, 'y')")
    assert lake.rows("SELECT k FROM t WHERE s = 'y'") == [["1"], ["2"]]
    assert "no column zz" in lake.error("sql", "ALTER TABLE t WRITE ORDERED BY zz", status=3)
    lake.fsck()


def test_a_lookup_reads_few_of_many_row_groups(lake: Lake) -> None:
    # what is sorted by a key is found by it: of 100 row groups those that cannot hold the key are told, and passed over
    lake.run("sql", "CREATE TABLE t (k BIGINT, s VARCHAR) TBLPROPERTIES ('write.parquet.row-group-limit' = '2048');"
                    "ALTER TABLE t WRITE ORDERED BY (k);"
                    "INSERT INTO t SELECT (i * 7919) % 204800, 's' || i FROM range(204800) AS r(i)")
    scan = lake.json("explain", "SELECT s FROM t WHERE k = 77777")["tables"][0]
    assert (scan["row_groups"], scan["row_groups_pruned"]) == (100, 99)
    scan = lake.json("explain", "SELECT s FROM t WHERE k BETWEEN 2000 AND 2100")["tables"][0]
    assert scan["row_groups_pruned"] == 98
    assert lake.rows("SELECT count(*) FROM t WHERE k BETWEEN 2000 AND 2100") == [["101"]]
    path, = data_files(lake)
    groups = pq.ParquetFile(path).metadata
    whole = path.read_bytes()
    damaged = bytearray(whole)
    for i in range(100):
        column = groups.row_group(i).column(1)
        if not groups.row_group(i).column(0).statistics.min <= 77777 <= groups.row_group(i).column(0).statistics.max:
            start = column.dictionary_page_offset or column.data_page_offset
            damaged[start:start + column.total_compressed_size] = bytes(column.total_compressed_size)
    path.write_bytes(damaged)  # whoever reads another group's text finds no pages
    assert lake.rows("SELECT count(s) FROM t WHERE k = 77777") == [["1"]]
    assert path.name in lake.error("query", "SELECT s FROM t", status=6)
    path.write_bytes(whole)


def test_what_a_reader_knows_of_a_file_is_its_own_or_refused(lake: Lake) -> None:
    """filename and file_row_number are columns that no * shows: a source that is kept has them by a SELECT alone."""
    lake.run("query", "SELECT i AS a FROM range(3) r(i)", "--to", lake.home / "f.parquet")
    lake.run("sql", "CREATE TABLE v (a BIGINT, s VARCHAR)")
    lake.run("sql", "INSERT INTO v SELECT file_row_number, 'x' FROM 'f.parquet'")
    lake.run("sql", "UPDATE v SET s = x.filename FROM 'f.parquet' AS x WHERE x.file_row_number = v.a")
    assert lake.rows("SELECT a, s FROM v ORDER BY a") == [[str(a), "f.parquet"] for a in range(3)]
    lake.run("sql", "DELETE FROM v USING 'f.parquet' AS x WHERE x.file_row_number = v.a AND x.file_row_number > 0")
    assert lake.rows("SELECT a FROM v") == [["0"]]
    merge = "ON x.a = v.a WHEN NOT MATCHED THEN INSERT VALUES (x.a, x.filename)"
    assert "filename" in lake.error("sql", f"MERGE INTO v USING 'f.parquet' AS x {merge}", status=3)
    lake.run("sql", f"MERGE INTO v USING (SELECT *, filename FROM 'f.parquet') AS x {merge}")
    assert lake.rows("SELECT a FROM v ORDER BY a") == [["0"], ["1"], ["2"]]
