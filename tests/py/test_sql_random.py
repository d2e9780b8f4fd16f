"""Random tables and random statements: after each, the lake's table has the rows that DuckDB's has."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from conftest import Lake
from kills import SANITIZED

duckdb = pytest.importorskip("duckdb")
pyiceberg_table = pytest.importorskip("pyiceberg.table")

COLUMNS = "id BIGINT, k INTEGER, v DOUBLE, s VARCHAR, d DATE, p STRUCT(a INTEGER, b VARCHAR)"
STEPS = 14


class Model:
    """Statements over t (and a source u), each said to both. What comes is not in doubt: no order, no doubles in u."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.next = 0

    def value(self, kind: str) -> str:
        r = self.random
        if r.random() < 0.15:
            return "NULL"
        return {
            "k": lambda: str(r.randint(0, 9)),
            "v": lambda: str(r.randint(-50, 50) / 4),
            "s": lambda: r.choice(["'ab'", "'a''b'", "''", "'é;--'", "'/* x'", "'zz'"]),
            "d": lambda: f"DATE '2026-0{r.randint(1, 3)}-0{r.randint(1, 9)}'",
            "p": lambda: f"{{'a': {r.randint(0, 5)}, 'b': {self.value('s')}}}",
        }[kind]()

    def row(self) -> str:
        self.next += 1
        return "({}, {})".format(self.next, ", ".join(self.value(kind) for kind in "kvsdp"))

    def rows(self, n: int) -> str:
        return ", ".join(self.row() for _ in range(n))

    def condition(self, of: str = "t") -> str:
        r = self.random
        return r.choice([
            f"{of}.k = {r.randint(0, 9)}", f"{of}.k > {r.randint(0, 9)}", f"{of}.k IS NULL", f"{of}.s LIKE 'a%'",
            f"{of}.d < DATE '2026-02-05'", f"{of}.p.a = {r.randint(0, 5)}", f"{of}.id % 3 = {r.randint(0, 2)}",
            f"{of}.k IN (1, 2, 3)", f"NOT ({of}.v > 0)", f"{of}.id BETWEEN {r.randint(0, 40)} AND {r.randint(20, 90)}",
            f"{of}.k IS NULL OR {of}.v < 0", f"{of}.p IS NULL", "false", f"{of}.s = 'nobody'",
            f"{of}.v > (SELECT avg(v) FROM t)", f"EXISTS (SELECT 1 FROM u WHERE u.k = {of}.k)",
            f"{of}.k IN (SELECT k FROM u)", f"{of}.k NOT IN (SELECT k FROM u WHERE k IS NOT NULL)",
        ])

    def sets(self, source: str | None = None) -> str:
        r = self.random
        choices = ["v = t.v + 1", "s = upper(t.s) || ';'", "k = NULL", "d = t.d + 1", "k = t.id % 7, s = 'new'",
                   "p = {'a': 7, 'b': 'new'}", "v = t.k / 0", "id = t.id",
                   "s = CAST(t.p AS VARCHAR), v = length(to_json(t))"]
        if source:
            choices += [f"v = {source}.v", f"s = {source}.s, k = {source}.k + t.k", f"p = {source}.p",
                        f"s = CAST({source} AS VARCHAR), v = length(CAST(t AS VARCHAR))"]
        return r.choice(choices)

    def statement(self) -> str:
        r = self.random
        kind = r.choice(["insert", "insert", "select", "delete", "update", "update", "using", "from", "merge", "merge",
                         "merge"])
        if kind == "insert":
            return f"INSERT INTO t VALUES {self.rows(r.randint(1, 12))}"
        if kind == "select":
            return f"INSERT INTO t (s, id, k) SELECT s, id + 1000, k FROM t WHERE {self.condition()}"
        if kind == "delete":
            return f"DELETE FROM t WHERE {self.condition()}"
        if kind == "update":
            return f"UPDATE t SET {self.sets()} WHERE {self.condition()}"
        if kind == "using":
            return f"DELETE FROM t USING u WHERE t.k = u.k AND ({self.condition()})"
        if kind == "from":
            return f"UPDATE t SET {self.sets('u')} FROM u WHERE t.k = u.k AND ({self.condition()})"
        clauses = []
        for _ in range(r.randint(1, 3)):
            clauses.append(r.choice([
                f"WHEN MATCHED AND {self.condition_of_clause()} THEN UPDATE SET {self.sets('u')}",
                f"WHEN MATCHED AND {self.condition_of_clause()} THEN DELETE",
                "WHEN MATCHED AND t.v > 3 THEN DO NOTHING",
                "WHEN NOT MATCHED AND u.v > 0 THEN INSERT (id, k, s) VALUES (u.id + 5000, u.k, u.s)",
                "WHEN NOT MATCHED BY SOURCE AND t.v < -5 THEN UPDATE SET s = 'lost'",
                "WHEN NOT MATCHED BY SOURCE AND t.v > 8 THEN DELETE",
                "WHEN NOT MATCHED BY SOURCE AND length(CAST(t AS VARCHAR)) % 5 = 0 THEN UPDATE SET s = 'row'",
                "WHEN NOT MATCHED AND u.v < 4 THEN INSERT (id, s) VALUES (u.id + 9000, CAST(u AS VARCHAR))",
            ]))
        clauses.append(r.choice(["WHEN MATCHED THEN UPDATE SET v = u.v, s = u.s", "WHEN MATCHED THEN DELETE",
                                 "WHEN NOT MATCHED THEN INSERT VALUES (u.id + 7000, u.k, u.v, u.s, u.d, u.p)"]))
        source = r.choice(["u", "(SELECT * FROM u WHERE v > 0) AS u"])
        return f"MERGE INTO t USING {source} ON t.k = u.k " + " ".join(clauses)

    def condition_of_clause(self) -> str:
        return self.random.choice(["t.v > u.v", "u.s IS NULL", "t.id % 2 = 0", "t.s = 'ab'"])


def rows_of(rows: list[Any]) -> list[str]:
    return sorted(repr(row) for row in rows)


def in_lake(lake: Lake, tmp_path: Path) -> list[Any]:
    lake.run("query", "SELECT * FROM t", "--to", tmp_path / "t.parquet")
    found: list[Any] = duckdb.sql(f"SELECT * FROM '{tmp_path / 't.parquet'}'").fetchall()
    return found


def by_pyiceberg(lake: Lake) -> list[Any]:
    location = lake.json("table", "get", "t")["metadata_location"]
    table = pyiceberg_table.StaticTable.from_metadata(location.removeprefix("file://"))
    arrow = table.scan().to_arrow()  # noqa: F841  (DuckDB finds it by its name)
    found: list[Any] = duckdb.sql("SELECT * FROM arrow").fetchall()
    return found


@pytest.mark.parametrize("seed", range(2 if SANITIZED else 8))
def test_duckdb_agrees(lake: Lake, tmp_path: Path, seed: int) -> None:
    model = Model(seed)
    other = duckdb.connect()
    partitioned = ["", "PARTITIONED BY (k)", "", "PARTITIONED BY (day(d), bucket(4, id))"][seed % 4]
    other.sql(f"CREATE TABLE t ({COLUMNS}); CREATE TABLE u ({COLUMNS})")
    lake.run("sql", f"CREATE TABLE t ({COLUMNS}) {partitioned}; CREATE TABLE u ({COLUMNS})")
    keys = ", ".join(f"({model.random.randint(500, 900)}, {k}, {k - 2.5}, 'u{k}', NULL, {{'a': {k}, 'b': NULL}})"
                     for k in range(0, 14, 2))
    first = [f"INSERT INTO u VALUES {keys}"] + [f"INSERT INTO t VALUES {model.rows(9)}" for _ in range(4)]
    said = []
    for statement in first + [model.statement() for _ in range(STEPS)]:
        said.append(statement)
        other.sql(statement)
        lake.run("sql", statement)
        expected = rows_of(other.sql("SELECT * FROM t").fetchall())
        assert rows_of(in_lake(lake, tmp_path)) == expected, ";\n".join(said)
    assert rows_of(by_pyiceberg(lake)) == expected, ";\n".join(said)
    lake.fsck()


FILES = 12
SORTED = "id BIGINT, k INTEGER, n BIGINT, s VARCHAR, d DATE, m DECIMAL(9, 2), ts TIMESTAMP, v DOUBLE"
# a column of the table: SQL for its value from a number, and what other types a source may have it of
KEYS: dict[str, tuple[str, list[str]]] = {
    "k": ("{0}::INTEGER", ["BIGINT", "SMALLINT", "HUGEINT", "DOUBLE", "VARCHAR", "DECIMAL(12, 1)"]),
    "n": ("{0}::BIGINT * 10000000000", ["HUGEINT", "DECIMAL(18, 0)"]),
    "s": ("printf('k%03d é', {0})", []),
    "d": ("DATE '2025-11-20' + {0}::INTEGER", ["TIMESTAMP"]),
    "m": ("({0} / 4)::DECIMAL(9, 2)", ["DECIMAL(12, 4)", "DOUBLE"]),
    "ts": ("TIMESTAMP '1969-12-31 12:00:00.000001' + INTERVAL 1 HOUR * {0}", ["TIMESTAMP_S", "DATE"]),
    "v": ("CASE {0} % 9 WHEN 0 THEN 'nan'::DOUBLE ELSE {0} / 2 END", []),
}


class Joins:
    """MERGE, UPDATE FROM and DELETE USING over files of ranges of keys: what a source says leaves files out."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def file(self, number: int) -> str:
        """Rows of ten numbers, a few keys null."""
        keys = ", ".join(f"CASE WHEN (i + {at}) % 17 <> 0 THEN {how.format('i')} END"
                         for at, (how, _) in enumerate(KEYS.values()))
        return f"INSERT INTO t SELECT i, {keys} FROM range({10 * number}, {10 * number + 10}) AS r(i)"

    def source(self, column: str, nothing: str = "NULL::VARCHAR") -> str:
        """A query of keys, and of columns that a statement may name or not."""
        r = self.random
        how, types = KEYS[column]
        numbers = r.sample(range(-5, 10 * FILES + 5), r.choice([0, 1, 3, 9]))
        if r.random() < 0.3:
            begin = r.randint(0, 90)
            numbers = list(range(begin, begin + 30, r.choice([1, 3])))
        if numbers and r.random() < 0.1:
            numbers.append(numbers[0])
        key = how.format("i")
        if types and r.random() < 0.3:
            key = f"CAST({key} AS {r.choice(types)})"
        rows = f"(VALUES {', '.join(f'({i})' for i in numbers)}) AS r(i)" if numbers else "range(0) AS r(i)"
        nulls = f" UNION ALL SELECT NULL, NULL, NULL, NULL, {nothing}" if r.random() < 0.4 else ""
        return (f"(SELECT {key} AS \"Key\", i AS i, 'w' || i AS w, {{'a': i, 'b': 'é' || i}} AS p, "
                f"{nothing} AS nothing FROM {rows}{nulls})")

    def condition(self, column: str, source: str, kind: str) -> str:
        r = self.random
        left = r.choice([f"t.{column}", f"\"T\".\"{column.upper()}\"", column])
        right = r.choice([f"{source}.key", f"\"{source}\" . \"Key\"", "KEY"])
        equal = r.choice([f"{left} = {right}", f"{right} = {left}", f"({left}) = (({right}))",
                          f"{left} = coalesce({right}, NULL)"])
        also = f" AND EXISTS (SELECT 1 FROM u WHERE u.k = {source}.i)"  # DuckDB has none in an ON
        return equal + r.choice([
            "", also if kind != "merge" else "", f" AND {source}.i > 20",
            " AND t.id % 2 = 0", " AND (t.k < 70 OR t.k IS NULL)",
            f" AND t.id = {source}.i", " OR t.id = 44",
            f" AND NOT (t.id = {source}.i)"])

    def sets(self, source: str, kind: str) -> str:
        # not of MERGE, where DuckDB cannot plan such queries
        more = [f"v = (SELECT max(u.k) FROM u WHERE u.k < {source}.i)"]
        return self.random.choice([
            f"v = {source}.i", "s = w", f"s = {source}.P.B, v = t.v + {source}.p.a",
            f"s = coalesce({source}.nothing, t.s, 'none')", "v = 1", f"s = CAST({source} AS VARCHAR)",
            f"s = CAST(\"{source}\" AS VARCHAR), v = length(t::VARCHAR)", *(more if kind == "from" else [])])

    def statement(self) -> tuple[str, str | None]:
        """The statement, and a query for rows that a second row of the source would change (None: which is fine)."""
        r = self.random
        column = r.choice(list(KEYS))
        name = r.choice(["n", "src", "é"])
        given, begin = f"{self.source(column, r.choice(['NULL', 'NULL::VARCHAR']))} AS {name}", ""
        if r.random() < 0.2:
            given, begin = name, f"WITH {name} AS {self.source(column)} "
        kind = r.choice(["using", "from", "merge", "merge"])
        condition = self.condition(column, name, kind)
        twice = f"{begin}SELECT t.rowid FROM t, {given} WHERE {condition} GROUP BY t.rowid HAVING count(*) > 1"
        if kind == "using":
            return f"{begin}DELETE FROM t USING {given} WHERE {condition}", None
        if kind == "from":
            return f"{begin}UPDATE t SET {self.sets(name, kind)} FROM {given} WHERE {condition}", twice
        clauses = [f"WHEN MATCHED AND t.id % 3 = 0 THEN UPDATE SET {self.sets(name, kind)}",
                   r.choice(["WHEN MATCHED THEN DELETE", f"WHEN MATCHED THEN UPDATE SET {self.sets(name, kind)}"]),
                   f"WHEN NOT MATCHED THEN INSERT (id, s) VALUES ({name}.i + 9000, {name}.w)"]
        if r.random() < 0.2:
            clauses.append("WHEN NOT MATCHED BY SOURCE AND t.id > 100 THEN UPDATE SET v = -1")
        return f"{begin}MERGE INTO t USING {given} ON {condition} " + " ".join(clauses), twice


@pytest.mark.parametrize("seed", range(2 if SANITIZED else 6))
def test_what_a_source_says_leaves_out_no_row(lake: Lake, tmp_path: Path, seed: int) -> None:
    joins = Joins(seed)
    other = duckdb.connect()
    first = [f"CREATE TABLE t ({SORTED})", "CREATE TABLE u AS SELECT i AS k FROM range(0, 200, 7) AS r(i)"]
    files = [joins.file(number) for number in range(FILES)]
    partitioned = ["", "PARTITIONED BY (bucket(3, k))", "", "PARTITIONED BY (month(d))"][seed % 4]
    other.sql(";".join(first + files))
    lake.run("sql", ";".join([f"{first[0]} {partitioned}", first[1], *files]))
    said, pruned, refused = [], 0, 0
    for _ in range(STEPS):
        statement, twice = joins.statement()
        said.append(statement)
        if twice and other.sql(twice).fetchall():
            assert "more than one row of the source" in lake.error("sql", statement, status=1), statement
            refused += 1
            continue
        other.sql(statement)
        pruned += int(lake.json("sql", statement)["statements"][0]["files_pruned"])
        expected = rows_of(other.sql("SELECT * FROM t").fetchall())
        assert rows_of(in_lake(lake, tmp_path)) == expected, ";\n".join(said)
    assert pruned > 0 and refused < STEPS
    lake.fsck()
