"""What a query need not read is told as it is: whoever tunes a table believes these numbers."""

from __future__ import annotations

import datetime as dt
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
    """A table is read beside itself as it was: at a ref, a time or a snapshot; errors show the person's own text."""
    lake.run("sql", "CREATE TABLE a AS SELECT 1 AS n, 'x' AS s")
    lake.run("tag", "create", "v1")
    [first] = [v["snapshot_id"] for v in lake.json("table", "history", "a")["versions"]]
    between = dt.datetime.now(dt.UTC).isoformat()
    lake.run("sql", "INSERT INTO a SELECT 2, 'y'; ALTER TABLE a RENAME COLUMN s TO t")
    joined = "SELECT now.n, now.t, old.s FROM a AS now LEFT JOIN a AS old AT (VERSION => 'v1') USING (n) ORDER BY n"
    assert lake.rows(joined) == [["1", "x", "x"], ["2", "y", ""]]
    for clause in ("(VERSION => 'v1')", f"(version => {first})", "(VERSION=>'main~1')", f"(TIMESTAMP => '{between}')",
                   f"/* then */ (TIMESTAMP => TIMESTAMPTZ '{between}' + INTERVAL (0) DAY -- )\n )"):
        assert lake.rows(f"SELECT count(*), max(a.s) FROM public.a AT {clause} WHERE n < 9") == [["1", "x"]], clause
    lake.run("sql", """CREATE TABLE "at (x" AS SELECT 7 AS n; CREATE TABLE "at" AS SELECT 8 AS n""")
    odd = """SELECT "at".n, "at (x".n, q.m FROM /* AT ( */ public . "at" AS "at" AT (VERSION => 'main'),
             "at (x" AT (VERSION => concat('ma', 'in')), public."at (x" q(m) AT (VERSION => 'main') -- AT (
             WHERE q.m = 7"""
    assert lake.rows(odd) == [["8", "7", "7"]]
    twice = "FROM a AT (VERSION => 'v1') UNION ALL BY NAME FROM a AT (VERSION => 'main') UNION ALL BY NAME FROM a"
    assert lake.rows(f"SELECT count(*) FROM ({twice})") == [["5"]]
    explained = lake.json("explain", "SELECT s FROM a AT (VERSION => 'v1')")["tables"]
    assert [(t["name"], t["records"]) for t in explained] == [("a", 1)]
    for sql, status, words in (
        ("SELECT t FROM a AT (VERSION => 'v1')", 3, ["FROM a AT (VERSION => 'v1')", "SQL:1:8", "did you mean n or s?"]),
        ("SELECT * FROM a AT (VERSION => 5)", 3, ["no snapshot 5", "table history"]),
        ("SELECT * FROM a AT (VERSION => 'v2')", 3, ["v2", "did you mean v1?"]),
        ("SELECT * FROM a AT (VERSION => NULL)", 1, ["has no value", "SQL:1:32"]),
        ("SELECT * FROM a AT (TIMESTAMP => 'x')", 1, ["AT (TIMESTAMP", "SQL:1:34"]),
        ("SELECT * FROM a AT (TIMESTAMP => '1999-01-01')", 3, ["did not exist", "^^^"]),
        ("SELECT * FROM b AT (VERSION => 'v1')", 3, ["public.b"]),
    ):
        said = lake.error("query", sql, status=status)
        assert all(word in said for word in words), said
        assert "~" not in said.replace("main~1", ""), said
    assert "corrie query" in lake.error("sql", "INSERT INTO a SELECT n, s FROM a AT (VERSION => 'v1')", status=1)
    assert lake.rows("SELECT count(*) FROM a", "--ref", "v1") == [["1"]]


def test_what_show_would_not_tell(lake: Lake) -> None:
    """The engine has only the tables that a statement names: an empty list would be a lie."""
    lake.run("sql", "CREATE TABLE a AS SELECT 1 AS n")
    for sql in ("SHOW TABLES", "SHOW ALL TABLES", "FROM (SHOW TABLES)", "SHOW DATABASES"):
        for verb in ("query", "sql"):
            assert "corrie table ls" in lake.error(verb, sql, status=1)
    assert lake.rows("DESCRIBE a")[0][:2] == ["n", "INTEGER"]
    assert lake.rows("SUMMARIZE a")[0][0] == "n"
