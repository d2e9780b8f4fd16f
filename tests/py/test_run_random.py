"""Random projects: what a run publishes is what DuckDB gives, model after model, with nothing left out on the way."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from conftest import Lake, write_project
from kills import SANITIZED

duckdb = pytest.importorskip("duckdb")

MODELS = 24
LEAST = 2  # the parameter $least
VALUES = {
    "k": [str(i) for i in range(-1, 6)],
    "v": ["0.0", "-0.0", "'nan'", "'infinity'", "'-infinity'", "0.1", "-2.5", "1e308", "3.0"],
    "f": ["0.0", "-0.0", "'nan'", "0.1", "-2.5", "16777217"],
    "m": ["0", "-1.05", "1.05", "-0.01", "9999999.99"],
    "s": ["''", "'a'", "'ab'", "'a''b'", "'q\"t'", "'é'", "'日本'", "'a_b'", "'x;--y'", "'A'"],
    "d": ["'2025-01-01'", "'2024-12-31'", "'1969-12-31'", "'0001-01-01'"],
    "ts": ["'2025-01-01'", "'2024-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.999999'"],
    "tz": ["'2025-01-01 00:00:00+02'", "'2025-01-01 00:00:00+00'", "'1969-12-31 23:59:59.999999+00'"],
    "b": ["true", "false"],
    "p": ["{'a': 1, 'b': 'a'}", "{'a': NULL, 'b': ''}", "{'a': 4, 'b': NULL}"],
    "l": ["[]", "[1, NULL, 3]", "[2]"],
}
TYPES = {"id": "BIGINT", "k": "INTEGER", "v": "DOUBLE", "f": "REAL", "m": "DECIMAL(9, 2)", "s": "VARCHAR", "d": "DATE",
         "ts": "TIMESTAMP", "tz": "TIMESTAMPTZ", "b": "BOOLEAN", "p": "STRUCT(a INTEGER, b VARCHAR)", "l": "INTEGER[]"}
CONDITIONS = {
    "id": ["id > 12", "id % 3 = 1", "id IN (3, 4, 17)", "id NOT IN (1, 2)", "id BETWEEN 5 AND 30", "id > $least"],
    "k": ["k = $least", "k IN (1, 3)", "k < 1.5", "k IS NULL", "NOT (k > 2)", "k <> 3", "k = 3000000000", "-k < -1"],
    "v": ["v > 0", "v = -0.0", "v <> 'nan'::DOUBLE", "v >= 'infinity'::DOUBLE", "NOT (v > 0)", "v IN (0, 0.1)"],
    "f": ["f = 0.1", "f > 0.1::REAL", "f <= 0", "f = 16777217", "f = 0.1::DOUBLE"],
    "m": ["m < 0", "m = -1.05", "m > -0.015", "m IN (1.05, 2.5)", "m BETWEEN -2 AND 2", "m = 1.05::DOUBLE"],
    "s": ["s LIKE 'a%'", "s > 'é'", "s IN ('a', '', 'é')", "s ILIKE 'A'", "length(s) > 1", "s = 'a''b'"],
    "d": ["d >= DATE '2025-01-01'", "date_trunc('month', d) = DATE '2025-01-01'", "year(d) < 2000", "d IS NULL"],
    "ts": ["ts::DATE = DATE '2025-01-01'", "ts < DATE '2025-01-01'", "ts > TIMESTAMP '2024-12-31 23:59:59.999998'"],
    "tz": ["tz < TIMESTAMPTZ '2025-01-01 00:00:00+00'", "tz >= TIMESTAMPTZ '2025-01-01 01:00:00+03'"],
    "b": ["b", "NOT b", "b IS NOT TRUE", "b = false"],
    "p": ["p.a = 1", "p.a IN (1, 4)", "p.b IS NULL", "p IS NULL"],
    "l": ["len(l) > 1", "l[1] = 1", "l IS NULL"],
}


class Project:
    """Tables, and models over them: each has a column id, and others that are called by their types."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.columns: dict[str, list[str]] = {}  # of tables and models
        self.tables: list[str] = []  # statements
        self.sql: dict[str, str] = {}  # of models, as DuckDB is asked
        self.files: dict[str, str] = {"models.py": "import corrie\n"}
        self.published: list[str] = []
        for number in range(2):
            self.add_table(f"t{number}")
        for number in range(MODELS):
            self.add_model(f"m{number}")

    def some(self, columns: list[str]) -> list[str]:
        others = [c for c in columns if c != "id"]
        return ["id", *self.random.sample(others, self.random.randint(min(1, len(others)), len(others)))]

    def add_table(self, name: str) -> None:
        r = self.random
        columns = self.columns[name] = ["id", *r.sample(list(VALUES), 9)]
        self.tables.append(f"CREATE TABLE {name} ({', '.join(f'{c} {TYPES[c]}' for c in columns)})")
        for file in range(5):
            fixed = {c: r.choice(VALUES[c]) for c in columns[1:] if r.random() < 0.3}  # its bounds leave the file out
            rows = [[str(file * 8 + i), *(f"{fixed.get(c) or r.choice([*VALUES[c], 'NULL'])}::{TYPES[c]}"
                                          for c in columns[1:])] for i in range(8)]
            self.tables.append(f"INSERT INTO {name} VALUES " + ", ".join(f"({', '.join(row)})" for row in rows))

    def condition(self, columns: list[str], depth: int = 2) -> str:
        r = self.random
        if depth and r.random() < 0.6:
            a, b = self.condition(columns, depth - 1), self.condition(columns, depth - 1)
            return r.choice([f"({a}) AND ({b})", f"({a}) OR ({b})", f"NOT ({a})"])
        return r.choice(CONDITIONS[r.choice(columns)])

    def statement(self, a: str, b: str) -> tuple[list[str], str]:
        """Columns, and a query of them."""
        r = self.random
        of_a, of_b = self.columns[a], self.columns[b]
        columns = self.some(of_a)
        both = [c for c in of_a if c in of_b]
        one = r.choice(columns)
        names, where, more = ", ".join(columns), self.condition(of_a), self.condition(of_a)
        return r.choice([
            (columns, f"SELECT {names} FROM {a} WHERE {where}"),
            (columns, f"SELECT {names} FROM (FROM {a} ORDER BY ALL LIMIT 9) WHERE {where}"),
            (columns, f"SELECT {names} FROM (SELECT *, rank() OVER (PARTITION BY {one} ORDER BY id) AS n FROM {a}) "
                      f"WHERE n <= 2 AND ({where})"),
            (columns, f"SELECT {names} FROM {a} WHERE {where} QUALIFY max(id) OVER (PARTITION BY {one}) = id"),
            (columns, f"WITH w AS (FROM {a} WHERE {where}) SELECT {names} FROM w UNION ALL SELECT {names} FROM w "
                      f"WHERE {more}"),
            (columns, f"SELECT DISTINCT {names} FROM {a} WHERE {where}"),
            (columns, f"SELECT {names} FROM {a} WHERE id IN (SELECT id FROM {b} WHERE {self.condition(of_b)}) OR {one} "
                      "IS NULL"),
            (columns, f"SELECT {names} FROM {a} {r.choice(['SEMI', 'ANTI'])} JOIN (FROM {b}) AS y USING (id)"),
            (["id", one] if one != "id" else ["id"],
             f"SELECT max(id) AS id{'' if one == 'id' else ', ' + one} FROM {a} WHERE {where} GROUP BY {one}"),
            (both, f"SELECT {', '.join(both)} FROM {a} WHERE {where} UNION BY NAME SELECT {', '.join(both[::-1])} "
                   f"FROM {b} WHERE {self.condition(of_b)}"),
            (both, f"SELECT {', '.join(['x.id', *(f'y.{c}' for c in both[1:])])} FROM {a} AS x LEFT JOIN {b} AS y "
                   "ON x.id = y.id + 1"),
        ])

    def add_model(self, name: str) -> None:
        r = self.random
        names = list(self.columns)
        a, b = r.choice(names[-5:]), r.choice(names)
        strategy = r.choice(["NONE", "REPLACE"]) if len(names) < MODELS else "REPLACE"
        self.published += [name] if strategy == "REPLACE" else []
        if r.random() < 0.75:
            self.columns[name], self.sql[name] = self.statement(a, b)
            self.files[f"{name}.sql"] = f"-- corrie: materialization_strategy={strategy}\n{self.sql[name]}\n"
            return
        columns, where = self.some(self.columns[a]), self.condition(self.columns[a])
        gives = r.choice([columns, columns, columns[:2]])
        declared = r.choice(["", f"columns={gives!r}, "]) if gives == columns else f"columns={gives!r}, "
        self.columns[name] = gives
        self.sql[name] = f"SELECT {', '.join(gives)} FROM {a} WHERE {where}"
        self.files["models.py"] += (f'\n\n@corrie.model({declared}materialization_strategy="{strategy}")\n'
                                    f"def {name}(t=corrie.Model({a!r}, columns={columns!r}, filter={where!r})):\n"
                                    "    return t\n")


def rows(con: Any, table: str) -> list[str]:
    found = con.sql(f"SELECT COLUMNS(*)::VARCHAR FROM {table}").fetchall()
    return sorted(repr(["0.0" if cell == "-0.0" else cell for cell in row]) for row in found)


@pytest.mark.parametrize("seed", range(1 if SANITIZED else 3))
def test_a_run_gives_what_duckdb_gives(lake: Lake, tmp_path: Path, seed: int) -> None:
    made = Project(seed)
    con = duckdb.connect()
    con.sql("SET TimeZone = 'UTC'")
    con.sql(";".join(made.tables))
    for name, sql in made.sql.items():
        con.sql(f"CREATE TABLE {name} AS {sql.replace('$least', str(LEAST))}")
    lake.run("sql", ";".join(made.tables))
    parameters = f"parameters:\n  least: {{type: int, default: {LEAST}}}\n"
    project = write_project(tmp_path / "project", made.files, parameters)
    lake.run("run", cwd=project)
    for name in made.published:
        lake.run("query", f"FROM {name}", "--to", tmp_path / "rows.parquet")
        assert rows(con, f"'{tmp_path}/rows.parquet'") == rows(con, name), made.files.get(f"{name}.sql", name)
