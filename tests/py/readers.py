"""What other readers of Iceberg see of a lake must be what corrie answers: PyIceberg and DuckDB's extension.

Every test that has a lake ends with this look at each table that is at the head of one of its branches (conftest.py),
so that whatever any test writes has been read by somebody else.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyiceberg.table import StaticTable

if TYPE_CHECKING:
    from conftest import Lake

ROOT = Path(__file__).resolve().parents[2]
MOST_ROWS = 20_000  # cells are compared up to here, beyond it the number of rows
MOST_TABLES = 6  # of one lake


def plain(value: Any) -> Any:
    """A cell in a form that is equal and ordered the same whoever gave it."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, list):
        if all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
            return [(plain(k), plain(v)) for k, v in value]
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if hasattr(value, "bytes") and hasattr(value, "hex"):  # uuid.UUID
        return value.bytes
    if getattr(value, "tzinfo", None) is not None and hasattr(value, "timestamp"):
        return value.replace(tzinfo=None) - value.utcoffset()
    return value


def rows(table: pa.Table) -> list[str]:
    """The rows as texts, sorted: no reader promises another's order."""
    columns = [[plain(cell) for cell in column.to_pylist()] for column in table.columns]
    return sorted(repr(row) for row in zip(*columns, strict=True))


class DuckdbReader:
    """DuckDB's extension in a process that is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def read(self, metadata: str) -> pa.Table:
        if self.process is None:
            env = {**os.environ, "PYTHONPATH": str(ROOT / ".deps/readers")}
            self.process = subprocess.Popen([sys.executable, ROOT / "tests/py/duckdb_reader.py", self.folder], env=env,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(metadata + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, f"DuckDB cannot read {metadata}: {answer['error']}"
        with pa.OSFile(answer["file"]) as source:
            table = pa.ipc.open_file(source).read_all()
        Path(answer["file"]).unlink()
        return table

    def close(self) -> None:
        if self.process is not None and self.process.stdin:
            self.process.stdin.close()
            self.process.wait(timeout=60)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def ours(lake: Lake, branch: str, namespace: str, name: str, file: Path) -> pa.Table:
    lake.run("query", f"SELECT * FROM {quoted(namespace)}.{quoted(name)}", "--ref", branch, "-o", "arrow", "--to", file)
    with pa.OSFile(str(file)) as source:
        table = pa.ipc.open_stream(source).read_all()
    file.unlink()
    return table


class Readers:
    """The others, and what they have agreed to already."""

    def __init__(self, folder: Path) -> None:
        self.duckdb = DuckdbReader(folder)
        self.seen: set[str] = set()

    def agree(self, lake: Lake) -> int:
        """Compares every table at the head of a branch; returns how many were compared."""
        compared = 0
        for branch in lake.json("branch", "ls")["refs"]:
            for table in lake.json("table", "ls", "--ref", branch["name"])["tables"]:
                location = table["metadata_location"]
                if location in self.seen or compared == MOST_TABLES:
                    continue
                self.seen.add(location)
                self.compare(lake, branch["name"], table, location.removeprefix("file://"))
                compared += 1
        return compared

    def close(self) -> None:
        self.duckdb.close()

    def compare(self, lake: Lake, branch: str, table: dict[str, Any], metadata: str) -> None:
        what = f"{table['namespace']}.{table['name']} ({metadata})"
        pyiceberg = StaticTable.from_metadata(metadata)
        if pyiceberg.current_snapshot() is None:
            return  # DuckDB's extension wants a snapshot
        mine = ours(lake, branch, table["namespace"], table["name"], self.duckdb.folder / "ours.arrow")
        assert mine.column_names == [f.name for f in pyiceberg.schema().fields], what
        if mine.num_rows > MOST_ROWS:
            assert pyiceberg.scan().count() == mine.num_rows, what
            return
        expected = rows(mine)
        assert rows(pyiceberg.scan().to_arrow()) == expected, f"PyIceberg reads something else from {what}"
        assert rows(self.duckdb.read(metadata)) == expected, f"DuckDB reads something else from {what}"
