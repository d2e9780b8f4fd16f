"""What a query need not read is told as it is: whoever tunes a table believes these numbers."""

from __future__ import annotations

from typing import Any

from conftest import Lake


def table(lake: Lake, sql: str, *arguments: str) -> Any:
    (found,) = lake.json("explain", sql, *arguments)["tables"]
    return found


def test_files_and_manifests_are_left_out_by_partition(lake: Lake) -> None:
    lake.run("sql", "CREATE TABLE t PARTITIONED BY (k) AS SELECT range AS n, range // 100 AS k FROM range(1000)")
    lake.run("sql", "INSERT INTO t SELECT range + 5000, 77 FROM range(10)")
    found = table(lake, "SELECT n FROM t WHERE k = 3")
    assert (found["files"], found["files_pruned"], found["records"]) == (11, 10, 100)
    assert (found["manifests"], found["manifests_pruned"]) == (2, 1)
    assert found["columns"] == ["n", "k"] or found["columns"] == ["n"]
    assert lake.rows("SELECT count(*) FROM t WHERE k = 3") == [["100"]]
    whole = table(lake, "SELECT * FROM t")
    assert (whole["files_pruned"], whole["manifests_pruned"], whole["records"], whole["filters"]) == (0, 0, 1010, [])
    assert table(lake, "SELECT * FROM t WHERE k = 3", "--ref", "main~1")["files"] == 10


def test_files_and_row_groups_are_left_out_by_bounds(lake: Lake) -> None:
    lake.run("sql", "CREATE TABLE t AS SELECT range AS n, 'x' AS s FROM range(300000)")
    for i in range(3):
        lake.run("sql", f"INSERT INTO t SELECT range + {(i + 1) * 1000000}, 'y' FROM range(10)")
    found = table(lake, "SELECT s FROM t WHERE n BETWEEN 250000 AND 250009")
    assert (found["files"], found["files_pruned"]) == (4, 3)
    assert found["row_groups"] > 1 and found["row_groups_pruned"] == found["row_groups"] - 1
    assert found["filters"]


def test_every_table_is_told_and_the_plan(lake: Lake) -> None:
    lake.run("sql", "CREATE TABLE a AS SELECT 1 AS n; CREATE TABLE b AS SELECT 1 AS n")
    document = lake.json("explain", "SELECT * FROM a JOIN b USING (n)")
    assert [t["name"] for t in document["tables"]] == ["a", "b"] and "JOIN" in document["plan"]
    said = lake.run("explain", "SELECT * FROM a WHERE n > 5").stdout
    assert "files        0 of 1" in said and "public.a" in said
    assert lake.json("explain", "SELECT 1")["tables"] == []


def test_what_cannot_be_explained_says_where(lake: Lake) -> None:
    assert "^^^^^^^" in lake.error("explain", "SELECT * FROM nothing", status=3)
    lake.run("sql", "CREATE TABLE a AS SELECT 1 AS n")
    assert "SELECT m" in lake.error("explain", "SELECT m FROM a", status=3)
    assert "DROP TABLE a" in lake.error("explain", "DROP TABLE a", status=1)


def test_one_table_at_another_time(lake: Lake) -> None:
    """DuckDB's AT clause would be refused without a place; whole statements are read in the past by a ref."""
    lake.run("sql", "CREATE TABLE a AS SELECT 1 AS n")
    lake.run("sql", "INSERT INTO a SELECT 2")
    said = lake.error("query", "SELECT * FROM a AT (VERSION => 1)", status=2)
    assert "SQL:1:15" in said and "hint: read all tables as they were" in said
    assert lake.rows("SELECT count(*) FROM a", "--ref", "main~1") == [["1"]]
