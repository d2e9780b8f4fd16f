"""Appends of ten rows, the first to the last of many: in one process beside PyIceberg in one process, and as a process
of its own on the small table and on the large. CORRIE_BENCH_APPENDS sets how many (1 000)."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from measure import CORRIE, ROOT, emit, process
from table_data import pyiceberg

APPENDS = int(os.environ.get("CORRIE_BENCH_APPENDS", "1000")) // 40 * 40
FEW = min(APPENDS, 200)  # PyIceberg's grow with each: a thousand would take most of an hour
PROGRAM = ROOT / "build" / "release" / "bench" / "bench_append"
QUESTION = "append of ten rows"

PYICEBERG = """
import json, sys, time
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
folder, n = sys.argv[1], int(sys.argv[2])
catalog = SqlCatalog("bench", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
catalog.create_namespace("a")
def rows(at):
    ids = range(at * 10, at * 10 + 10)
    return pa.table({"id": list(ids), "name": [f"name {i}" for i in ids], "price": [i / 3 for i in ids]})
table = catalog.create_table("a.t", schema=rows(0).schema)
seconds = []
for at in range(n):
    given = rows(at)
    start = time.perf_counter()
    table.append(given)
    seconds.append(time.perf_counter() - start)
print(json.dumps(seconds))
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="corrie-bench-") as folder:
        env = {k: v for k, v in os.environ.items() if not k.startswith("CORRIE_")}
        env.update(CORRIE_LAKE=f"{folder}/lake", XDG_STATE_HOME=f"{folder}/state")
        sql = "INSERT INTO t SELECT i, 'name ' || i, i / 3 FROM range(10) v(i)"

        def processes(side: str) -> None:
            seconds = [process([CORRIE, "sql", sql], env)["wall"] for _ in range(7)]
            emit(f"{QUESTION}, whole process", side, seconds)

        process([CORRIE, "sql", "CREATE TABLE t (id BIGINT, name VARCHAR, price DOUBLE)"], env)
        processes("corrie sql, the first")
        env.update(CORRIE_LAKE=f"{folder}/long", CORRIE_DUCKDB=str(ROOT / ".deps" / "duckdb" / "lib" / "libduckdb.so"))
        print(subprocess.run([PROGRAM, f"{folder}/long", str(APPENDS)], env=env, check=True, capture_output=True,
                             text=True).stdout, end="")
        processes(f"corrie sql, after {APPENDS}")
        Path(folder, "iceberg").mkdir()
        python = pyiceberg(Path(folder, "python"))
        done = subprocess.run([python, "-c", PYICEBERG, f"{folder}/iceberg", str(FEW)], check=True,
                              capture_output=True, text=True)
        seconds = json.loads(done.stdout.splitlines()[-1])
        for last in (20, FEW // 2, FEW):
            emit(QUESTION, f"PyIceberg, in process, up to the {last}th", seconds[last - 20:last])


if __name__ == "__main__":
    main()
