"""`corrie sql`: what becomes of tables, what is told, what wrong statements get."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
from pathlib import Path

import pytest
from conftest import BIN, TIMEOUT, Lake

GOODS = ("CREATE TABLE shop.goods (id BIGINT NOT NULL, name VARCHAR, price DOUBLE, s STRUCT(a INTEGER, b VARCHAR));"
         "INSERT INTO shop.goods VALUES (1, 'tea', 2.5, {'a': 1, 'b': 'x'}), (2, 'salt', NULL, NULL);"
         "INSERT INTO shop.goods SELECT i, 'n' || i, i / 2, NULL FROM range(10, 14) AS r(i)")


@pytest.fixture
def goods(lake: Lake) -> Lake:
    lake.run("sql", GOODS)
    return lake


def ids(lake: Lake, table: str = "shop.goods") -> list[int]:
    return [int(row[0]) for row in lake.rows(f"SELECT id FROM {table}")]


def one(lake: Lake, statement: str, *more: str) -> dict[str, object]:
    done = lake.json("sql", statement, *more)
    assert len(done["statements"]) == 1
    return dict(done["statements"][0], commit=done["commit"])


def test_a_script_is_one_commit(goods: Lake) -> None:
    head = goods.head()
    done = goods.json("sql", "DELETE FROM shop.goods WHERE id = 1; INSERT INTO shop.goods (id) VALUES (7)", "-m", "why")
    assert [s["rows_deleted"] + s["rows_inserted"] for s in done["statements"]] == [1, 1]
    assert [s["commit"] for s in done["statements"]] == [None, done["commit"]]
    log = goods.json("log", "--max-count", "2")["commits"]
    assert (log[0]["commit"], log[1]["commit"], log[0]["message"]) == (done["commit"], head, "why")
    goods.fsck()


def test_a_script_that_fails_leaves_nothing(goods: Lake) -> None:
    head = goods.head()
    text = goods.error("sql", "DELETE FROM shop.goods;\nINSERT INTO shop.goods VALUES (1, 'x', 'y', NULL)", status=1)
    assert "y" in text
    assert goods.head() == head and ids(goods) == [1, 2, 10, 11, 12, 13]
    text = goods.error("sql", "DELETE FROM shop.goods; FROB", status=1)
    assert "found FROB" in text
    assert goods.head() == head


def test_autocommit_and_begin(goods: Lake) -> None:
    done = goods.json("sql", "DELETE FROM shop.goods WHERE id = 1; DELETE FROM shop.goods WHERE id = 2", "--autocommit")
    assert all(s["commit"] for s in done["statements"])
    done = goods.json("sql", "DELETE FROM shop.goods WHERE id = 10; BEGIN; DELETE FROM shop.goods; ROLLBACK; "
                             "BEGIN; DELETE FROM shop.goods WHERE id = 11; "
                             "INSERT INTO shop.goods (id) VALUES (5); COMMIT")
    assert [bool(s["commit"]) for s in done["statements"]] == [True, False, False, False, False, False, False, True]
    assert ids(goods) == [12, 13, 5]
    head = goods.head()
    assert "never committed" in goods.error("sql", "BEGIN; DELETE FROM shop.goods", status=1)
    assert "no transaction" in goods.error("sql", "COMMIT", status=1)
    assert goods.head() == head


def test_rows_keep_their_order(goods: Lake) -> None:
    assert ids(goods) == [1, 2, 10, 11, 12, 13]
    one(goods, "UPDATE shop.goods SET name = 'x' WHERE id = 11")
    assert ids(goods) == [1, 2, 10, 11, 12, 13]
    one(goods, "DELETE FROM shop.goods WHERE id IN (SELECT 12)")
    assert ids(goods) == [1, 2, 10, 11, 13]
    one(goods, "UPDATE shop.goods SET name = 'y' WHERE id = 2")  # its file comes behind the others
    assert ids(goods) == [10, 11, 13, 1, 2]


def test_only_files_with_hits_are_written(goods: Lake) -> None:
    done = one(goods, "UPDATE shop.goods SET price = 0 WHERE id = 12")
    assert (done["rows_updated"], done["files_removed"], done["files_added"]) == (1, 1, 1)
    done = one(goods, "DELETE FROM shop.goods WHERE id >= 10")
    assert (done["rows_deleted"], done["files_removed"], done["files_added"]) == (4, 1, 0)
    done = one(goods, "DELETE FROM shop.goods WHERE price > 1000")
    assert (done["rows_deleted"], done["commit"]) == (0, None)
    done = one(goods, "DELETE FROM shop.goods WHERE price = NULL")
    assert done["rows_deleted"] == 0
    done = one(goods, "TRUNCATE shop.goods")
    assert (done["rows_deleted"], done["files_read"]) == (2, 0)
    assert ids(goods) == []


def test_only_files_that_may_hold_hits_are_read(goods: Lake) -> None:
    for i in range(20):
        goods.run("sql", f"INSERT INTO shop.goods (id, name) SELECT {100 * i} + i, 'k{i:02}' FROM range(1, 6) AS r(i)")
    done = one(goods, "UPDATE shop.goods SET price = 1 WHERE id = 1203")
    assert (done["rows_updated"], done["files_read"], done["files_pruned"]) == (1, 1, 21)
    done = one(goods, "DELETE FROM shop.goods WHERE id IN (301, 304, 5000) AND name < 'k04'")
    assert (done["rows_deleted"], done["files_read"]) == (2, 1)
    done = one(goods, "MERGE INTO shop.goods AS g USING (SELECT 705 AS id) AS s "
                      "ON g.id = s.id AND g.id > 700 AND g.id < 800 WHEN MATCHED THEN DELETE")
    assert (done["rows_deleted"], done["files_read"]) == (1, 1)


@pytest.fixture
def spread(lake: Lake) -> Lake:
    """Twenty files, each of a hundred keys."""
    lake.run("sql", "CREATE TABLE t (k BIGINT, v DOUBLE, s VARCHAR);"
             + ";".join(f"INSERT INTO t SELECT i, i / 4, 'n' || i FROM range({n * 100}, {n * 100 + 100}) AS r(i)"
                        for n in range(20)))
    return lake


@pytest.mark.parametrize(("statement", "read", "rows"), [
    ("MERGE INTO t USING (SELECT 5 * i + 705 AS k FROM range(10) AS r(i)) AS n ON t.k = n.k "
     "WHEN MATCHED THEN UPDATE SET v = 1 WHEN NOT MATCHED THEN INSERT (k) VALUES (n.k)", 1, 10),
    ("MERGE INTO t USING (VALUES (3, 'x'), (1950, 'y'), (NULL, 'z')) AS n(k, s) USING (k) "
     "WHEN MATCHED THEN UPDATE", 2, 2),
    ("MERGE INTO t USING (SELECT random() AS r, '12' AS k) AS n ON t.k = n.k::INTEGER WHEN MATCHED THEN DELETE", 1, 1),
    ("UPDATE t SET v = n.v FROM (SELECT 301 AS k, 2.5 AS v) AS n WHERE n.k = t.k AND t.v > 0", 1, 1),
    ("WITH n AS (SELECT 'n777' AS s) DELETE FROM t USING n WHERE t.s = n.s", 2, 1),
    ("UPDATE t SET v = 0 FROM (SELECT 1 AS k WHERE false) AS n WHERE n.k = t.k", 0, 0),
    ("UPDATE t SET s = n FROM (SELECT 301 AS k, 2.5 AS v) AS n WHERE n.k = t.k", 1, 1),  # the row itself
    # nothing is known: rows count that match nothing, or that something else finds
    ("MERGE INTO t USING (SELECT 5 AS k) AS n ON t.k = n.k "
     "WHEN NOT MATCHED BY SOURCE AND t.k < 9 THEN DELETE", 20, 8),
    ("UPDATE t SET v = 0 FROM (SELECT 5 AS k) AS n WHERE t.k = n.k OR t.k = 1999", 20, 2),
    ("MERGE INTO t USING (SELECT {'k': 5} AS t) AS n ON t.k = t.k WHEN MATCHED THEN UPDATE SET v = 0", 20, 2000),
    ("UPDATE t SET v = 0 FROM (SELECT 1e0::DOUBLE AS k) AS n WHERE t.k = n.k", 20, 1),
])
def test_a_source_tells_which_files_are_read(spread: Lake, statement: str, read: int, rows: int) -> None:
    done = one(spread, statement)
    assert sum(int(str(done[f"rows_{verb}"])) for verb in ("updated", "deleted", "inserted")) == rows
    assert (done["files_read"], done["files_pruned"]) == (read, 20 - read)


@pytest.mark.parametrize(("statement", "found"), [
    # the row itself, in quotes
    ("UPDATE t SET s = CAST(\"n\" AS VARCHAR) FROM (SELECT 301 AS k, 7 AS z) AS n WHERE t.k = n.k",
     ["301", "{'k': 301, 'z': 7}"]),
    ("UPDATE t SET s = CAST(\"a\"\"b\" AS VARCHAR) FROM (SELECT 301 AS k, 7 AS z) AS \"a\"\"b\" "
     "WHERE t.k = \"a\"\"b\".k", ["301", "{'k': 301, 'z': 7}"]),
    # a NULL of no type
    ("MERGE INTO t USING (SELECT 301 AS k, NULL AS s) AS n ON t.k = n.k "
     "WHEN MATCHED THEN UPDATE SET s = coalesce(n.s, 'none')", ["301", "none"]),
    ("UPDATE t SET s = coalesce(n.s.a, 'none') FROM (SELECT 301 AS k, {'a': NULL} AS s) AS n WHERE t.k = n.k",
     ["301", "none"]),
    ("WITH n AS (SELECT 301 AS k, NULL AS s) UPDATE t SET s = coalesce(n.s, 'none') FROM n WHERE t.k = n.k",
     ["301", "none"]),
    # types that tables have not
    ("UPDATE t SET s = CAST(TIMESTAMP '2026-01-01' + n.z AS VARCHAR) "
     "FROM (SELECT 301 AS k, INTERVAL 1 DAY AS z) AS n WHERE t.k = n.k", ["301", "2026-01-02 00:00:00"]),
    # texts that are equal without being the same
    ("UPDATE t SET s = 'same' FROM (SELECT 'N301' COLLATE NOCASE AS s) AS n WHERE t.s = n.s", ["301", "same"]),
])
def test_what_a_source_is_stays(spread: Lake, statement: str, found: list[str]) -> None:
    assert one(spread, statement)["rows_updated"] == 1
    assert spread.rows("SELECT k, s FROM t WHERE s <> 'n' || k") == [found]


@pytest.mark.parametrize(("condition", "rows"), [
    ("(k) < 250", 250), ("(k) IN (5, 6)", 2), ("((k) BETWEEN (100) AND (199)) AND (v) >= (0)", 100),
    ("(k < 100) IS TRUE", 100), ("(k >= 100) IS NOT TRUE", 100), ("(k < 100) = (v < 5)", 1920),
    ("((k < 100) AND (v < 5)) OR ((k) > (1950))", 69),
])
def test_conditions_in_brackets(spread: Lake, condition: str, rows: int) -> None:
    assert one(spread, f"DELETE FROM t WHERE {condition}")["rows_deleted"] == rows
    assert spread.rows(f"SELECT count(*), count(*) FILTER ({condition}) FROM t") == [[str(2000 - rows), "0"]]


@pytest.mark.parametrize("statement", [
    "UPDATE shop.goods SET price = shop.goods.id WHERE shop.goods.id = 11",
    "UPDATE shop.goods SET price = 1 WHERE shop . \"goods\" /* ! */ . id = 11 AND 'shop.goods.' <> 'x'",
    "MERGE INTO shop.goods USING shop.more ON shop.goods.id = shop.more.id WHEN MATCHED AND shop.goods.id > 2 "
    "THEN UPDATE SET price = shop.more.id",
    "UPDATE shop.goods SET price = shop.more.id FROM shop.more WHERE shop.goods.id = shop.more.id",
    "UPDATE shop.goods SET price = 0 WHERE shop.goods.id = (SELECT min(shop.more.id) FROM shop.more)",
])
def test_columns_by_namespace_and_table(goods: Lake, statement: str) -> None:
    goods.run("sql", "CREATE TABLE shop.more (id BIGINT); INSERT INTO shop.more VALUES (11)")
    assert one(goods, statement)["rows_updated"] == 1


def test_what_hides_a_table_is_not_taken_for_it(goods: Lake) -> None:
    """Rows of another table of that name must not decide."""
    goods.run("sql", "CREATE TABLE other.goods (id BIGINT); INSERT INTO other.goods VALUES (1)")
    goods.error("sql", "DELETE FROM shop.goods WHERE EXISTS (SELECT 1 FROM other.goods WHERE shop.goods.id = 1)",
                status=3)
    assert "zz" in goods.error("sql", "DELETE FROM shop.goods WHERE shop.goods.id = 1 AND shop.goods.zz = 1", status=3)


def test_not_null_is_set_where_no_row_is_null(goods: Lake) -> None:
    text = goods.error("sql", "ALTER TABLE shop.goods ALTER COLUMN price SET NOT NULL", status=1)
    assert "1 row has no value of price" in text and "^" in text
    goods.run("sql", "UPDATE shop.goods SET price = 0 WHERE price IS NULL; "
                     "ALTER TABLE shop.goods ALTER COLUMN price SET NOT NULL, ALTER COLUMN id DROP NOT NULL")
    assert "must not be null" in goods.error("sql", "INSERT INTO shop.goods (id) VALUES (3)", status=1)
    goods.run("sql", "INSERT INTO shop.goods (price) VALUES (3)")
    done = one(goods, "ALTER TABLE shop.goods ALTER COLUMN price SET NOT NULL")
    assert done["commit"] is None, "it is so already"
    goods.error("sql", "ALTER TABLE shop.goods ALTER COLUMN s.a SET NOT NULL", status=2)
    # what others add meanwhile is looked at when it is merged
    goods.run("branch", "create", "dev")
    goods.run("sql", "ALTER TABLE shop.goods ALTER COLUMN price DROP NOT NULL")
    goods.run("branch", "create", "strict")
    goods.run("sql", "ALTER TABLE shop.goods ALTER COLUMN price SET NOT NULL", "--branch", "strict")
    goods.run("sql", "INSERT INTO shop.goods (id) VALUES (9)")
    assert "price" in goods.error("branch", "merge", "strict", status=4)
    goods.fsck()


def test_a_value_that_does_not_fit_is_told_by_its_column(goods: Lake) -> None:
    text = goods.error("sql", "UPDATE shop.goods SET name = 'x', price = name WHERE id = 1", status=1)
    assert "set column price" in text and "tea" in text and "^^^^" in text


def test_files_that_went_whole_are_told(goods: Lake) -> None:
    done = one(goods, "DELETE FROM shop.goods WHERE id < 11", "--dry-run")
    assert (done["files_removed"], done["files_dropped"]) == (2, 1)
    told = goods.run("sql", "DELETE FROM shop.goods WHERE id < 11").stdout
    assert "3 rows deleted (1 file replaced, 1 removed)" in told
    assert "3 rows deleted (1 file removed)" in goods.run("sql", "DELETE FROM shop.goods").stdout


@pytest.mark.parametrize(("statement", "at", "said", "status"), [
    ("CREATE TABLE n (a INTEGER, s VARCHAR) PARTITIONED BY (a, day(s))", "day(s)", "string", 2),
    ("CREATE TABLE n PARTITIONED BY (bucket(4, zz)) AS SELECT 1 AS a", "bucket(4, zz)", "zz", 3),
    ("ALTER TABLE shop.goods ADD PARTITION FIELD day(name)", "day(name)", "string", 2),
    ("ALTER TABLE shop.goods ADD PARTITION FIELD price AS id", "price", "of price", 2),
    ("ALTER TABLE shop.goods ADD COLUMN n INTEGER DEFAULT 4", "DEFAULT", "no default", 1),
])
def test_the_place_of_a_bad_definition(goods: Lake, statement: str, at: str, said: str, status: int) -> None:
    text = goods.error("sql", statement, status=status).splitlines()
    assert said in text[0]
    where = statement.index(at) + len("    ")
    assert text[2] == " " * where + "^" * len(at)


def test_an_emptied_table_takes_its_files_again(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n\n1\n2\n")
    lake.run("import", tmp_path / "a.csv", "t")
    lake.run("sql", "DELETE FROM t WHERE n = 1")
    assert lake.json("import", tmp_path / "a.csv", "t")["rows"] == 0
    for statement in ("DELETE FROM t", "TRUNCATE t", "CREATE OR REPLACE TABLE t (n BIGINT)"):
        lake.run("sql", statement)
        assert lake.json("import", tmp_path / "a.csv", "t")["rows"] == 2, statement


def test_fields_of_structs(goods: Lake) -> None:
    one(goods, "UPDATE shop.goods AS g SET s.b = name, g.s.a = 9 WHERE g.id <= 2")
    assert goods.rows("SELECT s.a, s.b FROM shop.goods WHERE id <= 2") == [["9", "tea"], ["9", "salt"]]
    assert "twice" in goods.error("sql", "UPDATE shop.goods SET s.a = 1, s = NULL", status=1)
    assert "no struct" in goods.error("sql", "UPDATE shop.goods SET name.a = 1", status=1)


def test_a_row_matched_twice_is_an_error(goods: Lake) -> None:
    head = goods.head()
    twice = "(VALUES (1, 'a'), (1, 'b')) AS s(id, name)"
    for statement in (f"MERGE INTO shop.goods AS g USING {twice} ON g.id = s.id "
                      "WHEN MATCHED THEN UPDATE SET name = s.name",
                      f"UPDATE shop.goods SET name = s.name FROM {twice} WHERE goods.id = s.id"):
        assert "more than one row of the source" in goods.error("sql", statement, status=1)
    assert goods.head() == head
    done = one(goods, f"DELETE FROM shop.goods AS g USING {twice} WHERE g.id = s.id")
    assert done["rows_deleted"] == 1
    # a second row that changes nothing is no harm
    done = one(goods, "MERGE INTO shop.goods AS g USING (VALUES (2, 'a'), (2, 'b')) AS s(id, name) ON g.id = s.id "
                      "WHEN MATCHED AND s.name = 'a' THEN UPDATE SET name = s.name WHEN MATCHED THEN DO NOTHING")
    assert done["rows_updated"] == 1


def test_what_differs_from_call_to_call_is_asked_once(goods: Lake) -> None:
    goods.run("sql", "CREATE TABLE many AS SELECT i AS id, 0.0::DOUBLE AS v FROM range(1000) AS r(i)")
    done = one(goods, "DELETE FROM many WHERE random() < 0.5")
    left = int(goods.rows("SELECT count(*) FROM many")[0][0])
    assert done["rows_deleted"] == 1000 - left and 300 < left < 700
    done = one(goods, "UPDATE many SET v = random() WHERE random() < 0.5")
    assert done["rows_updated"] == int(goods.rows("SELECT count(*) FROM many WHERE v > 0")[0][0])
    assert "must not differ" in goods.error(
        "sql", "MERGE INTO many USING (SELECT 1 AS id) s ON many.id = s.id WHEN MATCHED AND random() < 1 THEN DELETE",
        status=1)


def test_a_dry_run_changes_nothing(goods: Lake) -> None:
    head = goods.head()
    for statement, field, rows in (("DELETE FROM shop.goods WHERE id > 11", "rows_deleted", 2),
                                   ("UPDATE shop.goods SET price = 1", "rows_updated", 6),
                                   ("INSERT INTO shop.goods (id) SELECT 1 FROM range(3)", "rows_inserted", 3),
                                   ("DROP TABLE shop.goods", "rows_deleted", 6)):
        assert one(goods, statement, "--dry-run")[field] == rows
    assert goods.head() == head and len(ids(goods)) == 6


@pytest.mark.parametrize(("statement", "status", "parts"), [
    ("DELETE FROM shop.gods", 3, ["gods", "shop.goods"]),
    ("DELETE FROM shop.goods WHERE\n  prise > 1", 3, ["prise", "line 2", "price"]),
    ("UPDATE shop.goods SET nme = 1", 3, ["nme", "name"]),
    ("UPDATE shop.goods SET name = frob(1)", 1, ["frob"]),
    ("UPDATE shop.goods SET id = NULL WHERE id = 1", 1, ["id", "required"]),
    ("UPDATE shop.goods SET price = CAST(name AS DOUBLE)", 1, ["Could not convert", "DOUBLE"]),
    ("INSERT INTO shop.goods VALUES (1, 2)", 1, ["4 columns", "have 2"]),
    ("INSERT INTO shop.goods (name) VALUES ('x')", 1, ["id", "not be null"]),
    ("INSERT INTO shop.goods (id, id) VALUES (1, 2)", 1, ["twice"]),
    ("INSERT INTO shop.goods BY NAME SELECT 1 AS id, 2 AS pric", 3, ["pric", "price"]),
    ("UPDATE shop.goods SET name = concat(*COLUMNS(*))", 1, ["name the columns", "^"]),
    ("DELETE FROM shop.goods WHERE COLUMNS(*) IS NULL", 1, ["name the columns"]),
    ("UPDATE shop.goods SET id = row_number() OVER () WHERE id > 2", 1, ["window function", "^", "FROM (SELECT"]),
    ("UPDATE shop.goods SET id = #5", 1, ["name the columns", "^"]),  # where its file is
    ("UPDATE shop.goods SET name = unnest(['a', 'b']) WHERE id = 1", 1, ["several rows", "^", "INSERT INTO"]),
    ("UPDATE shop.goods SET id = generate_subscripts([4, 5], 1)", 1, ["several rows"]),
    ("MERGE INTO shop.goods g USING (SELECT 99 AS id) s USING (id) \
      WHEN NOT MATCHED THEN INSERT (id) VALUES (unnest([s.id, 100]))", 1, ["several rows", "^", "USING (SELECT"]),
    ("DELETE FROM shop.goods WHERE name", 1, ["Could not convert", "BOOL"]),
    ("MERGE INTO shop.goods g USING shop.goods s USING (id) \
      WHEN NOT MATCHED THEN INSERT VALUES (1, g.name, 2, NULL)", 3,
     ["WHEN NOT MATCHED there is no row of the table"]),
    ("MERGE INTO shop.goods g USING shop.goods src USING (id) WHEN NOT MATCHED BY SOURCE AND src.id > 1 THEN DELETE", 3,
     ["BY SOURCE there is no row of the source"]),
    ("MERGE INTO shop.goods g USING (SELECT 1 AS id) s USING (id) WHEN MATCHED THEN UPDATE BY POSITION", 1,
     ["source has 1 columns"]),
    ("MERGE INTO shop.goods g USING shop.goods s USING (id) WHEN NOT MATCHED THEN INSERT DEFAULT VALUES", 1,
     ["no default"]),
    ("UPDATE shop.goods SET id = s.name FROM (SELECT 1 AS id, 'x' AS name) s WHERE goods.id = s.id", 1,
     ["set column id", "^^^^^^"]),
    ("MERGE INTO shop.goods g USING (SELECT 99 AS id, 'x' AS name) s USING (id) \
      WHEN NOT MATCHED THEN INSERT (id) VALUES (s.name)",
     1, ["set column id", "^^^^^^"]),
    ("CREATE TABLE shop.goods (a INT)", 4, ["OR REPLACE"]),
    ("CREATE TABLE shop.n (a INT, A INT)", 1, ["twice"]),
    ("CREATE TABLE shop.n (a FROB)", 2, ["FROB"]),
    ("ALTER TABLE shop.goods ALTER COLUMN id TYPE INTEGER", 2, ["int", "long"]),
    ("ALTER TABLE shop.goods ADD COLUMN name INT", 4, ["name"]),
    ("DROP NAMESPACE shop", 7, ["goods"]),
    ("COPY shop.goods TO 'x.csv'", 1, ["COPY", "INSERT"]),
    ("", 1, ["no statement"]),
])
def test_wrong_statements(goods: Lake, statement: str, status: int, parts: list[str]) -> None:
    head = goods.head()
    text = goods.error("sql", statement or " ; ", status=status)
    for part in parts:
        assert part in text
    assert goods.head() == head
    assert goods.fsck()


def test_odd_names(lake: Lake, tmp_path: Path) -> None:
    column = "ü" * 127
    for name in ("a b", "a\"b", "é€", "select", "a'b"):
        quoted = '"' + name.replace('"', '""') + '"'
        if '"' in name:
            lake.error("sql", f"CREATE TABLE {quoted} AS SELECT 1 AS id", status=2)
            continue
        lake.run("sql", f'CREATE TABLE {quoted} AS SELECT 1 AS id, 2 AS "{column}", 3 AS "x""y.z"')
        lake.run("sql", f'UPDATE {quoted} SET "{column}" = "x""y.z" + 1, "x""y.z" = 7 WHERE {quoted}."{column}" = 2')
        assert lake.rows(f'SELECT * FROM {quoted}') == [["1", "4", "7"]]


def test_a_file_names_its_place(goods: Lake) -> None:
    script = goods.home / "change.sql"
    script.write_text("-- first\nDELETE FROM shop.goods WHERE id = 1;\n\nUPDATE shop.goods SET nme = 1;\n")
    text = goods.error("sql", "-f", script, status=3)
    assert "change.sql" in text and "SET nme = 1" in text and "^^^" in text


def test_results_between_changes(goods: Lake) -> None:
    done = goods.run("sql", "INSERT INTO shop.goods (id) VALUES (99); SELECT max(id) AS top FROM shop.goods",
                     "-o", "csv")
    assert "top" in done.stdout and "99" in done.stdout
    assert goods.run("sql", "SELECT 1 AS a", "-o", "json").stdout.count("columns") == 1


def test_partitioned_tables(lake: Lake) -> None:
    lake.run("sql", "CREATE TABLE t PARTITIONED BY (region) AS SELECT i AS id, 'r' || (i % 3) AS region "
                    "FROM range(30) AS r(i)")
    done = one(lake, "UPDATE t SET region = 'r9' WHERE id = 4")  # the row moves to another partition
    assert (done["files_read"], done["files_removed"], done["files_added"]) == (3, 1, 2)
    done = one(lake, "DELETE FROM t WHERE region = 'r1'")
    assert (done["rows_deleted"], done["files_read"], done["files_pruned"], done["files_added"]) == (9, 0, 3, 0)
    done = one(lake, "INSERT OVERWRITE t SELECT 100, 'r9'")
    assert (done["rows_inserted"], done["rows_deleted"]) == (1, 1)
    assert lake.rows("SELECT region, count(*) FROM t GROUP BY ALL ORDER BY ALL") == [["r0", "10"], ["r2", "10"],
                                                                                   ["r9", "1"]]
    lake.run("sql", "ALTER TABLE t DROP PARTITION FIELD region, ADD PARTITION FIELD bucket(4, id) AS shard; "
                    "INSERT INTO t VALUES (200, 'r2'); UPDATE t SET id = id + 1 WHERE region = 'r2'")
    assert lake.rows("SELECT count(*), sum(id) FROM t WHERE region = 'r2'") == [["11", str(155 + 200 + 11)]]
    text = lake.error("sql", "CREATE OR REPLACE TABLE t PARTITIONED BY (day(id)) AS SELECT 1 AS id", status=2)
    assert "day" in text
    lake.error("sql", "ALTER TABLE t DROP COLUMN id", status=2)
    lake.run("sql", "CREATE TABLE flat AS SELECT 1 AS id; INSERT OVERWRITE flat VALUES (2), (3)")
    assert ids(lake, "flat") == [2, 3]
    lake.fsck()


def test_altered_tables_are_changed(goods: Lake) -> None:
    goods.run("sql", "ALTER TABLE shop.goods RENAME COLUMN name TO title, DROP COLUMN price, ADD COLUMN n INT FIRST, "
                     "ADD COLUMN s.c DATE; UPDATE shop.goods SET n = id, s.c = DATE '2026-01-02' WHERE id = 1")
    assert goods.rows("SELECT n, title, s.c FROM shop.goods WHERE id = 1") == [["1", "tea", "2026-01-02"]]
    goods.run("sql", "ALTER TABLE shop.goods RENAME TO shop.wares")
    assert len(ids(goods, "shop.wares")) == 6
    goods.fsck()



class Terminal:
    """`corrie sql` at a terminal."""

    def __init__(self, lake: Lake, **env: str) -> None:
        self.fd, slave = pty.openpty()
        self.child = subprocess.Popen(["setsid", "--ctty", BIN / "corrie", "sql"], stdin=slave, stdout=slave,
                                      stderr=slave, env={**lake.env, "TERM": "xterm", **env})
        os.close(slave)
        self.seen = ""

    def until(self, pattern: str) -> str:
        """What comes up to a pattern."""
        while not (found := re.search(pattern, self.seen)):
            assert select.select([self.fd], [], [], TIMEOUT)[0], f"no {pattern!r} in {self.seen!r}"
            try:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:
                raise AssertionError(f"no {pattern!r} in {self.seen!r}") from None
        text, self.seen = self.seen[:found.end()], self.seen[found.end():]
        return text

    def say(self, text: str, pattern: str) -> str:
        os.write(self.fd, text.encode())
        return self.until(pattern)

    def ends(self) -> int:
        status = self.child.wait(TIMEOUT)
        os.close(self.fd)
        return status


@pytest.mark.parametrize("libedit", ["", "/nonexistent"])
def test_typed_at_a_terminal(goods: Lake, libedit: str) -> None:
    terminal = Terminal(goods, **({"CORRIE_LIBEDIT": libedit} if libedit else {}))
    terminal.until("sql> ")
    terminal.say("DELETE FROM shop.goods\n", "   > ")
    terminal.say("WHERE id = 1;\n", r"1 row deleted[\s\S]*sql> ")
    assert "é;" in terminal.say("SELECT 'é;' AS \"größe\";\n", r"1 row\S*\s+sql> ")
    terminal.say("FROB;\n", r"found FROB[\s\S]*sql> ")
    terminal.say("BEGIN;\n", "   > ")
    terminal.say("DELETE FROM shop.goods;\n", "   > ")
    terminal.say("ROLLBACK;\n", r"rollback[\s\S]*sql> ")
    terminal.say("what was typed", "typed")
    terminal.say("\x03", "sql> ")  # is dropped
    terminal.say("SELECT sum(i * i % 7) FROM range(1000000000000) AS r(i);\n", r"sql +[0-9.]+ s")
    terminal.say("\x03", r"interrupted[\s\S]*sql> ")  # the statement ends, the shell does not
    terminal.say("INSERT INTO shop.goods (id) VALUES (77);\n", r"1 row inserted[\s\S]*sql> ")
    os.write(terminal.fd, b"\\q\n")
    assert terminal.ends() == 0
    assert ids(goods) == [10, 11, 12, 13, 2, 77]


def test_writers_at_once_lose_nothing(goods: Lake) -> None:
    """A lost update would make a count too low, a double one too high."""
    goods.run("sql", "CREATE TABLE counter AS SELECT 0 AS n")
    statements = ["UPDATE counter SET n = n + 1", "INSERT INTO shop.goods (id) VALUES (1000)",
                  "UPDATE counter SET n = n + 1", "DELETE FROM shop.goods WHERE id = 10"]
    counted = 0
    for _ in range(3):
        running = [(goods.start("sql", s), s) for s in statements]
        for process, statement in running:
            _, said = process.communicate(timeout=TIMEOUT)
            assert process.returncode in (0, 4), said  # done, or told that others were faster three times
            counted += process.returncode == 0 and statement.startswith("UPDATE")
    assert goods.rows("SELECT n FROM counter") == [[str(counted)]]
    goods.fsck()


def test_a_value_that_does_not_fit_names_its_column(lake: Lake) -> None:
    """By the name that it has in the table, however the rows called it."""
    lake.run("sql", 'CREATE TABLE t (id BIGINT, "Day" DATE)')
    for sql, column in (("INSERT INTO t VALUES ('x', NULL)", "column id:"),
                        ("INSERT INTO t (\"Day\") SELECT 'soon' AS id", "column Day:"),
                        ("INSERT INTO t BY NAME SELECT 'soon' AS \"Day\"", "column Day:")):
        assert column in lake.error("sql", sql, status=1), sql
    assert lake.rows("SELECT count(*) FROM t") == [["0"]]


ROWS = "CREATE TABLE t (k INTEGER, v VARCHAR); INSERT INTO t VALUES (1, 'a'), (2, 'b'); \
        CREATE TABLE o (k INTEGER, w VARCHAR); INSERT INTO o VALUES (1, 'x'), (3, 'y')"


@pytest.mark.parametrize("statement", [
    "UPDATE t AS z SET v = CAST(z AS VARCHAR)",
    "UPDATE t AS z SET v = CAST(z AS VARCHAR) || left(CAST(random() AS VARCHAR), 0)",
    "UPDATE t SET v = to_json(t) WHERE t::VARCHAR LIKE '%1%'",
    "UPDATE t SET v = (SELECT string_agg(t::VARCHAR || o::VARCHAR, ';' ORDER BY o.k) FROM o)",
    "DELETE FROM t AS z WHERE z = {'k': 1, 'v': 'a'}",
    "DELETE FROM t AS z USING o AS s WHERE z.k = s.k AND z::VARCHAR LIKE '%a%' AND s::VARCHAR LIKE '%x%'",
    "UPDATE t AS z SET v = z::VARCHAR || s::VARCHAR FROM o AS s WHERE s.k = z.k",
    "UPDATE t AS \"o \"\"dd\" SET v = \"o \"\"dd\"::VARCHAR",
    # a column of that name is meant before a row
    "UPDATE t AS v SET v = v || 'x'",
    "UPDATE t AS z SET v = z FROM (SELECT 1 AS k, 'column' AS z) AS s WHERE s.k = z.k",
    "MERGE INTO t AS z USING (SELECT 1 AS k, 'column' AS z) AS v ON z.k = v.k \
     WHEN MATCHED THEN UPDATE SET v = z || v",
    "MERGE INTO t AS z USING o AS s ON z.k = s.k AND z::VARCHAR <> s::VARCHAR \
     WHEN MATCHED THEN UPDATE SET v = z::VARCHAR || s::VARCHAR \
     WHEN NOT MATCHED THEN INSERT VALUES (s.k, s::VARCHAR) \
     WHEN NOT MATCHED BY SOURCE THEN UPDATE SET v = z::VARCHAR",
    # types that tables do not have
    "MERGE INTO t AS z USING (SELECT *, INTERVAL 1 DAY AS i, '10'::BIT AS b, union_value(a := 2) AS u FROM o) AS s \
     ON z.k = s.k \
     WHEN MATCHED AND i > INTERVAL 1 HOUR THEN UPDATE SET v = i::VARCHAR || b || u \
     WHEN NOT MATCHED THEN INSERT VALUES (s.k, s::VARCHAR)",
    "MERGE INTO t USING (SELECT 'q' AS v, 9 AS k) AS s ON s.k = t.k WHEN NOT MATCHED THEN INSERT BY NAME *",
    "MERGE INTO t USING (SELECT 'q' AS v, 9 AS k) AS s ON s.k = t.k WHEN NOT MATCHED THEN INSERT BY NAME",
    "MERGE INTO t USING (SELECT 9 AS a, 'q' AS b) AS s ON s.a = t.k WHEN NOT MATCHED THEN INSERT BY POSITION *",
    "MERGE INTO t USING (SELECT 1 AS a, 'q' AS b) AS s ON s.a = t.k WHEN MATCHED THEN UPDATE BY POSITION",
    "MERGE INTO t USING (SELECT 'q' AS v, 1 AS k) AS s ON s.k = t.k WHEN MATCHED THEN UPDATE BY NAME",
    "MERGE INTO t USING (SELECT 1 AS k, 'q' AS v) AS s ON s.k = t.k WHEN MATCHED THEN UPDATE SET *",
])
def test_statements_say_what_they_say_to_duckdb(lake: Lake, statement: str) -> None:
    """A row as a value has the columns of the table and no others; each way to say "all columns" means the same."""
    duckdb = pytest.importorskip("duckdb")
    other = duckdb.connect()
    other.sql(ROWS)
    other.sql(statement)
    lake.run("sql", ROWS)
    lake.run("sql", statement)
    expected = other.sql("SELECT CAST(k AS VARCHAR), v FROM t ORDER BY ALL").fetchall()
    assert lake.rows("SELECT k, v FROM t ORDER BY ALL") == [list(row) for row in expected]
