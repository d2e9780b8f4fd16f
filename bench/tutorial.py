"""The example pipeline, first run and again, phase by phase, beside plain Python doing the same.

Plain Python is one process with the same interpreter and package versions that reads the same Parquet files with
polars, does the three steps and writes one Parquet file: no isolation, no checks, no versions.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import CORRIE, ROOT, emit, interleave, process

PLAIN = """
import sys
import polars as pl
events, users, out = sys.argv[1:]
sold = (pl.read_parquet(events, columns=['event_time', 'event_type', 'category_code', 'brand', 'price', 'user_id'])
        .filter((pl.col('event_type') == 'purchase') & (pl.col('price') > 0)).drop('event_type')
        .with_columns(pl.col('category_code').fill_null('other'), pl.col('brand').fill_null('no name')))
joined = sold.join(pl.read_parquet(users, columns=['user_id', 'customer_segment']), on='user_id').drop('user_id')
days = (joined.with_columns(day=pl.col('event_time').str.head(10).str.to_date())
        .group_by('day', 'customer_segment')
        .agg(purchases=pl.len().cast(pl.Int64), revenue=pl.col('price').sum().round(2),
             average=pl.col('price').mean().round(2))
        .sort('day', 'customer_segment'))
days.write_parquet(out)
"""


def corrie(env: dict[str, str], *arguments: str | Path) -> str:
    return subprocess.run([CORRIE, *map(str, arguments)], env=env, check=True, capture_output=True, text=True).stdout


def run_phases(env: dict[str, str], project: Path) -> dict[str, float]:
    """One run with its events: seconds by phase."""
    start = time.time()
    lines = corrie(env, "run", "--project-dir", project, "--events").splitlines()
    total = time.time() - start
    events: list[dict[str, Any]] = [json.loads(line) for line in lines if line.startswith("{")]
    phases = {"whole": total}
    for event in events:
        if event["kind"] == "plan":
            phases["plan"] = event["seconds"]
        if event["kind"] == "done":
            phases[event["node"]] = event["seconds"]
    phases["rest (start, scans, write, publish)"] = total - sum(v for k, v in phases.items() if k != "whole")
    return phases


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="corrie-bench-") as folder:
        env = {k: v for k, v in os.environ.items() if k != "CORRIE_REF"}
        env.update(CORRIE_LAKE=f"{folder}/lake", XDG_STATE_HOME=f"{folder}/state")
        project = ROOT / "examples" / "ecommerce"
        for name in ("events", "users"):
            query = project / f"data/{name}.sql"
            corrie(env, "query", "-f", query, "-o", "parquet", "--to", f"{folder}/{name}.parquet")
        corrie(env, "import", f"{folder}/events.parquet", "shop.ecommerce_sessions")
        corrie(env, "import", f"{folder}/users.parquet", "shop.ecommerce_users")

        first = run_phases({**env, "XDG_CACHE_HOME": f"{folder}/cache"}, project)
        for phase, seconds in first.items():
            emit("example, first run (environment made, packages in uv's cache or not)", phase, [seconds])
        run_phases(env, project)
        again: dict[str, list[float]] = {}
        for _ in range(9):
            for phase, seconds in run_phases(env, project).items():
                again.setdefault(phase, []).append(seconds)
        for phase, many in again.items():
            emit("example, again", phase, many)

        script = Path(folder, "plain.py")
        script.write_text(PLAIN)
        uv = ROOT / ".deps" / "venv" / "bin" / "uv"
        subprocess.run([uv, "venv", "-q", "--python", "3.11", f"{folder}/plain"], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--compile-bytecode", "--python", f"{folder}/plain/bin/python",
                        "polars==1.15.0"], check=True)
        files = [Path(folder, name) for name in ("events.parquet", "users.parquet", "out.parquet")]
        plain: list[str | Path] = [f"{folder}/plain/bin/python", script, *files]
        sides = {
            "corrie run": lambda: process([CORRIE, "run", "--project-dir", project], env)["wall"],
            "plain Python": lambda: process(plain, env)["wall"],
        }
        for side, many in interleave(sides, rounds=9).items():
            emit("example beside plain Python, whole process", side, many)


if __name__ == "__main__":
    main()
