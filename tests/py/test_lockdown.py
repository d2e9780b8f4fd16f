"""SQL of a project reads tables and nothing else: every corner of a statement in which a table function can stand,
every way to name a file, and everything that would open the engine. A secret lies on the machine; it must never come
out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import YAML, Lake, clean_environment

REPLACE = "-- corrie: materialization_strategy=REPLACE\n"
SECRET = "hunter2-0f7c"


class Locked:
    """A project over one table, beside a secret that its SQL must not reach."""

    def __init__(self, folder: Path) -> None:
        home = folder / "home"
        home.mkdir()
        env = clean_environment(home)
        env["CORRIE_LAKE"] = str(folder / "lake")
        self.lake = Lake(folder / "lake", home, env)
        self.project = folder / "project"
        self.project.mkdir()
        (self.project / "corrie.yaml").write_text(YAML)
        self.secret = folder / "secret.csv"
        self.secret.write_text(f"content\n{SECRET}\n")
        (self.project / "link.csv").symlink_to(self.secret)
        numbers = folder / "numbers.csv"
        numbers.write_text("n,s\n" + "".join(f"{i},s{i}\n" for i in range(10)))
        self.lake.run("import", numbers, "numbers")
        self.lake.run("branch", "create", "other")
        self.lake.run("import", self.secret, "secrets", "--branch", "other")
        self.head = self.lake.head()
        self.files = self.listing()

    def listing(self) -> list[Path]:
        """What lies around the lake and in the project."""
        return sorted(p for p in self.secret.parent.rglob("*") if not p.is_relative_to(self.lake.root / "jobs")
                      and not p.is_relative_to(self.lake.root / "catalog") and not p.is_relative_to(self.lake.home))

    def refuses(self, files: dict[str, str], status: int | None = None) -> str:
        """The project with these files does not run, publishes nothing, leaves nothing and tells nothing."""
        for name, text in files.items():
            (self.project / name).write_text(text)
        try:
            done = self.lake.run("run", cwd=self.project, status=status)
        finally:
            for name in files:
                (self.project / name).unlink()
        assert done.returncode in (1, 3, 7), done.stdout + done.stderr
        assert "error" in done.stderr
        assert SECRET not in done.stdout + done.stderr
        assert self.lake.head() == self.head
        assert self.listing() == self.files
        return done.stderr


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    yield Locked(tmp_path_factory.mktemp("lockdown"))


# PEEK is a query that reads the secret.
PLACES = {
    "itself": "PEEK",
    "in FROM": "SELECT * FROM (PEEK)",
    "as a scalar": "SELECT (PEEK) AS a",
    "in a CTE": "WITH x AS (PEEK) SELECT * FROM x",
    "in a materialized CTE": "WITH x AS MATERIALIZED (PEEK) SELECT * FROM x",
    "in a CTE that nobody reads": "WITH x AS (PEEK) SELECT 1 AS a",
    "in a recursive CTE": "WITH RECURSIVE x(a) AS (SELECT '' UNION ALL (PEEK)) SELECT * FROM x",
    "in a CTE's CTE": "WITH x AS (WITH y AS (PEEK) SELECT * FROM y) SELECT * FROM x",
    "in UNION": "SELECT s FROM numbers UNION (PEEK)",
    "in INTERSECT": "SELECT s FROM numbers INTERSECT (PEEK)",
    "in EXCEPT": "SELECT s FROM numbers EXCEPT ALL (PEEK)",
    "in WHERE … IN": "SELECT s FROM numbers WHERE s IN (PEEK)",
    "in EXISTS": "SELECT s FROM numbers WHERE EXISTS (PEEK)",
    "in ANY": "SELECT s FROM numbers WHERE s = ANY (PEEK)",
    "in a join's condition": "SELECT a.s FROM numbers a JOIN numbers b ON a.s = (PEEK)",
    "in a lateral join": "SELECT * FROM numbers, LATERAL (PEEK)",
    "in a semi join": "SELECT s FROM numbers SEMI JOIN (PEEK) p ON numbers.s = p.content",
    "in a positional join": "SELECT content FROM numbers POSITIONAL JOIN (PEEK)",
    "in GROUP BY": "SELECT count(*) AS a FROM numbers GROUP BY s || (PEEK)",
    "in HAVING": "SELECT s FROM numbers GROUP BY s HAVING max(n) > length((PEEK))",
    "in QUALIFY": "SELECT s FROM numbers QUALIFY row_number() OVER (ORDER BY (PEEK)) = 1",
    "in a window": "SELECT sum(n) OVER (PARTITION BY (PEEK)) AS a FROM numbers",
    "in FILTER": "SELECT count(*) FILTER (WHERE s IN (PEEK)) AS a FROM numbers",
    "in ORDER BY": "SELECT s FROM numbers ORDER BY (PEEK)",
    "in ORDER BY of an aggregate": "SELECT string_agg(s ORDER BY (PEEK)) AS a FROM numbers",
    "in LIMIT": "SELECT s FROM numbers LIMIT (SELECT length(content) FROM (PEEK))",
    "in OFFSET": "SELECT s FROM numbers OFFSET (SELECT length(content) FROM (PEEK))",
    "in CASE": "SELECT CASE WHEN n > 3 THEN (PEEK) END AS a FROM numbers",
    "in a list": "SELECT [(PEEK)] AS a",
    "in a list comprehension": "SELECT [(PEEK) FOR x IN [1]] AS a",
    "in ARRAY": "SELECT ARRAY(PEEK) AS a",
    "in a struct": "SELECT {'k': (PEEK)} AS a",
    "in a cast": "SELECT CAST((PEEK) AS BLOB) AS a",
    "in BETWEEN": "SELECT s FROM numbers WHERE s BETWEEN (PEEK) AND 'z'",
    "in * REPLACE": "SELECT * REPLACE ((PEEK) AS s) FROM numbers",
    "in VALUES": "VALUES ((PEEK))",
    "in PIVOT": "FROM (PIVOT (PEEK) ON content IN ('a') USING count(*))",
    "in UNPIVOT": "FROM (UNPIVOT (PEEK) ON content)",
    "in the argument of a table function": "SELECT * FROM range((SELECT length(content) FROM (PEEK)))",
    "in unnest": "SELECT unnest([(PEEK)]) AS a",
}


@pytest.mark.parametrize("place", PLACES)
def test_no_place_hides_a_file(locked: Locked, place: str) -> None:
    sql = PLACES[place].replace("PEEK", f"SELECT content FROM read_csv('{locked.secret}')")
    said = locked.refuses({"peek.sql": REPLACE + sql})
    assert "peek.sql:2:" in said and "^" in said, said


FILES = ["read_csv('SECRET')", "read_csv_auto('SECRET')", "read_text('SECRET')", "read_blob('SECRET')",
         "read_json('SECRET')", "read_json_auto('SECRET')", "read_ndjson_objects('SECRET')", "read_parquet('SECRET')",
         "parquet_scan('SECRET')", "parquet_schema('SECRET')", "parquet_kv_metadata('SECRET')", "sniff_csv('SECRET')",
         "glob('FOLDER/*')", "read_csv(['SECRET'])", "read_csv('FOLDER/s*t.csv')", "read_csv('FOLDER/x/../secret.csv')",
         "read_csv('../secret.csv')", "read_csv('link.csv')", "read_csv('file://SECRET')",
         "read_csv('http://127.0.0.1:9/secret.csv')", "read_csv('https://127.0.0.1:9/secret.csv')",
         "read_parquet('s3://bucket/secret.parquet')", "read_csv('/dev/stdin')", "read_text('/proc/self/environ')",
         "read_parquet('LAKE/data/public/*/data/*.parquet')", "read_text('LAKE/lake.json')",
         "'SECRET'", '"SECRET"', "'../secret.csv'", "'link.csv'", "'http://127.0.0.1:9/secret.csv'",
         "'LAKE/data/public/*/data/*.parquet'",
         "query('FROM read_csv(''SECRET'')')", "query_table('SECRET')", "sqlite_scan('SECRET', 'x')",
         "iceberg_scan('LAKE/data')", "arrow_scan(1, 2, 3)", "pandas_scan(1)", "seq_scan('x')",
         "duckdb_secrets()", "duckdb_databases()", "duckdb_settings()", "duckdb_tables()", "pragma_database_list()",
         "test_all_types()", "repeat_row(1, num_rows=3)", "icu_calendar_names()", "checkpoint()"]


@pytest.mark.parametrize("relation", FILES)
def test_no_name_is_a_file(locked: Locked, relation: str) -> None:
    relation = relation.replace("SECRET", str(locked.secret)).replace("FOLDER", str(locked.secret.parent))
    relation = relation.replace("LAKE", str(locked.lake.root))
    locked.refuses({"peek.sql": f"{REPLACE}SELECT * FROM {relation}"})


STATEMENTS = ["COPY (SELECT 1) TO 'out.csv'", "COPY numbers FROM 'SECRET'", "ATTACH 'SECRET' AS x", "ATTACH ':memory:'",
              "DETACH memory", "INSTALL httpfs", "LOAD httpfs", "FORCE INSTALL spatial",
              "PRAGMA enable_external_access",
              "SET enable_external_access = true", "SET allowed_directories = ['/']", "RESET ALL", "USE memory",
              "CALL pragma_version()", "EXPORT DATABASE 'out'", "IMPORT DATABASE 'out'", "CHECKPOINT", "VACUUM",
              "CREATE TABLE x AS FROM 'SECRET'", "CREATE VIEW numbers AS SELECT 1", "CREATE MACRO f() AS 1",
              "CREATE SECRET s (TYPE http)", "PREPARE p AS SELECT 1", "EXECUTE p",
              "INSERT INTO numbers VALUES (1, 'x')",
              "UPDATE numbers SET n = 1", "DELETE FROM numbers", "DROP TABLE numbers", "ALTER TABLE numbers DROP n",
              "EXPLAIN ANALYZE FROM 'SECRET'", "BEGIN", "SELECT 1; COPY (SELECT 1) TO 'out.csv'",
              "SELECT 1 AS a /* */; ATTACH 'SECRET'", "FROM (COPY (SELECT 1) TO 'out.csv')",
              "WITH x AS (INSERT INTO numbers VALUES (1, 'x') RETURNING n) FROM x", "SELECT getenv('HOME') AS a",
              "SELECT write_log('x') AS a", "SELECT nextval('x') AS a", "SELECT current_setting('home_directory') AS a",
              "SELECT getvariable('x') AS a", "SHOW TABLES", "DESCRIBE 'SECRET'", "SUMMARIZE 'SECRET'"]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_no_statement_opens_the_engine(locked: Locked, statement: str) -> None:
    locked.refuses({"peek.sql": REPLACE + statement.replace("SECRET", str(locked.secret))})


@pytest.mark.parametrize("sql", [
    "n IN (SELECT 1 FROM read_csv('SECRET'))",
    "s = (SELECT content FROM 'SECRET')",
    "read_text('SECRET') = s",
    "1 = 1; ATTACH 'SECRET'",
    "true) UNION SELECT * FROM read_csv('SECRET') --",
])
def test_no_filter_reads_a_file(locked: Locked, sql: str) -> None:
    sql = sql.replace("SECRET", str(locked.secret)).replace("'", "\\'")
    locked.refuses({"models.py": "import corrie\n\n\n@corrie.model()\n@corrie.python('3.11')\n"
                                 f"def peek(rows=corrie.Model('numbers', filter='{sql}')):\n    return rows\n"})


def test_another_branch_is_out_of_reach(locked: Locked) -> None:
    for name in ("secrets", "other.secrets", '"other"."public"."secrets"', "other.public.secrets"):
        said = locked.refuses({"peek.sql": f"{REPLACE}SELECT * FROM {name}"}, status=None)
        assert "secrets" in said


def test_a_model_file_that_leads_out_of_the_project(locked: Locked) -> None:
    """A link in the project is followed as git does not: what it leads to is not part of the project."""
    outside = locked.secret.parent / "outside.sql"
    outside.write_text(f"{REPLACE}SELECT '{SECRET}' AS a")
    (locked.project / "peek.sql").symlink_to(outside)
    try:
        done = locked.lake.run("run", "--dry-run", "-o", "json", cwd=locked.project, status=None)
        assert SECRET not in done.stdout + done.stderr
    finally:
        (locked.project / "peek.sql").unlink()
        outside.unlink()


def test_a_person_may_read_files(locked: Locked) -> None:
    """The same text that a model may not say is a person's right."""
    done = locked.lake.run("query", f"SELECT * FROM read_csv('{locked.secret}')")
    assert SECRET in done.stdout
