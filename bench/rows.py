"""Few rows of many: DELETE of 1 % of the rows, and in a table of many files UPDATE of one row, a lookup of one, and
compaction; beside DuckDB (native tables, or the same files) and PyIceberg, each as a whole process.

CORRIE_BENCH_ROWS sets the rows of the large table (10 000 000), CORRIE_BENCH_FILES the files of the other (1 000)."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import CORRIE, emit, emit_count, interleave, process
from table_data import DUCKDB, ROWS, pyiceberg, run, select, write

FILES = int(os.environ.get("CORRIE_BENCH_FILES", "1000"))
EACH = 1_000  # rows a file
ROUNDS = 5

# Arguments: the catalog's folder, what to do, the table, a Parquet file, a folder of them or a filter.
PYICEBERG = """
import os, sys
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
folder, verb, what, given = sys.argv[1:]
catalog = SqlCatalog("bench", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
if verb == "create":
    catalog.create_namespace_if_not_exists("a")
    files = [f"{given}/{name}" for name in sorted(os.listdir(given))] if os.path.isdir(given) else [given]
    table = catalog.create_table(f"a.{what}", schema=pq.read_schema(files[0]))
    if len(files) > 1:
        table.add_files(files)
    else:
        table.append(pq.read_table(given))
elif verb == "delete":
    catalog.load_table(f"a.{what}").delete(given)
else:
    assert len(catalog.load_table(f"a.{what}").scan(row_filter=given).to_arrow()) == 1
"""


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("CORRIE_")}
        self.env.update(CORRIE_LAKE=f"{folder}/lake", XDG_STATE_HOME=f"{folder}/state")
        self.python = pyiceberg(folder / "python")
        self.memory: dict[str, float] = {}
        self.round: dict[str, int] = {}

    def once(self, *arguments: str | Path) -> float:
        return process(list(arguments), self.env)["wall"]

    def side(self, name: str, command: Callable[[int], list[str | Path]]) -> Callable[[], float]:
        """A command that is another in each round: what is deleted stays deleted."""
        def call() -> float:
            number = self.round[name] = self.round.get(name, -1) + 1
            done = process(command(number), self.env)
            self.memory[name] = max(self.memory.get(name, 0.0), done["memory"])
            return done["wall"]
        return call

    def show(self, question: str, sides: dict[str, Callable[[int], list[str | Path]]], rounds: int = ROUNDS) -> None:
        self.memory.clear()
        self.round.clear()
        seen = interleave({name: self.side(name, command) for name, command in sides.items()}, rounds, warm=0)
        for name, seconds in seen.items():
            emit(question, name, seconds)
            emit_count(question, f"{name}, memory", round(self.memory[name] / 2**20, 1), "MiB")

    def pyiceberg(self, *arguments: str | Path) -> list[str | Path]:
        return [self.python, "-c", PYICEBERG, self.folder / "iceberg", *arguments]

    def duckdb(self, *arguments: str | Path) -> list[str | Path]:
        return [sys.executable, "-c", DUCKDB, *arguments]


def delete(bench: Bench) -> None:
    """`part` is spread over all files, so each is written anew; DuckDB marks rows in place."""
    whole = write(bench.folder / "whole.parquet", "FORMAT parquet, COMPRESSION zstd", select())
    base = bench.folder / "native.duckdb"
    bench.once(CORRIE, "import", whole, "public.large")
    run(base, f"CREATE TABLE large AS SELECT * FROM '{whole}'", "CHECKPOINT")
    bench.once(*bench.pyiceberg("create", "large", whole))
    bench.show(f"DELETE of 1 % of {ROWS} rows", {
        "corrie": lambda n: [CORRIE, "sql", f"DELETE FROM public.large WHERE part = {n}"],
        "DuckDB, its own table": lambda n: bench.duckdb(base, f"DELETE FROM large WHERE part = {n}", "CHECKPOINT"),
        "PyIceberg": lambda n: bench.pyiceberg("delete", "large", f"part = {n}"),
    }, rounds=3)
    base.unlink()
    whole.unlink()


def many(bench: Bench) -> None:
    files = bench.folder / "files"
    files.mkdir()
    ordered = f"SELECT * FROM ({select(0, FILES * EACH)}) ORDER BY id"
    whole = write(bench.folder / "many.parquet", "FORMAT parquet", ordered)
    run(":memory:", *(f"COPY (SELECT * FROM '{whole}' WHERE id >= {at * EACH} AND id < {(at + 1) * EACH}) "
                      f"TO '{files}/{at:05}.parquet' (FORMAT parquet, COMPRESSION zstd)" for at in range(FILES)))
    bench.once(CORRIE, "import", "--in-place", files, "public.many")
    bench.once(*bench.pyiceberg("create", "many", files))

    def wanted(number: int) -> int:
        return (number * 377 + 51) * 1009 % (FILES * EACH)

    bench.show(f"lookup of one row in {FILES} files", {
        "corrie": lambda n: [CORRIE, "query", f"SELECT * FROM public.many WHERE id = {wanted(n)}"],
        "DuckDB, the same files": lambda n: bench.duckdb(
            ":memory:", f"SELECT * FROM read_parquet('{files}/*.parquet') WHERE id = {wanted(n)}"),
        "PyIceberg": lambda n: bench.pyiceberg("scan", "many", f"id = {wanted(n)}"),
    }, rounds=9)
    bench.show(f"UPDATE of one row in {FILES} files", {
        "corrie": lambda n: [CORRIE, "sql", f"UPDATE public.many SET price = {n} WHERE id = {wanted(n)}"]})

    def copy_first(number: int) -> list[str | Path]:
        bench.once(CORRIE, "branch", "create", f"b{number}")
        return [CORRIE, "table", "compact", "public.many", "--branch", f"b{number}"]

    bench.show(f"compaction of {FILES} files", {
        "corrie table compact": copy_first,
        "DuckDB COPY and fsync, order kept": lambda n: bench.duckdb(
            ":memory:", f"COPY (SELECT * FROM read_parquet('{files}/*.parquet')) TO '{bench.folder}/one.parquet' "
            "(FORMAT parquet, COMPRESSION zstd)", f"{bench.folder}/one.parquet"),
    })


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="corrie-bench-") as made:
        bench = Bench(Path(made))
        (bench.folder / "iceberg").mkdir()
        many(bench)
        shutil.rmtree(bench.folder / "lake")
        delete(bench)


if __name__ == "__main__":
    main()
