"""Random histories of a table: files, statements, ALTER, partitions, branches, models; DuckDB keeps what must be there.

After each step the lake's table has the rows that the model's has, under conditions too; what `revert`, `cherry-pick`
and `table revert` bring back is what was. Every few steps PyIceberg reads the same files. A difference is a wrong
result for somebody. CORRIE_RANDOM_SEEDS=100-200 chooses other seeds, CORRIE_RANDOM_STEPS longer histories.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import Lake

duckdb = pytest.importorskip("duckdb")
pyiceberg_table = pytest.importorskip("pyiceberg.table")

FIRST, _, LAST = os.environ.get("CORRIE_RANDOM_SEEDS", "0-2").partition("-")
SEEDS = range(int(FIRST), int(LAST or FIRST) + 1)
STEPS = int(os.environ.get("CORRIE_RANDOM_STEPS", "14"))
PROJECT = "project:\n  id: 550e8400-e29b-41d4-a716-446655440000\n  name: p\n"

# SQL of values, the odd ones among them. What a transform makes of them is PyIceberg's to say (`partition_of`).
VALUES: dict[str, list[str]] = {
    "BOOLEAN": ["true", "false"],
    "INTEGER": ["0", "1", "-1", "7", "12", "-13", "2147483647", "-2147483648", "100"],
    "BIGINT": ["0", "5", "-5", "9223372036854775807", "-9223372036854775808", "34", "1000"],
    "FLOAT": ["0.0", "'-0.0'", "'nan'", "1.5", "'inf'", "-2.25", "'-inf'"],
    "DOUBLE": ["0.0", "'-0.0'", "'nan'", "1.5", "'inf'", "-2.25", "1e300", "'-inf'"],
    "DECIMAL(9,2)": ["0", "1.25", "-1.25", "9999999.99", "-0.05", "100.10"],
    "DECIMAL(12,2)": ["0", "1.25", "-1.25", "9999999999.99", "-0.05", "100.10"],
    "DECIMAL(38,5)": ["0", "'123456789012345678901234567890123.45678'", "-1.25", "'-99999999999999999999999999999'"],
    "VARCHAR": ["''", "'a'", "'ab'", "'A B/c=d'", "'é€'", "'%2F'", "'NULL'", "repeat('xyz', 120)",
                "repeat('\U0001f600', 20)", "'it''s'", "'zz'", "'\U0010ffff\U0010ffff'", "'a' || chr(10) || 'b'"],
    "DATE": ["'1970-01-01'", "'1969-12-31'", "'0001-01-01'", "'9999-12-31'", "'2026-03-29'", "'1969-01-31'",
             "'2024-02-29'"],
    "TIMESTAMP": ["'1970-01-01 00:00:00'", "'1969-12-31 23:59:59.999999'", "'2026-03-29 02:30:00'",
                  "'0001-01-01 00:00:01'", "'9999-12-31 23:59:59.999999'", "'1968-02-29 12:00:00'"],
    "TIMESTAMPTZ": ["'1970-01-01 00:00:00+00'", "'1969-12-31 23:30:00+00'", "'2026-10-25 01:30:00+02'",
                    "'2026-10-25 01:30:00+01'", "'1920-05-05 05:05:05.5+00'"],
    "TIME": ["'00:00:00'", "'23:59:59.999999'", "'12:34:56'"],
    "BLOB": ["''::BLOB", "'\\x00\\xFF'::BLOB", "'abc'::BLOB", "repeat('q', 40)::BLOB"],
}
WIDER = {"INTEGER": "BIGINT", "FLOAT": "DOUBLE", "DECIMAL(9,2)": "DECIMAL(12,2)"}
IN_TEXT = {"BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "DECIMAL(9,2)", "VARCHAR", "DATE", "TIMESTAMP"}
NAMES = ["a", "b c", "ü", "x.y", "select", "A1", "it's", "k=v", "%41", "_c", "n/m", "q"]


@dataclass
class Column:
    """A column, or a field of a struct; `kind`: a key of VALUES, or struct, list, map."""

    name: str
    kind: str
    parts: list[Column] = field(default_factory=list)

    @property
    def sql(self) -> str:
        if self.kind == "struct":
            return f"STRUCT({', '.join(f'{quote(p.name)} {p.sql}' for p in self.parts)})"
        if self.kind == "list":
            return f"{self.parts[0].sql}[]"
        if self.kind == "map":
            return f"MAP(VARCHAR, {self.parts[0].sql})"
        return self.kind

    def copy(self) -> Column:
        return Column(self.name, self.kind, [p.copy() for p in self.parts])


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def as_sql(value: str, kind: str) -> str:
    return f"CAST({value} AS {kind})"


class History:
    """One random table `t` on `main`, and what it must be, as tables of DuckDB."""

    def __init__(self, lake: Lake, folder: Path, seed: int) -> None:
        self.lake, self.folder, self.random = lake, folder, random.Random(seed)
        self.model = duckdb.connect()
        self.model.sql("SET TimeZone = 'UTC'; SET preserve_insertion_order = true")
        self.said: list[str] = []
        self.next = self.files = 0
        self.mixed = False  # there may be files of another partitioning than the table's
        self.states: dict[str, tuple[str, list[Column]]] = {}  # commit -> copy of the model's table, columns
        self.undone: set[str] = set()
        self.counts: Counter[str] = Counter()  # how often steps that may be refused were done
        self.columns: list[Column] = []
        self.spec: list[tuple[str, str, int]] = []  # transform, column, its number
        self.shaping = "*"  # what the last ALTER made of the model's table

    # ---- what there is ----------------------------------------------------------------------------------------------

    def kind(self, depth: int = 0) -> Column:
        r = self.random
        name = r.choice(NAMES) + (str(r.randint(0, 9)) if r.random() < 0.5 else "")
        if depth < 2 and r.random() < 0.3:
            kind = r.choice(["struct", "struct", "list", "map"])
            parts: list[Column] = []
            for _ in range(r.randint(1, 3) if kind == "struct" else 1):
                part = self.kind(depth + 1)
                if all(part.name.lower() != p.name.lower() for p in parts):
                    parts.append(part)
            return Column(name, kind, parts)
        return Column(name, r.choice(list(VALUES)))

    def fresh(self, among: list[Column], depth: int = 0) -> Column:
        while True:
            column = self.kind(depth)
            if all(column.name.lower() != c.name.lower() for c in among) and column.name.lower() not in ("id", "k"):
                return column

    def value(self, c: Column) -> str:
        r = self.random
        if r.random() < 0.2:
            return f"CAST(NULL AS {c.sql})"
        if c.kind == "struct":
            inner = ", ".join(f"'{p.name.replace(chr(39), chr(39) * 2)}': {self.value(p)}" for p in c.parts)
            return f"CAST({{{inner}}} AS {c.sql})"
        if c.kind == "list":
            return f"CAST([{', '.join(self.value(c.parts[0]) for _ in range(r.randint(0, 3)))}] AS {c.sql})"
        if c.kind == "map":
            inner = ", ".join(f"'k{i}': {self.value(c.parts[0])}" for i in range(r.randint(0, 2)))
            return f"CAST(MAP {{{inner}}} AS {c.sql})"
        return as_sql(r.choice(VALUES[c.kind]), c.kind)

    def query(self, columns: list[Column], n: int) -> str:
        """A query of n new rows."""
        rows = []
        for _ in range(n):
            self.next += 1
            values = [str(self.next) if c.name == "id" else self.value(c) for c in columns]
            rows.append(f"({', '.join(values)})")
        names = ", ".join(quote(c.name) for c in columns)
        casts = ", ".join(f"CAST({quote(c.name)} AS {c.sql}) AS {quote(c.name)}" for c in columns)
        return f"SELECT {casts} FROM (VALUES {', '.join(rows)}) AS v({names})"

    def term(self) -> tuple[str, str, int] | None:
        """A partition field that is not there yet."""
        r = self.random
        c = r.choice([c for c in self.columns if not c.parts])
        kinds = ["identity"]
        if c.kind in ("DATE", "TIMESTAMP", "TIMESTAMPTZ"):
            kinds += ["year", "month", "day"] * 2 + (["hour"] * 2 if c.kind != "DATE" else [])
        if c.kind not in ("FLOAT", "DOUBLE", "BOOLEAN"):
            kinds += ["bucket"] * 3
        if c.kind in ("INTEGER", "BIGINT", "VARCHAR", "BLOB") or c.kind.startswith("DECIMAL"):
            kinds += ["truncate"] * 3
        made = (r.choice(kinds), c.name, r.choice([1, 3, 10]))
        if c.kind in ("FLOAT", "DOUBLE") or any(f[1] == made[1] for f in self.spec):
            return None
        return made

    @staticmethod
    def text(term: tuple[str, str, int]) -> str:
        transform, name, number = term
        if transform == "identity":
            return quote(name)
        return f"{transform}({number}, {quote(name)})" if transform in ("bucket", "truncate") else \
            f"{transform}({quote(name)})"

    def condition(self) -> str:
        """Without IS DISTINCT FROM: beside OR, DuckDB 1.5.6 takes that for false where a column is all nulls."""
        r = self.random
        c = r.choice(self.columns)
        name = quote(c.name)
        path = name
        while c.kind == "struct":
            c = r.choice(c.parts)
            path += "." + quote(c.name)
        if c.parts:
            return f"{path} IS {r.choice(['', 'NOT '])}NULL"
        value = as_sql(r.choice(VALUES[c.kind]), c.kind) if c.name != "id" else str(r.randint(0, self.next + 1))
        other = as_sql(r.choice(VALUES[c.kind]), c.kind) if c.name != "id" else str(r.randint(0, self.next + 1))
        test = r.choice([f"{path} = {value}", f"{path} < {value}", f"{path} >= {value}", f"{path} <> {value}",
                         f"{path} IS NULL", f"{path} IS NOT NULL", f"{path} IN ({value}, {other})",
                         f"{path} NOT IN ({value}, {other})", f"{path} BETWEEN {value} AND {other}",
                         f"NOT ({path} > {value})",
                         *([f"{path} LIKE 'a%'", f"starts_with({path}, 'é')"] if c.kind == "VARCHAR" else [])])
        return test if r.random() < 0.7 else f"({test}) {r.choice(['AND', 'OR'])} ({self.condition()})"

    # ---- both sides -------------------------------------------------------------------------------------------------

    def say(self, statement: str, also: bool = True) -> None:
        self.said.append(statement)
        self.lake.run("sql", "-f", "/dev/stdin", stdin=statement)
        if also:
            self.model.sql(statement)

    def history(self) -> str:
        return ";\n".join(self.said)

    def keep(self) -> None:
        if self.lake.head() in self.states:
            return
        name = f"s{len(self.states)}"
        self.model.sql(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM t")
        self.states[self.lake.head()] = (name, [c.copy() for c in self.columns])

    def restore(self, commit: str) -> None:
        name, columns = self.states[commit]
        self.columns = [c.copy() for c in columns]
        self.model.sql(f"CREATE OR REPLACE TABLE t AS SELECT * FROM {name}")

    # ---- steps ------------------------------------------------------------------------------------------------------

    def create(self) -> None:
        self.columns = [Column("id", "BIGINT"), Column("k", "INTEGER")]
        for _ in range(self.random.randint(3, 9)):
            self.columns.append(self.fresh(self.columns))
        for _ in range(self.random.choice([0, 1, 1, 2])):
            if term := self.term():
                self.spec.append(term)
        columns = ", ".join(f"{quote(c.name)} {c.sql}" for c in self.columns)
        self.model.sql(f"CREATE TABLE t ({columns})")
        terms = f" PARTITIONED BY ({', '.join(map(self.text, self.spec))})" if self.spec else ""
        self.say(f"CREATE TABLE t ({columns}){terms}", also=False)

    def insert(self) -> None:
        some = self.columns
        if self.random.random() < 0.3:
            some = [c for c in self.columns if c.name == "id" or self.random.random() < 0.6]
            self.random.shuffle(some)
        query = self.query(some, self.random.randint(1, 9))
        self.say(f"INSERT INTO t ({', '.join(quote(c.name) for c in some)}) {query}")

    def delete(self) -> None:
        self.say(f"DELETE FROM t WHERE {self.condition()}")

    def update(self) -> None:
        c = self.random.choice([c for c in self.columns if c.name != "id"])
        self.say(f"UPDATE t SET {quote(c.name)} = {self.value(c)} WHERE {self.condition()}")

    def merge(self) -> None:
        r = self.random
        c = r.choice([c for c in self.columns if c.name != "id"])
        source = self.query([Column("id", "BIGINT"), c], r.randint(1, 4))
        shift = r.choice([0, 0, self.next // 2, self.next // 3])
        clauses = r.sample([
            f"WHEN MATCHED AND t.id % 2 = {r.randint(0, 1)} THEN UPDATE SET {quote(c.name)} = s.v",
            "WHEN MATCHED THEN DELETE",
            f"WHEN NOT MATCHED THEN INSERT (id, {quote(c.name)}) VALUES (s.n + 1000000, s.v)",
            "WHEN NOT MATCHED BY SOURCE AND t.id % 7 = 3 THEN DELETE"], r.randint(1, 3))
        if "WHEN MATCHED THEN DELETE" in clauses:  # what has no condition comes last of its kind
            clauses.sort(key=lambda clause: clause == "WHEN MATCHED THEN DELETE")
        self.say(f"MERGE INTO t USING (SELECT id - {shift} AS n, {quote(c.name)} AS v FROM ({source})) AS s "
                 f"ON t.id = s.n {' '.join(clauses)}")

    def overwrite(self) -> None:
        """The partitions that new rows fall into go, by INSERT OVERWRITE or by a model."""
        r = self.random
        query = self.query(self.columns, r.randint(1, 3))
        if self.mixed:
            return
        self.model.sql(f"CREATE OR REPLACE TEMP TABLE fresh AS {query}")
        if not self.spec:
            self.model.sql("DELETE FROM t")
        else:
            gone = set(self.partitions("fresh").values())
            for at, tuple_ in self.partitions("t").items():
                if tuple_ in gone:
                    self.model.sql(f"DELETE FROM t WHERE rowid = {at}")
        self.model.sql("INSERT INTO t FROM fresh")
        terms = ", ".join(map(self.text, self.spec))
        if r.random() < 0.6 or not self.spec or "'" in terms:
            self.say(f"INSERT OVERWRITE t {query}", also=False)
        else:
            self.run_model(f"materialization_strategy=OVERWRITE_PARTITIONS partitioned_by='{terms}'", query)

    def overwrite_filter(self) -> None:
        low = self.random.randint(0, self.next)
        first = self.next
        query = self.query(self.columns, 2)
        condition = f"id >= {low} AND (id < {low + 5} OR id > {first})"
        self.model.sql(f"DELETE FROM t WHERE {condition}; INSERT INTO t {query}")
        self.run_model(f"materialization_strategy=OVERWRITE_PARTITIONS overwrite_filter=\"{condition}\"", query)

    def run_model(self, header: str, query: str) -> None:
        project = self.folder / "project"
        project.mkdir(exist_ok=True)
        (project / "corrie.yaml").write_text(PROJECT)
        (project / "t.sql").write_text(f"-- corrie: {header}\n{query}\n")
        self.said.append(f"-- model: {header}\n{query}")
        self.lake.run("run", cwd=project)

    def partitions(self, table: str) -> dict[int, tuple[Any, ...]]:
        """Of each row of a table of the model, its partition, as PyIceberg's transforms have it."""
        from pyiceberg import transforms, types
        from pyiceberg.utils import datetime as times

        found: dict[int, list[Any]] = {}
        for transform, name, number in self.spec:
            c = next(c for c in self.columns if c.name == name)
            kind: Any = {
                "BOOLEAN": types.BooleanType(), "INTEGER": types.IntegerType(), "BIGINT": types.LongType(),
                "VARCHAR": types.StringType(), "DATE": types.DateType(), "TIME": types.TimeType(),
                "TIMESTAMP": types.TimestampType(), "TIMESTAMPTZ": types.TimestamptzType(),
                "BLOB": types.BinaryType()}.get(c.kind)
            if c.kind.startswith("DECIMAL"):
                kind = types.DecimalType(*map(int, c.kind[8:-1].split(",")))
            word = f"{transform}[{number}]" if transform in ("bucket", "truncate") else transform
            made = transforms.parse_transform(word).transform(kind)
            value = f"{quote(name)}::TIMESTAMP" if c.kind == "TIMESTAMPTZ" else quote(name)
            for at, v in self.model.sql(f"SELECT rowid, {value} FROM {table}").fetchall():
                if c.kind == "DATE" and v is not None:
                    v = times.date_to_days(v)
                elif c.kind.startswith("TIMESTAMP") and v is not None:
                    v = times.datetime_to_micros(v)
                elif c.kind == "TIME" and v is not None:
                    v = times.time_to_micros(v)
                found.setdefault(at, []).append(made(v))
        return {at: tuple(values) for at, values in found.items()}

    def import_files(self) -> None:
        r = self.random
        some = [c for c in self.columns if c.name == "id" or r.random() < 0.85]
        form = r.choice(["parquet", "parquet", "csv", "jsonl"])
        if form != "parquet":
            some = [c for c in some if c.kind in IN_TEXT]
        query = self.query(some, r.randint(1, 6))
        if form == "csv" and any("\n" in q or "\\x" in q for q in [query]):
            form = "parquet"
        self.files += 1
        path = self.folder / f"f{self.files}.{form}"
        self.model.sql(f"CREATE OR REPLACE TEMP TABLE fresh AS {query}")
        self.model.sql(f"COPY fresh TO '{path}' (FORMAT {'json' if form == 'jsonl' else form})")
        words = ["--in-place"] if form == "parquet" and r.random() < 0.4 else []
        self.said.append(f"-- import {' '.join(words)} {form}: {query}")
        done = self.lake.run("import", path, "t", *words, status=None)
        if words and done.returncode:
            assert "without --in-place" in done.stderr or "the table is partitioned" in done.stderr, done.stderr
            done = self.lake.run("import", path, "t", status=None)
        assert done.returncode == 0, done.stderr
        self.model.sql("INSERT INTO t BY NAME FROM fresh")

    def replace(self) -> None:
        """A file's rows and columns become the table's, which cannot go on being partitioned by a column that goes."""
        r = self.random
        columns = [c for c in self.columns if c.name in ("id", "k") or r.random() < 0.8]
        if r.random() < 0.4:
            columns.append(self.fresh(columns))
        query = self.query(columns, r.randint(1, 6))
        self.files += 1
        path = self.folder / f"f{self.files}.parquet"
        self.model.sql(f"CREATE OR REPLACE TABLE t AS {query}")
        self.model.sql(f"COPY t TO '{path}'")
        kept = {c.name for c in columns} >= {f[1] for f in self.spec}
        words = [] if kept else ["--partitioned-by", ""]
        self.said.append(f"-- import --replace {' '.join(words)}: {query}")
        self.lake.run("import", path, "t", "--replace", *words)
        self.columns, self.spec = columns, self.spec if kept else []

    def evolve(self) -> None:
        new = self.fresh(self.columns)
        some = [*(c for c in self.columns if c.name == "id" or self.random.random() < 0.7), new]
        query = self.query(some, 3)
        self.files += 1
        path = self.folder / f"f{self.files}.parquet"
        self.model.sql(f"CREATE OR REPLACE TEMP TABLE fresh AS {query}")
        self.model.sql(f"COPY fresh TO '{path}'")
        self.said.append(f"-- import --evolve: {query}")
        self.lake.run("import", path, "t", "--evolve")
        self.model.sql(f"ALTER TABLE t ADD COLUMN {quote(new.name)} {new.sql}; INSERT INTO t BY NAME FROM fresh")
        self.columns.append(new)

    def rebuilt(self, old: Column, new: Column, value: str, depth: int = 0) -> str:
        """The expression of a value under the new shape; parts of both are the same objects' copies by `was`."""
        if new.kind == "struct":
            was = {id_of(p): p for p in old.parts}
            inner = []
            for p in new.parts:
                before = was.get(id_of(p))
                text = self.rebuilt(before, p, f"{value}.{quote(before.name)}", depth) if before else "NULL"
                inner.append(f"'{p.name.replace(chr(39), chr(39) * 2)}': CAST({text} AS {p.sql})")
            return f"CASE WHEN {value} IS NOT NULL THEN {{{', '.join(inner)}}} END"
        if new.kind == "list":
            inside = self.rebuilt(old.parts[0], new.parts[0], f"x{depth}", depth + 1)
            return f"list_transform({value}, lambda x{depth}: CAST({inside} AS {new.parts[0].sql}))"
        if new.kind == "map":
            inside = self.rebuilt(old.parts[0], new.parts[0], f"x{depth}.value", depth + 1)
            return (f"map_from_entries(list_transform(map_entries({value}), lambda x{depth}: "
                    f"{{'key': x{depth}.key, 'value': CAST({inside} AS {new.parts[0].sql})}}))")
        return value

    def alter(self) -> None:
        r = self.random
        self.shaping = "*"
        old = [mark(c) for c in self.columns]
        new = [twin(c) for c in old]
        used = {f[1] for f in self.spec}
        # a level of columns: those of the table, or of a struct somewhere inside
        level, path, depth = new, "", 0
        while r.random() < 0.6 and any(c.parts for c in level):
            c = r.choice([c for c in level if c.parts])
            path += quote(c.name) + "."
            while c.kind in ("list", "map"):
                path += "element." if c.kind == "list" else "value."
                c = c.parts[0]
            depth += 1
            if c.kind != "struct":
                level, path = new, ""
                break
            level = c.parts
        top = level is new
        c = r.choice(level)
        fixed = top and (c.name in used or c.name in ("id", "k"))
        action = r.choice(["add", "add", "drop", "rename", "rename", "widen", "widen", "move"])
        if action == "add":
            made = mark(self.fresh(level, 2))
            place = r.choice(["", " FIRST", f" AFTER {quote(c.name)}"])
            at = {"": len(level), " FIRST": 0}.get(place, level.index(c) + 1)
            level.insert(at, made)
            action = f"ADD COLUMN {path}{quote(made.name)} {made.sql}{place}"
        elif action == "drop" and not fixed and len(level) > 1:
            level.remove(c)
            action = f"DROP COLUMN {path}{quote(c.name)}"
        elif action == "rename" and not (top and c.name in ("id", "k")):
            name = self.fresh(level).name
            action = f"RENAME COLUMN {path}{quote(c.name)} TO {quote(name)}"
            if top:
                self.spec = [(t, name if n == c.name else n, i) for t, n, i in self.spec]
            c.name = name
        elif action == "widen" and c.kind in WIDER:
            c.kind = WIDER[c.kind]
            action = f"ALTER COLUMN {path}{quote(c.name)} TYPE {c.kind}"
        elif action == "move" and len(level) > 1:
            level.remove(c)
            after = r.choice([None, *level])
            level.insert(0 if after is None else level.index(after) + 1, c)
            action = (f"ALTER COLUMN {path}{quote(c.name)} "
                      f"{'FIRST' if after is None else 'AFTER ' + quote(after.name)}")
        else:
            return
        self.said.append(f"ALTER TABLE t {action}")
        self.lake.run("sql", f"ALTER TABLE t {action}")
        was = {id_of(c): c for c in old}
        parts = []
        for c in new:
            before = was.get(id_of(c))
            text = self.rebuilt(before, c, quote(before.name)) if before else "NULL"
            parts.append(f"CAST({text} AS {c.sql}) AS {quote(c.name)}")
        self.shaping = ", ".join(parts)
        self.model.sql(f"CREATE OR REPLACE TABLE t AS SELECT {self.shaping} FROM t")
        self.columns = new

    def respec(self) -> None:
        term = self.term()
        if self.spec or term:
            self.mixed = True
        if self.spec and (not term or self.random.random() < 0.4):
            gone = self.random.choice(self.spec)
            self.say(f"ALTER TABLE t DROP PARTITION FIELD {self.text(gone)}", also=False)
            self.spec.remove(gone)
        elif term:
            self.say(f"ALTER TABLE t ADD PARTITION FIELD {self.text(term)}", also=False)
            self.spec.append(term)

    def compact(self) -> None:
        done = self.lake.json("table", "compact", "t")
        self.counts["compacted"] += done["commit"] is not None

    def expire(self) -> None:
        done = self.lake.json("table", "expire", "t", "--older-than", "0", "--keep", str(self.random.choice([1, 1, 3])))
        self.counts["expired"] += done["commit"] is not None

    def collect(self) -> None:
        """gc of all that nothing reaches: nothing of the table's is among it."""
        self.lake.run("gc", "--grace", "0", "--keep-reflog", "0", "--yes")
        self.lake.fsck()

    def undo(self) -> None:
        """What a former commit did is taken back, under what came since: its rows alone go and come."""
        commits = self.lake.json("log")["commits"][:6]
        known = [c for c in commits if c["commit"] in self.states and c["parents"][0] in self.states
                 and c["commit"] not in self.undone]
        if not known:
            return
        commit = self.random.choice(known)
        (after, columns), (before, former) = self.states[commit["commit"]], self.states[commit["parents"][0]]
        if not shapes(columns) == shapes(former) == shapes(self.columns):
            return
        self.said.append(f"-- revert {commit['commit']}: {commit['message']}")
        done = self.lake.run("revert", "@" + commit["commit"], "--branch", "main", status=None)
        if done.returncode == 0:
            self.undone.add(commit["commit"])
            self.snapshot("ours")
            self.combine(after, "ours", before)
            self.spec, self.mixed = self.spec_of(), True
        else:
            assert done.returncode == 4 or "nothing" in done.stderr, done.stderr
        self.counts["reverted" if done.returncode == 0 else "revert refused"] += 1

    def combine(self, base: str, ours: str, theirs: str) -> None:
        """The model's table is what both have made of `base`."""
        self.model.sql(f"CREATE OR REPLACE TABLE t AS (SELECT * FROM {ours} EXCEPT ALL SELECT * FROM "
                       f"(SELECT * FROM {base} EXCEPT ALL SELECT * FROM {theirs})) UNION ALL "
                       f"(SELECT * FROM {theirs} EXCEPT ALL SELECT * FROM {base})")

    def there_and_back(self) -> None:
        """A change that is reverted, or made on a branch that is merged or picked, leaves what it should."""
        r = self.random
        way = r.choice(["revert", "merge", "pick", "restore"])
        before = self.lake.head()
        spec = list(self.spec)
        if way == "restore" and len(self.states) > 2:
            commit = r.choice(list(self.states)[-4:])
            self.said.append(f"-- table revert {commit}")
            done = self.lake.run("table", "revert", "t", f"main@{commit}", "--branch", "main", status=None)
            if done.returncode:
                done = self.lake.run("table", "revert", "t", f"@{commit}", "--branch", "main", status=None)
            assert done.returncode == 0 or "nothing" in done.stderr or "already" in done.stderr, done.stderr
            self.restore(commit)
            self.spec = self.spec_of()
            return
        if way in ("merge", "pick"):
            self.said.append("-- branch side: what comes next is done there")
            self.lake.run("branch", "create", "side", "--from-ref", "main")
            self.lake.env["CORRIE_REF"] = "side"
        r.choice([self.insert, self.delete, self.update, self.alter, self.overwrite, self.import_files])()
        self.lake.env.pop("CORRIE_REF", None)
        if way == "revert":
            if self.lake.head() != before:
                self.said.append("-- revert main")
                self.lake.run("revert", "main", "--branch", "main")
                self.restore(before)
                self.spec = spec
        elif way in ("merge", "pick"):
            self.said.append(f"-- {way} side")
            if self.lake.head("side") != before:
                if way == "merge":
                    self.lake.run("merge", "side", "--into", "main", *r.choice([[], ["--no-ff"]]))
                else:
                    self.lake.run("cherry-pick", "side", "--into", "main")
            self.lake.run("branch", "rm", "side", "--yes")

    def apart(self) -> None:
        """Both sides of a branch change rows: together they are there, or it is a conflict and main stays."""
        self.said.append("-- branch side; here:")
        before = self.lake.head()
        self.lake.run("branch", "create", "side", "--from-ref", "main")
        self.snapshot("base")
        steps = [self.insert, self.insert, self.delete, self.update, self.merge, self.overwrite, self.import_files,
                 self.compact, self.expire]
        self.random.choice(steps)()
        self.snapshot("ours")
        self.model.sql("CREATE OR REPLACE TABLE t AS SELECT * FROM base")
        self.said.append("-- and on side:")
        self.lake.env["CORRIE_REF"] = "side"
        self.random.choice(steps[:2] if self.random.random() < 0.5 else steps)()
        del self.lake.env["CORRIE_REF"]
        self.snapshot("theirs")
        self.said.append("-- merge side")
        main, side = self.lake.head(), self.lake.head("side")
        done = self.lake.run("merge", "side", "--into", "main", status=None)
        if done.returncode:
            assert done.returncode == 4 and before not in (main, side), done.stderr
            self.said.append("-- conflict")
            self.model.sql("CREATE OR REPLACE TABLE t AS SELECT * FROM ours")
        else:
            self.combine("base", "ours", "theirs")
        self.counts["conflict" if done.returncode else "merged"] += 1
        self.lake.run("branch", "rm", "side", "--yes")

    def apart_in_shape(self) -> None:
        """One side changes rows, the other columns: the columns of all rows change, or it is a conflict."""
        columns, spec, altering = self.columns, list(self.spec), self.random.random() < 0.5
        self.said.append("-- branch side; here:")
        self.lake.run("branch", "create", "side", "--from-ref", "main")
        self.snapshot("base")
        ways = [self.insert, self.delete, self.update, self.merge, self.import_files, self.compact, self.expire]
        self.lake.env["CORRIE_REF"] = "main" if altering else "side"
        self.random.choice(ways)()
        self.snapshot("ours")
        self.said.append("-- and there:")
        self.lake.env["CORRIE_REF"] = "side" if altering else "main"
        self.alter()
        del self.lake.env["CORRIE_REF"]
        self.said.append("-- merge side")
        done = self.lake.run("merge", "side", "--into", "main", status=None)
        assert done.returncode in (0, 4), done.stderr
        self.counts["shape conflict" if done.returncode else "shape merged"] += 1
        if done.returncode and altering:
            self.model.sql("CREATE OR REPLACE TABLE t AS SELECT * FROM ours")
            self.columns, self.spec = columns, spec
        elif done.returncode:
            self.model.sql(f"CREATE OR REPLACE TABLE t AS SELECT {self.shaping} FROM base")
        self.lake.run("branch", "rm", "side", "--yes")

    def snapshot(self, name: str) -> None:
        self.model.sql(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM t")

    def spec_of(self) -> list[tuple[str, str, int]]:
        """The partition fields that the table has now, as PyIceberg sees them."""
        table, found = self.iceberg(), []
        for f in table.spec().fields:
            word, _, number = str(f.transform).rstrip("]").partition("[")
            found.append((word, table.schema().find_column_name(f.source_id), int(number or 1)))
        return found

    # ---- checks -----------------------------------------------------------------------------------------------------

    def rows(self, relation: str) -> list[str]:
        """Rows as text; -0.0 is 0.0, which DuckDB's dictionaries of Parquet make one."""
        found = self.model.sql(f"SELECT r::VARCHAR FROM (FROM {relation}) AS r").fetchall()
        return sorted(re.sub(r"-0\.0(?![\d])", "0.0", row[0]) for row in found)

    def same(self, have: list[str], want: list[str], what: str) -> None:
        """Says which rows differ; what was done is in history.sql, beside the other files of the test."""
        if have != want:
            self.said.append(f"-- differs: {what}")
            more, fewer = (Counter(a) - Counter(b) for a, b in ((have, want), (want, have)))
            raise AssertionError(f"{what}\nonly there: {list(more.elements())[:4]}\n"
                                 f"not there: {list(fewer.elements())[:4]}\n{self.said[-3:]}")

    def check(self) -> None:
        path = self.folder / "out.parquet"
        self.lake.run("query", "SELECT * FROM t", "--to", path)
        self.same(self.rows(f"'{path}'"), self.rows("t"), "SELECT *")
        types = [row[:2] for row in self.model.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
        assert types == [(c.name, self.model.sql(f"SELECT typeof(CAST(NULL AS {c.sql}))").fetchall()[0][0])
                         for c in self.columns]
        for _ in range(2):
            condition = self.condition()
            want = self.rows(f"t WHERE {condition}")
            path.unlink()
            self.lake.run("query", "-f", "/dev/stdin", "--to", path, stdin=f"SELECT * FROM t WHERE {condition}")
            self.same(self.rows(f"'{path}'"), want, f"WHERE {condition}")

    def iceberg(self) -> Any:
        location = self.lake.json("table", "get", "t")["metadata_location"]
        return pyiceberg_table.StaticTable.from_metadata(location)

    def check_iceberg(self) -> None:
        """PyIceberg makes lists of structs that are null empty ones: such columns are left out."""
        arrow = self.iceberg().scan().to_arrow()
        self.model.register("arrow", arrow)
        columns = [c for c in self.columns if not lists_structs(c)]
        casts = ", ".join(f"CAST({quote(c.name)} AS {c.sql}) AS {quote(c.name)}" for c in columns)
        names = ", ".join(quote(c.name) for c in columns)
        self.same(self.rows(f"(SELECT {casts} FROM arrow)"), self.rows(f"(SELECT {names} FROM t)"), "PyIceberg")
        self.model.unregister("arrow")

    def step(self) -> None:
        chosen = self.random.choice([
            self.insert, self.insert, self.insert, self.delete, self.update, self.update, self.merge, self.overwrite,
            self.overwrite_filter, self.import_files, self.import_files, self.evolve, self.alter, self.alter,
            self.alter, self.alter, self.respec, self.there_and_back, self.there_and_back, self.apart, self.apart,
            self.apart_in_shape, self.apart_in_shape, self.compact, self.expire, self.replace, self.undo, self.undo,
            self.collect])
        self.said.append(f"-- {chosen.__name__}")
        chosen()


def shapes(columns: list[Column]) -> list[tuple[str, str]]:
    return [(c.name, c.sql) for c in columns]


def lists_structs(c: Column) -> bool:
    return (c.kind in ("list", "map") and c.parts[0].kind == "struct") or any(map(lists_structs, c.parts))


MARKS = {"next": 0}


def id_of(c: Column) -> int:
    return int(c.__dict__["mark"])


def mark(c: Column) -> Column:
    """Columns that are the same one before and after a change have the same mark."""
    MARKS["next"] += 1
    c.__dict__["mark"] = MARKS["next"]
    for p in c.parts:
        mark(p)
    return c


def twin(c: Column) -> Column:
    made = Column(c.name, c.kind, [twin(p) for p in c.parts])
    made.__dict__["mark"] = id_of(c)
    return made


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_history(lake: Lake, tmp_path: Path, seed: int) -> None:
    history = History(lake, tmp_path, seed)
    history.create()
    try:
        for at in range(STEPS):
            history.insert() if at < 2 else history.step()
            history.check()
            history.keep()
            if at % 5 == 4:
                history.check_iceberg()
        history.check_iceberg()
        lake.fsck()
        print(dict(history.counts))
        if any(map(lists_structs, history.columns)):
            lake.unreadable = "PyIceberg makes lists of structs that are null empty ones"
    except BaseException:
        (tmp_path / "history.sql").write_text(history.history())
        raise
