"""TPC-H at scale factor 1 (or BENCH_TPCH_SF): loading, and the 22 queries, beside DuckDB on the same Parquet files.

Data by tpchgen-cli, the text of the queries by DuckDB's extension. "In process" is one open lake (bench/query.c) beside
one open connection over views of the very files that the lake holds, rows fetched as Arrow by both; "process" is
`corrie query` beside Python's shortest way to do the same with DuckDB, each from start to exit. Answers are compared
first.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
from measure import CORRIE, ROOT, emit, emit_count, interleave, process

BENCH = ROOT / ".deps" / "bench"
QUERY = ROOT / "build" / "release" / "bench" / "bench_query"
TABLES = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")
SCALE = os.environ.get("BENCH_TPCH_SF", "1")

QUERIES = """
import json, pathlib, duckdb
connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
[extension] = (pathlib.Path(duckdb.__file__).parents[1] / "duckdb_extension_tpch" / "extensions").glob("*/*")
connection.execute(f"LOAD '{extension}'")
print(json.dumps([q.rstrip().rstrip(";") for q, in connection.execute("SELECT query FROM tpch_queries()").fetchall()]))
"""


def apart(*arguments: str | Path) -> str:
    """Runs something of the packages that are kept apart."""
    env = {**os.environ, "PYTHONPATH": str(BENCH)}
    return subprocess.run([str(a) for a in arguments], env=env, check=True, capture_output=True, text=True).stdout


def cell(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) and math.isfinite(value) else str(value)


class Ours:
    """One open lake in a process that answers queries."""

    def __init__(self, lake: Path) -> None:
        env = {**os.environ, "CORRIE_DUCKDB": str(ROOT / ".deps/duckdb/lib/libduckdb.so")}
        self.process = subprocess.Popen([QUERY, lake, "tpch"], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def seconds(self, sql: str) -> float:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(" ".join(sql.split()) + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline().split()[0]) / 1e3

    def memory(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return float(status.split("VmHWM:")[1].split()[0]) * 1024


def load(folder: Path, env: dict[str, str]) -> None:
    """Each table once by corrie and once by DuckDB's COPY with a flush."""
    for table in TABLES:
        question = f"TPC-H: import of {table} from Parquet"
        source = folder / "source" / f"{table}.parquet"
        copy = folder / "copy.parquet"
        code = (f"import duckdb, os; c = duckdb.connect();"
                f" c.execute(\"COPY (FROM '{source}') TO '{copy}' (FORMAT parquet, COMPRESSION zstd)\");"
                f" os.fsync(os.open('{copy}', 0))")
        sides = {"corrie": ([CORRIE, "import", source, f"tpch.{table}"], env),
                 "DuckDB COPY, fsync": ([sys.executable, "-c", code], dict(os.environ))}
        for side, (command, environment) in sides.items():
            seen = process(command, environment)
            emit(question, side, [seen["wall"]])
            emit_count(question, f"{side}, peak memory", round(seen["memory"] / 1e6), "MB")
        copy.unlink()


def files_of(lake: Path, table: str) -> list[str]:
    return sorted(str(path) for path in lake.glob(f"data/tpch/{table}-*/data/*.parquet"))


def main() -> None:
    folder = ROOT / "build" / "bench" / "tpch"
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "source"
    source.mkdir(parents=True)
    apart(BENCH / "bin" / "tpchgen-cli", "parquet", "-s", SCALE, f"--output-dir={source}")
    queries: list[str] = json.loads(apart(sys.executable, "-c", QUERIES))
    lake = folder / "lake"
    env = {**os.environ, "CORRIE_LAKE": str(lake), "XDG_STATE_HOME": str(folder / "state")}
    load(folder, env)

    connection = duckdb.connect()
    for table in TABLES:
        connection.execute(f"CREATE VIEW {table} AS FROM read_parquet({files_of(lake, table)})")
    ours = Ours(lake)

    def theirs(sql: str) -> float:
        start = time.perf_counter()
        for _ in connection.execute(sql).to_arrow_reader():
            pass
        return time.perf_counter() - start

    total = {"corrie": 0.0, "DuckDB": 0.0}
    scratch = folder / "answer.parquet"
    for number, sql in enumerate(queries, 1):
        subprocess.run([CORRIE, "query", "-n", "tpch", sql, "-o", "parquet", "--to", scratch], env=env, check=True,
                       capture_output=True)
        mine = [[cell(v) for v in row] for row in duckdb.connect().execute(f"FROM '{scratch}'").fetchall()]
        wanted = [[cell(v) for v in row] for row in connection.execute(sql).fetchall()]
        if sorted(map(str, mine)) != sorted(map(str, wanted)):
            raise SystemExit(f"TPC-H query {number}: corrie and DuckDB differ")
        seen = interleave({"corrie": lambda s=sql: ours.seconds(s), "DuckDB": lambda s=sql: theirs(s)}, 5, 1)
        for side, seconds in seen.items():
            emit(f"TPC-H query {number:02}, in process", side, seconds)
            total[side] += sorted(seconds)[2]
    for side, seconds in total.items():
        emit("TPC-H, all 22 queries, in process (medians added)", side, [seconds])
    emit_count("TPC-H: peak memory of all queries in one process", "corrie", round(ours.memory() / 1e6), "MB")

    for number in (1, 6, 18):
        sql = queries[number - 1]
        views = "; ".join(f"c.execute(\"CREATE VIEW {t} AS FROM read_parquet({files_of(lake, t)})\")" for t in TABLES)
        code = f"import duckdb; c = duckdb.connect(); {views}; print(c.execute({sql!r}).fetchall()[:1])"
        emit_both(number, sql, code, env)


def emit_both(number: int, sql: str, code: str, env: dict[str, str]) -> None:
    seen = interleave({
        "corrie query": lambda: process([CORRIE, "query", "-n", "tpch", sql], env)["wall"],
        "python, duckdb": lambda: process([sys.executable, "-c", code], dict(os.environ))["wall"],
    }, 5, 1)
    for side, seconds in seen.items():
        emit(f"TPC-H query {number:02}, whole process", side, seconds)


if __name__ == "__main__":
    main()
