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
