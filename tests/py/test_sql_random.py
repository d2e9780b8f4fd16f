"""Random tables and random statements: after each, the lake's table has the rows that DuckDB's has."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from conftest import Lake

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
                   "p = {'a': 7, 'b': 'new'}", "v = t.k / 0", "id = t.id"]
        if source:
            choices += [f"v = {source}.v", f"s = {source}.s, k = {source}.k + t.k", f"p = {source}.p"]
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


@pytest.mark.parametrize("seed", range(8))
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
