"""Import of many rows: Parquet, CSV and JSON lines, flat and into a year of days, beside DuckDB's COPY and fsync of the
same rows. CORRIE_BENCH_ROWS sets how many (10 000 000), CORRIE_BENCH_ROUNDS how often each side runs (3)."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import CORRIE, emit, emit_count, interleave, process
from table_data import DUCKDB, ROWS, select, write

ROUNDS = int(os.environ.get("CORRIE_BENCH_ROUNDS", "3"))
READERS = {"parquet": "read_parquet", "csv": "read_csv", "jsonl": "read_json"}


class Sides:
    """Commands in turn, and the most memory that a side took."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("CORRIE_")}
        self.env.update(CORRIE_LAKE=f"{folder}/lake", XDG_STATE_HOME=f"{folder}/state")
        self.memory: dict[str, float] = {}

    def corrie(self, side: str, *arguments: str | Path, before: list[list[str | Path]] | None = None,
               ) -> Callable[[], float]:
        """Into a new lake each time, what stands before it unmeasured."""
        def call() -> float:
            shutil.rmtree(self.folder / "lake", ignore_errors=True)
            for command in before or []:
                process([CORRIE, *command], self.env)
            return self.measured(side, [CORRIE, *arguments])
        return call

    def duckdb(self, side: str, statement: str, out: Path) -> Callable[[], float]:
        def call() -> float:
            shutil.rmtree(out, ignore_errors=True)
            out.unlink(missing_ok=True)
            return self.measured(side, [sys.executable, "-c", DUCKDB, ":memory:", statement, out])
        return call

    def measured(self, side: str, arguments: list[str | Path]) -> float:
        run = process(arguments, self.env)
        self.memory[side] = max(self.memory.get(side, 0.0), run["memory"])
        return run["wall"]

    def show(self, question: str, sides: dict[str, Callable[[], float]]) -> None:
        seen = interleave(sides, rounds=ROUNDS, warm=0)
        for side, seconds in seen.items():
            emit(question, side, seconds)
            emit_count(question, f"{side}, memory", round(self.memory[side] / 2**20, 1), "MiB")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="corrie-bench-") as made:
        folder = Path(made)
        sides = Sides(folder)
        whole = write(folder / "d.parquet", "FORMAT parquet, COMPRESSION zstd", select())
        given = {"parquet": whole}
        for kind, options in (("csv", "FORMAT csv, HEADER"), ("jsonl", "FORMAT json")):
            given[kind] = write(folder / f"d.{kind}", options, f"SELECT * FROM '{whole}'")
        out = folder / "out.parquet"
        for kind, path in given.items():
            copy = f"COPY (SELECT * FROM {READERS[kind]}('{path}')) TO '{out}' (FORMAT parquet, COMPRESSION zstd)"
            sides.memory.clear()
            sides.show(f"import of {ROWS} rows, {kind} of {path.stat().st_size >> 20} MiB", {
                "corrie": sides.corrie("corrie", "import", path, "public.t"),
                "corrie --memory 256MB": sides.corrie("corrie --memory 256MB", "import", path, "public.t",
                                                      "--memory", "256MB"),
                "DuckDB COPY and fsync": sides.duckdb("DuckDB COPY and fsync", copy, out),
            })
        days = folder / "days"
        copy = (f"COPY (SELECT *, ts::DATE AS day FROM '{whole}') TO '{days}' "
                "(FORMAT parquet, COMPRESSION zstd, PARTITION_BY (day))")
        create: list[list[str | Path]] = [["table", "create", "public.t", "--from", whole, "--partitioned-by",
                                           "day(ts)"]]
        sides.memory.clear()
        sides.show(f"import of {ROWS} rows into 365 days", {
            "corrie": sides.corrie("corrie", "import", whole, "public.t", before=create),
            "corrie --memory 256MB": sides.corrie("corrie --memory 256MB", "import", whole, "public.t", "--memory",
                                                  "256MB", before=create),
            "DuckDB COPY and fsync, order not kept": sides.duckdb("DuckDB COPY and fsync, order not kept", copy, days),
        })


if __name__ == "__main__":
    main()
