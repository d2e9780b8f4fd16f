"""Planning a project of 10, 1 000 and 10 000 SQL models (or CORRIE_BENCH_MODELS), beside dbt and SQLMesh.

The projects are equal (plan_projects.py). Beside each other: `corrie explain --project-dir`, `dbt parse` and
`sqlmesh plan --explain`, whole processes: cold, with none of their caches; again, with all of them; and after an edit
of one model. What they do is not the same. dbt reads the files, renders their Jinja and finds what refers to what; of
SQL it knows nothing. SQLMesh parses the SQL too, derives columns and their types, hashes, and compares with its state.
Corrie parses, has DuckDB bind each model, derives columns, types, and which of them with which rows are needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import plan_projects
from beside import environment, quiet_env
from measure import CORRIE, ROOT, emit, emit_count, process

COUNTS = [int(n) for n in os.environ.get("CORRIE_BENCH_MODELS", "10 1000 10000").split()]
ROUNDS = {10: 5, 1_000: 3}
PHASES = ("cold", "again", "one model edited")
LAKE_SQL = "CREATE SCHEMA raw;\n"


class Corrie:
    name = "corrie"

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache"
        self.project = folder / "corrie"
        home = folder / "home"
        self.env = {**quiet_env(home), "CORRIE_LAKE": str(folder / "lake"), "XDG_CACHE_HOME": str(self.cache)}
        subprocess.run([CORRIE, "namespace", "create", "raw"], env=self.env, check=True, capture_output=True)
        subprocess.run([CORRIE, "sql"], env=self.env, check=True, capture_output=True, text=True,
                       input=plan_projects.tables_sql())

    def clear(self) -> None:
        shutil.rmtree(self.cache, ignore_errors=True)

    def plan(self) -> dict[str, float]:
        return process([CORRIE, "explain", "--project-dir", self.project], self.env)


class Dbt:
    name = "dbt parse"

    def __init__(self, folder: Path) -> None:
        self.project = folder / "dbt"
        self.env = quiet_env(folder / "home")
        self.program = environment("dbt") / "bin" / "dbt"

    def clear(self) -> None:
        shutil.rmtree(self.project / "target", ignore_errors=True)

    def plan(self) -> dict[str, float]:
        return process([self.program, "--quiet", "parse", "--project-dir", self.project, "--profiles-dir", self.project,
                        "--log-path", self.project / "logs"], self.env)


class Sqlmesh:
    name = "sqlmesh plan"

    def __init__(self, folder: Path) -> None:
        self.project = folder / "sqlmesh"
        self.env = quiet_env(folder / "home")
        self.program = environment("sqlmesh") / "bin" / "sqlmesh"

    def clear(self) -> None:
        """Without its cache and its state; the tables that the models read are there."""
        shutil.rmtree(self.project / ".cache", ignore_errors=True)
        database = self.project / "bench.duckdb"
        database.unlink(missing_ok=True)
        code = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute(sys.argv[2])"
        process([self.program.parent / "python", "-c", code, database, LAKE_SQL + plan_projects.tables_sql()], self.env)

    def plan(self) -> dict[str, float]:
        return process([self.program, "--paths", self.project, "--log-file-dir", self.project / "logs", "plan",
                        "--no-prompts", "--explain"], self.env)


def edit(model: Path, number: int) -> None:
    """Another condition each time."""
    lines = model.read_text().splitlines()
    lines[-1] = f"WHERE price > {number}"
    model.write_text("\n".join(lines) + "\n")


def measure(folder: Path, count: int) -> None:
    plan_projects.write(folder, count, ("corrie", "dbt", "sqlmesh"))
    (folder / "home").mkdir()
    kinds: tuple[Callable[[Path], Corrie | Dbt | Sqlmesh], ...] = (Corrie, Dbt, Sqlmesh)
    systems = [kind(folder) for kind in kinds]
    seen: dict[tuple[str, str], list[dict[str, float]]] = {}
    for number in range(ROUNDS.get(count, 1)):
        for system in systems:
            system.clear()
            for phase in PHASES:
                if phase == PHASES[2]:
                    edit(system.project / "models" / "f0" / "m0.sql", number + 1)
                seen.setdefault((phase, system.name), []).append(system.plan())
    for phase in PHASES:
        question = f"plan of {count} models, {phase}"
        for system in systems:
            many = seen[phase, system.name]
            emit(question, system.name, [m["wall"] for m in many])
            emit(question, f"{system.name}, processor time", [m["cpu"] for m in many])
            emit_count(question, f"{system.name}, peak memory", round(max(m["memory"] for m in many) / 1e6), "MB")


def main() -> None:
    scratch = ROOT / "build" / "bench"
    scratch.mkdir(parents=True, exist_ok=True)
    for count in COUNTS:
        with tempfile.TemporaryDirectory(prefix="plan-", dir=scratch) as folder:
            measure(Path(folder), count)


if __name__ == "__main__":
    main()
