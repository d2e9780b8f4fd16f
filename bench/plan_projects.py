"""The same project of N SQL models for corrie, dbt and SQLMesh: what their planners are compared on.

    plan_projects.py FOLDER N [corrie|dbt|sqlmesh|python]…

Of each four models one cleans a table, two join what was made before, one counts and is written as a table. With
`python` half of corrie's models are Python functions instead. Equal N give equal projects."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

SOURCES = 20  # tables of the lake: raw.t0 …, each with the columns of COLUMNS
COLUMNS = {"id": "BIGINT", "day": "DATE", "kind": "VARCHAR", "price": "DOUBLE", "user_id": "BIGINT"}
SYSTEMS = ("corrie", "dbt", "sqlmesh", "python")


class Model(NamedTuple):
    name: str
    reads: list[str]  # names of models; "raw.t3": a table
    sql: str  # with {0}, {1} for what it reads
    written: bool


def models(count: int) -> Iterator[Model]:
    """In an order in which each reads only what came before."""
    dice = random.Random(7)
    clean: list[str] = []
    joined: list[str] = []
    for i in range(count):
        if i % 4 == 0:
            clean.append(f"m{i}")
            yield Model(f"m{i}", [f"raw.t{dice.randrange(SOURCES)}"],
                        "SELECT id, day, lower(kind) AS kind, price, user_id\nFROM {0}\nWHERE price > 0", False)
        elif i % 4 in (1, 2):
            reads = [dice.choice(clean[-50:]), dice.choice((joined or clean)[-50:])]
            if reads[0] == reads[1]:
                reads = [reads[0], clean[-1] if clean[-1] != reads[0] else "raw.t0"]
            joined.append(f"m{i}")
            yield Model(f"m{i}", reads,
                        "SELECT a.id, a.day, a.kind, a.price + b.price AS price, b.user_id\n"
                        "FROM {0} AS a JOIN {1} AS b ON a.id = b.id", False)
        else:
            yield Model(f"m{i}", [dice.choice(joined[-50:])],
                        "SELECT day, kind, sum(price) AS revenue, count(DISTINCT user_id) AS users\n"
                        "FROM {0}\nGROUP BY day, kind", True)


def folders(root: Path, number: int) -> Path:
    """A hundred files a folder, so that no system has to list ten thousand in one."""
    folder = root / f"f{number // 100}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_corrie(root: Path, count: int) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "corrie.yaml").write_text(
        "project: {id: 550e8400-e29b-41d4-a716-446655440000, name: bench}\n"
        "include_paths: [\"models/*/*.sql\", \"models/*/*.py\"]\n")
    for i, model in enumerate(models(count)):
        header = "-- corrie: materialization_strategy=REPLACE\n" if model.written else ""
        text = header + model.sql.format(*model.reads) + "\n"
        (folders(root / "models", i) / f"{model.name}.sql").write_text(text)


def write_python(root: Path, count: int) -> None:
    """Every second model a function; one in four of the files holds several."""
    write_corrie(root, count)
    for i, model in enumerate(models(count)):
        folder = folders(root / "models", i)
        if i % 2 == 0:
            continue
        (folder / f"{model.name}.sql").unlink()
        inputs = ", ".join(f"in{n}=corrie.Model({name!r}, columns=['id', 'price'])"
                           for n, name in enumerate(model.reads) if i % 4 != 3)
        inputs = inputs or f"in0=corrie.Model({model.reads[0]!r})"
        columns = ["day", "kind", "revenue", "users"] if i % 4 == 3 else [*COLUMNS]
        strategy = ", materialization_strategy='REPLACE'" if model.written else ""
        (folder / f"{model.name}.py").write_text(
            f"import corrie\n\n\n@corrie.model(columns={columns!r}{strategy})\n@corrie.python('3.11')\n"
            f"def {model.name}({inputs}):\n    return in0\n")


def write_dbt(root: Path, count: int) -> None:
    (root / "models").mkdir(parents=True, exist_ok=True)
    (root / "dbt_project.yml").write_text(
        "name: bench\nversion: '1.0'\nprofile: bench\nmodel-paths: [models]\n"
        "flags: {send_anonymous_usage_stats: false}\n")
    (root / "profiles.yml").write_text(
        f"bench: {{target: dev, outputs: {{dev: {{type: duckdb, path: {root}/bench.duckdb}}}}}}\n")
    tables = "".join(f"      - name: t{i}\n" for i in range(SOURCES))
    (root / "models" / "sources.yml").write_text(
        f"version: 2\nsources:\n  - name: raw\n    schema: raw\n    tables:\n{tables}")
    for i, model in enumerate(models(count)):
        reads = [f"{{{{ source('raw', '{r[4:]}') }}}}" if r.startswith("raw.") else f"{{{{ ref('{r}') }}}}"
                 for r in model.reads]
        kind = "table" if model.written else "view"
        text = f"{{{{ config(materialized='{kind}') }}}}\n{model.sql.format(*reads)}\n"
        (folders(root / "models", i) / f"{model.name}.sql").write_text(text)


def write_sqlmesh(root: Path, count: int) -> None:
    (root / "models").mkdir(parents=True, exist_ok=True)
    (root / "config.yaml").write_text(
        f"gateways: {{dev: {{connection: {{type: duckdb, database: {root}/bench.duckdb}}}}}}\ndefault_gateway: dev\n"
        "model_defaults: {dialect: duckdb, start: 2024-01-01}\ndisable_anonymized_analytics: true\n")
    columns = "\n".join(f"    {name}: {kind}" for name, kind in COLUMNS.items())
    (root / "external_models.yaml").write_text(
        "".join(f"- name: raw.t{i}\n  columns:\n{columns}\n" for i in range(SOURCES)))
    for i, model in enumerate(models(count)):
        reads = [r if r.startswith("raw.") else f"bench.{r}" for r in model.reads]
        kind = "FULL" if model.written else "VIEW"
        text = f"MODEL (name bench.{model.name}, kind {kind});\n\n{model.sql.format(*reads)}\n"
        (folders(root / "models", i) / f"{model.name}.sql").write_text(text)


WRITERS: dict[str, Callable[[Path, int], None]] = {
    "corrie": write_corrie, "dbt": write_dbt, "sqlmesh": write_sqlmesh, "python": write_python}


def tables_sql() -> str:
    """Statements that make the tables of the lake, for `corrie sql` and for DuckDB."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    return "".join(f"CREATE TABLE raw.t{i} ({columns});\n" for i in range(SOURCES))


def write(folder: Path, count: int, systems: tuple[str, ...] = SYSTEMS) -> None:
    """A project a system: FOLDER/corrie, FOLDER/dbt, …"""
    for system in systems:
        WRITERS[system](folder / system, count)


def main() -> None:
    if len(sys.argv) < 3 or not sys.argv[2].isdigit() or not set(sys.argv[3:]) <= set(SYSTEMS):
        raise SystemExit(__doc__)
    write(Path(sys.argv[1]), int(sys.argv[2]), tuple(sys.argv[3:]) or SYSTEMS)


if __name__ == "__main__":
    main()
