"""What is read where few of a table's columns are asked for: 1 000 000 rows (or CORRIE_BENCH_ROWS) of 40 columns, an
SQL model that says SELECT * over them, and a Python function that reads the model: two columns of it, the two columns
of a tenth of the rows, or all. All three give the same kind of answer, the first and the last the same one.

Bytes are those that corrie says the run has read (`bytes_read`), and those that its processes read of the table's
Parquet files, as the system saw it (strace): the files' ends, which corrie does not count, and no more, may be between
them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from measure import CORRIE, ROOT, emit, emit_count, interleave, process
from table_data import write

ROWS = int(os.environ.get("CORRIE_BENCH_ROWS", "1000000"))
ROUNDS = int(os.environ.get("CORRIE_BENCH_ROUNDS", "5"))
INPUTS = {
    "two columns": "columns=['n0', 'x0']",
    "two columns, a tenth of the rows": f"columns=['n0', 'x0'], filter='id < {ROWS // 10}'",
    "all columns": "columns=['*']",
}
MODEL = """import corrie


@corrie.model(materialization_strategy='REPLACE', columns=['rows', 'total'])
@corrie.python('3.11')
def answer(data=corrie.Model('everything', {input})):
    import pyarrow as pa
    import pyarrow.compute as pc

    return pa.table({{'rows': [data.num_rows], 'total': [pc.sum(pc.multiply(data['n0'], data['x0']))]}})
"""
COLUMNS = 40
READ = re.compile(r"(?:pread64|read|readv|preadv)\(\d+<([^>]*)>.*= (\d+)$")


def columns() -> str:
    numbers = [f"(hash(i + {k}) % 1000)::BIGINT AS n{k}" for k in range(13)]
    floats = [f"(hash(i * {k + 3}) % 1000000)::DOUBLE AS x{k}" for k in range(13)]
    texts = [f"md5((i + {k})::VARCHAR) AS t{k}" for k in range(13)]
    return ", ".join(["i AS id", *numbers, *floats, *texts])


def write_project(folder: Path, which: str) -> Path:
    project = folder / f"project-{len(list(folder.glob('project-*')))}"
    project.mkdir()
    (project / "corrie.yaml").write_text("project: {id: 550e8400-e29b-41d4-a716-446655440003, name: wide}\n")
    (project / "everything.sql").write_text("SELECT * FROM wide\n")
    (project / "models.py").write_text(MODEL.format(input=INPUTS[which]))
    return project


def read_bytes(env: dict[str, str], project: Path) -> int | None:
    """Of Parquet files, by all threads of a run, each traced into a file of its own. None where there is no strace."""
    with tempfile.TemporaryDirectory() as found:
        try:
            subprocess.run(["strace", "-ff", "-qq", "-y", "-e", "trace=read,pread64,readv,preadv", "-o", f"{found}/of",
                            CORRIE, "run", "--project-dir", project], env=env, check=True, capture_output=True)
        except FileNotFoundError:
            return None
        total = 0
        for file in Path(found).iterdir():
            for match in filter(None, map(READ.search, file.read_text(errors="replace").splitlines())):
                total += int(match[2]) if match[1].endswith(".parquet") else 0
        return total


def told_bytes(env: dict[str, str], project: Path) -> tuple[int, int]:
    """How many columns a run reads of the table, and how many bytes, as it says."""
    text = subprocess.run([CORRIE, "run", "--project-dir", project, "-o", "json"], env=env, check=True,
                          capture_output=True, text=True).stdout
    done: dict[str, Any] = json.loads(text)
    [model] = [node for node in done["plan"]["nodes"] if node["name"] == "everything"]
    [node] = [node for node in done["nodes"] if node["name"] == "everything"]
    if node["bytes_read"] != model["inputs"][0]["bytes"]:
        raise SystemExit(f"planned {model['inputs'][0]['bytes']}, read {node['bytes_read']}")
    return len(model["inputs"][0]["columns"] or COLUMNS), node["bytes_read"]


def answer(env: dict[str, str]) -> str:
    return subprocess.run([CORRIE, "query", "SELECT * FROM answer", "-o", "csv"], env=env, check=True,
                          capture_output=True, text=True).stdout


def main() -> None:
    scratch = ROOT / "build" / "bench"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="demand-", dir=scratch) as name:
        folder = Path(name)
        env = {k: v for k, v in os.environ.items() if k != "CORRIE_REF"}
        env.update(CORRIE_LAKE=f"{folder}/lake", XDG_STATE_HOME=f"{folder}/state")
        source = write(folder / "wide.parquet", "FORMAT parquet, COMPRESSION zstd",
                       f"SELECT {columns()} FROM range({ROWS}) v(i)")
        process([CORRIE, "import", source, "wide"], env)
        projects = {which: write_project(folder, which) for which in INPUTS}
        answers = {}
        for which, project in projects.items():
            process([CORRIE, "run", "--project-dir", project], env)
            answers[which] = answer(env)
        if answers["two columns"] != answers["all columns"]:
            raise SystemExit(f"answers differ: {answers}")
        question = f"a run that needs two of 40 columns of {ROWS} rows"
        memory: dict[str, float] = {}
        cpu: dict[str, list[float]] = {}

        def side(which: str) -> float:
            seen = process([CORRIE, "run", "--project-dir", projects[which]], env)
            memory[which] = max(memory.get(which, 0.0), seen["memory"])
            cpu.setdefault(which, []).append(seen["cpu"])
            return seen["wall"]

        sides = {which: (lambda which=which: side(which)) for which in INPUTS}
        for which, many in interleave(sides, rounds=ROUNDS, warm=1).items():
            emit(question, f"it asks for {which}", many)
            emit(question, f"it asks for {which}: processor time", cpu[which][1:])
        for which, project in projects.items():
            count, told = told_bytes(env, project)
            emit_count(question, f"it asks for {which}: columns in the plan", count, "")
            emit_count(question, f"it asks for {which}: read, as corrie says", round(told / 1e6, 1), "MB")
            read = read_bytes(env, project)
            if read is not None and not told <= read <= told * 1.1 + 1e6:
                raise SystemExit(f"{which}: corrie says {told} bytes, the system saw {read}")
            if read is not None:
                emit_count(question, f"it asks for {which}: read of the files", round(read / 1e6, 1), "MB")
            emit_count(question, f"it asks for {which}: peak memory", round(memory[which] / 1e6), "MB")


if __name__ == "__main__":
    main()
