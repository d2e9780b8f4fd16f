"""What a function costs beside the work that it does: a run of 200 small ones (or CORRIE_BENCH_FUNCTIONS), in Python
and in SQL.

Eight chains beside each other, then one that reads their ends and is published; each function adds one to a column of
ten rows. The bare cost of as many: a fresh interpreter of the function's own environment that imports pyarrow and does
the same to the same table, one after the other and two at a time; the same SELECTs as temporary tables in one DuckDB.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from measure import CORRIE, ROOT, emit, emit_count, interleave, process

COUNT = int(os.environ.get("CORRIE_BENCH_FUNCTIONS", "200"))
ROUNDS = int(os.environ.get("CORRIE_BENCH_ROUNDS", "3"))
CHAINS = 8
BARE = """
import pyarrow, pyarrow.compute
table = pyarrow.table({'n': range(10)})
table = table.set_column(0, 'n', pyarrow.compute.add(table['n'], 1))
"""
SYSTEM_CALLS = ("fsync", "fdatasync", "clone", "clone3", "vfork", "execve", "openat", "rename", "renameat2")


def chain_of(i: int) -> str:
    """What model i reads."""
    return "numbers" if i < CHAINS else f"m{i - CHAINS}"


def ends() -> list[str]:
    return [f"m{i}" for i in range(COUNT - 1 - CHAINS, COUNT - 1)]


def write_project(folder: Path, language: str) -> Path:
    project = folder / language
    project.mkdir()
    (project / "corrie.yaml").write_text(
        "project: {id: 550e8400-e29b-41d4-a716-446655440001, name: small}\n"
        "defaults: {python: {version: '3.11'}}\n")
    last = " UNION ALL ".join(f"SELECT n FROM {name}" for name in ends())
    sql = f"-- corrie: materialization_strategy=REPLACE\n{last}\n"
    (project / f"m{COUNT - 1}.sql").write_text(sql)
    text = "import corrie\nimport pyarrow.compute\n"
    for i in range(COUNT - 1):
        if language == "sql":
            (project / f"m{i}.sql").write_text(f"SELECT n + 1 AS n FROM {chain_of(i)}\n")
        text += (f"\n\n@corrie.model()\ndef m{i}(data=corrie.Model({chain_of(i)!r})):\n"
                 "    return data.set_column(0, 'n', pyarrow.compute.add(data['n'], 1))\n")
    if language == "python":
        (project / "models.py").write_text(text)
    return project


def duckdb_chain() -> dict[str, float]:
    """The same statements, each a temporary table, in one connection."""
    start, cpu = time.perf_counter(), time.process_time()
    with duckdb.connect() as connection:
        connection.execute("CREATE TEMP TABLE numbers AS SELECT range AS n FROM range(10)")
        for i in range(COUNT - 1):
            connection.execute(f"CREATE TEMP TABLE m{i} AS SELECT n + 1 AS n FROM {chain_of(i)}")
        last = " UNION ALL ".join(f"SELECT n FROM {name}" for name in ends())
        rows = connection.execute(last).fetchall()
    if len(rows) != 10 * CHAINS:
        raise SystemExit(f"DuckDB gave {len(rows)} rows")
    return {"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu}


def bare_python(python: Path, at_once: int) -> dict[str, float]:
    def one(_: int) -> float:
        return process([python, "-I", "-c", BARE], dict(os.environ))["cpu"]

    start = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        cpu = sum(pool.map(one, range(COUNT)))
    return {"wall": time.perf_counter() - start, "cpu": cpu}


def check(env: dict[str, str]) -> None:
    """The ends of the chains: each value a step of its chain more."""
    found = subprocess.run([CORRIE, "query", f"SELECT count(*) AS c, min(n) AS low, max(n) AS high FROM m{COUNT - 1}",
                            "-o", "json"], env=env, check=True, capture_output=True, text=True).stdout
    document: dict[str, Any] = json.loads(found)
    [row] = document["rows"]
    steps = [len(chain_to(name)) for name in ends()]
    if list(row.values()) != [10 * CHAINS, min(steps), 9 + max(steps)]:
        raise SystemExit(f"unexpected rows: {row}")


def chain_to(name: str) -> list[str]:
    seen = []
    while name != "numbers":
        seen.append(name)
        name = chain_of(int(name[1:]))
    return seen


def traced(env: dict[str, str], project: Path) -> dict[str, int]:
    """System calls of a run by name, its functions included; nothing where there is no strace."""
    with tempfile.NamedTemporaryFile("r") as found:
        try:
            subprocess.run(["strace", "-f", "-c", "-U", "name,calls", "-o", found.name, CORRIE, "run", "--project-dir",
                            project], env=env, check=True, capture_output=True)
        except FileNotFoundError:
            return {}
        words = [line.split() for line in found.read().splitlines()]
    return {w[0]: int(w[1]) for w in words if len(w) == 2 and w[1].isdigit()}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="small-", dir=ROOT / "build" / "bench") as name:
        folder = Path(name)
        env = {k: v for k, v in os.environ.items() if k != "CORRIE_REF"}
        env.update(CORRIE_LAKE=f"{folder}/lake", XDG_STATE_HOME=f"{folder}/state", XDG_CACHE_HOME=f"{folder}/cache")
        rows = folder / "numbers.csv"
        rows.write_text("n\n" + "".join(f"{n}\n" for n in range(10)))
        process([CORRIE, "import", rows, "numbers"], env)
        projects = {language: write_project(folder, language) for language in ("python", "sql")}
        for project in projects.values():
            process([CORRIE, "run", "--project-dir", project], env)
            check(env)
        interpreters = sorted((folder / "cache").glob("corrie/python/envs/*/bin/python"))
        if not interpreters:
            raise SystemExit("no environment was made")
        python = interpreters[0]

        def run(language: str) -> dict[str, float]:
            return process([CORRIE, "run", "--project-dir", projects[language]], env)

        sides: dict[str, Callable[[], dict[str, float]]] = {
            "Python: corrie run": lambda: run("python"),
            "Python: bare, one at a time": lambda: bare_python(python, 1),
            "Python: bare, two at a time": lambda: bare_python(python, 2),
            "SQL: corrie run": lambda: run("sql"),
            "SQL: one DuckDB": duckdb_chain,
        }
        cpu: dict[str, list[float]] = {name: [] for name in sides}

        def wall(name: str) -> float:
            seen = sides[name]()
            cpu[name].append(seen["cpu"])
            return seen["wall"]

        for side, many in interleave({n: partial(wall, n) for n in sides}, rounds=ROUNDS, warm=1).items():
            emit(f"{COUNT} small functions, each", side, [m / COUNT for m in many])
            emit(f"{COUNT} small functions, each", f"{side}, processor time", [m / COUNT for m in cpu[side][1:]])
        for language, project in projects.items():
            calls = traced(env, project)
            for call in SYSTEM_CALLS:
                if call in calls:
                    emit_count(f"{COUNT} small functions, system calls", f"{language}: {call}", calls[call], "")


if __name__ == "__main__":
    main()
