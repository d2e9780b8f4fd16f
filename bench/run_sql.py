"""A run of three SQL models over 10 000 000 rows (or CORRIE_BENCH_ROWS), beside dbt and SQLMesh: first, again, and
again with everything computed anew.

The models: purchases by product and day; the products of each month by revenue; months with their best product. All
three are written as tables: Parquet files of an Iceberg table and a commit by corrie, tables of a DuckDB file by the
others, whose source is a table of that file. Answers are compared. "Again": nothing has changed; dbt computes all of
it, SQLMesh sees by its state that there is nothing to do, so it is asked a second time to compute nevertheless."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from beside import environment, quiet_env
from measure import CORRIE, ROOT, emit, emit_count, process
from table_data import ROWS, run, select, write

ROUNDS = int(os.environ.get("CORRIE_BENCH_ROUNDS", "5"))
MODELS = {
    "days": ("SELECT ts::DATE AS day, name, count(*) AS purchases,\n"
             "    sum(price::DECIMAL(18, 2))::DECIMAL(18, 2) AS revenue\n"
             "FROM {events}\nWHERE kind = 'purchase' AND price > 0\nGROUP BY ALL"),
    "months": ("SELECT date_trunc('month', day)::DATE AS month, name, sum(purchases)::BIGINT AS purchases,\n"
               "    sum(revenue)::DECIMAL(18, 2) AS revenue\nFROM {days}\nGROUP BY ALL"),
    "best": ("SELECT month, name, revenue\nFROM {months}\n"
             "QUALIFY row_number() OVER (PARTITION BY month ORDER BY revenue DESC, name) = 1"),
}
ANSWERS = ("SELECT count(*), sum(purchases), sum(revenue) FROM {days}", "SELECT count(*), sum(revenue) FROM {months}",
           "SELECT month, name, revenue FROM {best} ORDER BY month")
FIRST, AGAIN, ANEW = "first", "again", "again, all computed anew"


def database(path: Path, events: Path) -> None:
    """The DuckDB file that dbt and SQLMesh work in, with the events as a table."""
    run(path, "CREATE SCHEMA shop", f"CREATE TABLE shop.events AS FROM read_parquet('{events}')")


class Corrie:
    name = "corrie run"
    phases = (FIRST, AGAIN)

    def __init__(self, folder: Path, events: Path) -> None:
        self.project, self.home, self.events = folder / "corrie", folder / "corrie-home", events
        self.project.mkdir()
        (self.project / "corrie.yaml").write_text(
            "project: {id: 550e8400-e29b-41d4-a716-446655440002, name: bench}\ndefaults: {namespace: shop}\n")
        names = {name: name for name in (*MODELS, "events")}
        for name, sql in MODELS.items():
            text = f"-- corrie: materialization_strategy=REPLACE\n{sql.format(**names)}\n"
            (self.project / f"{name}.sql").write_text(text)
        self.env = {**quiet_env(self.home), "CORRIE_LAKE": str(self.home / "lake"),
                    "XDG_CACHE_HOME": str(self.home / "cache")}

    def clear(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir()
        process([CORRIE, "import", self.events, "shop.events"], self.env)

    def run(self, phase: str) -> dict[str, float]:
        return process([CORRIE, "run", "--project-dir", self.project], self.env)

    def answers(self) -> list[list[object]]:
        found = []
        for sql in ANSWERS:
            text = subprocess.run([CORRIE, "query", "-n", "shop", sql.format(**{n: n for n in MODELS}), "-o", "csv"],
                                  env=self.env, check=True, capture_output=True, text=True).stdout
            found.append([line.split(",") for line in text.splitlines()[1:]])
        return [[str(cell) for cell in row] for rows in found for row in rows]


class InDuckdb:
    """What dbt and SQLMesh have in common here."""

    name = ""
    tables = ""  # schema of the models
    phases: tuple[str, ...] = (FIRST, AGAIN)

    def __init__(self, folder: Path, events: Path) -> None:
        self.project, self.home = folder / self.name.split()[0], folder / f"{self.name.split()[0]}-home"
        self.program = environment(self.name.split()[0]) / "bin" / self.name.split()[0]
        self.filled = folder / f"{self.name.split()[0]}-filled.duckdb"
        self.project.mkdir()
        self.home.mkdir()
        database(self.filled, events)
        self.env = quiet_env(self.home)
        self.write()

    def write(self) -> None:
        raise NotImplementedError

    def clear(self) -> None:
        for cache in ("target", ".cache", "logs"):
            shutil.rmtree(self.project / cache, ignore_errors=True)
        shutil.copyfile(self.filled, self.project / "bench.duckdb")

    def answers(self) -> list[list[object]]:
        names = {name: f"{self.tables}.{name}" for name in MODELS}
        code = ("import duckdb, json, sys\nc = duckdb.connect(sys.argv[1], read_only=True)\n"
                "print(json.dumps([[str(v) for v in r] for q in sys.argv[2:] for r in c.execute(q).fetchall()]))")
        text = subprocess.run([self.program.parent / "python", "-c", code, self.project / "bench.duckdb",
                               *(sql.format(**names) for sql in ANSWERS)],
                              check=True, capture_output=True, text=True).stdout
        found: list[list[object]] = json.loads(text)
        return found


class Dbt(InDuckdb):
    name = "dbt run"
    tables = "main"

    def write(self) -> None:
        (self.project / "models").mkdir()
        (self.project / "dbt_project.yml").write_text(
            "name: bench\nversion: '1.0'\nprofile: bench\nmodel-paths: [models]\n"
            "flags: {send_anonymous_usage_stats: false}\n")
        (self.project / "profiles.yml").write_text(
            "bench: {target: dev, outputs: {dev: {type: duckdb, threads: 2,"
            f" path: {self.project}/bench.duckdb}}}}}}\n")
        (self.project / "models" / "sources.yml").write_text(
            "version: 2\nsources:\n  - name: shop\n    schema: shop\n    tables:\n      - name: events\n")
        names = {name: f"{{{{ ref('{name}') }}}}" for name in MODELS}
        names["events"] = "{{ source('shop', 'events') }}"
        for name, sql in MODELS.items():
            (self.project / "models" / f"{name}.sql").write_text(
                f"{{{{ config(materialized='table') }}}}\n{sql.format(**names)}\n")

    def run(self, phase: str) -> dict[str, float]:
        return process([self.program, "--quiet", "run", "--project-dir", self.project, "--profiles-dir", self.project,
                        "--log-path", self.project / "logs"], self.env)


class Sqlmesh(InDuckdb):
    name = "sqlmesh plan --auto-apply"
    tables = "models"
    phases = (FIRST, AGAIN, ANEW)

    def write(self) -> None:
        (self.project / "models").mkdir()
        (self.project / "config.yaml").write_text(
            f"gateways: {{dev: {{connection: {{type: duckdb, database: {self.project}/bench.duckdb}}}}}}\n"
            "default_gateway: dev\nmodel_defaults: {dialect: duckdb, start: 2025-01-01}\n")
        (self.project / "external_models.yaml").write_text(
            "- name: shop.events\n  columns: {id: BIGINT, user_id: BIGINT, kind: VARCHAR, price: DOUBLE,"
            " ts: TIMESTAMP, name: VARCHAR, part: INT}\n")
        names = {name: f"models.{name}" for name in MODELS}
        for name, sql in MODELS.items():
            (self.project / "models" / f"{name}.sql").write_text(
                f"MODEL (name models.{name}, kind FULL);\n\n{sql.format(events='shop.events', **names)}\n")

    def run(self, phase: str) -> dict[str, float]:
        restate = ["--restate-model", "models.days"] if phase == ANEW else []
        return process([self.program, "--paths", self.project, "--log-file-dir", self.project / "logs", "plan",
                        "--no-prompts", "--auto-apply", *restate], self.env)


def same(answers: dict[str, list[list[object]]]) -> None:
    [first, *others] = answers.items()
    for name, rows in others:
        if rows != first[1]:
            raise SystemExit(f"{name} and {first[0]} differ: {rows[:3]} and {first[1][:3]}")


def main() -> None:
    scratch = ROOT / "build" / "bench"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=scratch) as name:
        folder = Path(name)
        events = write(folder / "events.parquet", "FORMAT parquet, COMPRESSION zstd", select())
        systems: list[Corrie | Dbt | Sqlmesh] = [kind(folder, events) for kind in (Corrie, Dbt, Sqlmesh)]
        seen: dict[tuple[str, str], list[dict[str, float]]] = {}
        for _ in range(ROUNDS):
            for system in systems:
                system.clear()
                for phase in system.phases:
                    seen.setdefault((phase, system.name), []).append(system.run(phase))
            same({system.name: system.answers() for system in systems})
        for (phase, side), many in sorted(seen.items(), key=lambda item: (FIRST, AGAIN, ANEW).index(item[0][0])):
            question = f"three SQL models over {ROWS} rows, {phase}"
            emit(question, side, [m["wall"] for m in many])
            emit(question, f"{side}, processor time", [m["cpu"] for m in many])
            emit_count(question, f"{side}, peak memory", round(max(m["memory"] for m in many) / 1e6), "MB")


if __name__ == "__main__":
    main()
