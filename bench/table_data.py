"""Rows for the benches of tables: events of a shop over a year, the same in every run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from measure import ROOT

ROWS = int(os.environ.get("CORRIE_BENCH_ROWS", "10000000"))
SELECT = """SELECT i AS id, (i * 7919) % 1000003 AS user_id, ['view', 'cart', 'purchase', 'remove'][1 + i % 4] AS kind,
    round((hash(i) % 100000) / 100.0, 2) AS price,
    TIMESTAMP '2025-01-01' + to_seconds((hash(i * 31) % (365 * 86400))::BIGINT) AS ts,
    'product-' || (hash(i) % 50000) AS name, (hash(i * 17) % 100)::INTEGER AS part
FROM range({first}, {last}) v(i)"""

# What DuckDB does beside corrie, as a process of its own; its arguments are statements, and files to wait for the disk.
DUCKDB = """
import os, sys
import duckdb
base = duckdb.connect(sys.argv[1])
base.execute("SET enable_progress_bar = false")
for statement in sys.argv[2:]:
    if os.path.exists(statement):
        names = [os.path.join(at, n) for at, _, ns in os.walk(statement) for n in ns] or [statement]
        for name in names:
            fd = os.open(name, os.O_RDONLY)
            os.fsync(fd)
            os.close(fd)
    else:
        base.execute(statement).fetchall()
base.close()
"""


def select(first: int = 0, last: int = ROWS) -> str:
    return SELECT.format(first=first, last=last)


def run(*arguments: str | Path) -> None:
    """DUCKDB as a process: what one has taken in memory the system counts as that of its children too."""
    subprocess.run([sys.executable, "-c", DUCKDB, *map(str, arguments)], check=True)


def write(path: Path, options: str, query: str) -> Path:
    run(":memory:", "SET memory_limit = '2GB'", f"COPY ({query}) TO '{path}' ({options})")
    return path


def pyiceberg(folder: Path) -> Path:
    """A Python that has PyIceberg with a catalog in SQLite."""
    uv = ROOT / ".deps" / "venv" / "bin" / "uv"
    subprocess.run([uv, "venv", "-q", "--python", "3.11", folder], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--compile-bytecode", "--python", folder / "bin" / "python",
                    "pyiceberg[sql-sqlite,pyarrow]==0.12.0"], check=True)
    return folder / "bin" / "python"
