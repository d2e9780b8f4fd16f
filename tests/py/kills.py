"""Lakes that are put back, grow old and see programs killed: what tests of kill -9, power cuts and gc share."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from conftest import BIN, TIMEOUT, Lake
from faults import Faults

TORTURE = os.environ.get("CORRIE_TORTURE") == "1"
SANITIZED = bool(os.environ.get("CORRIE_SANITIZED"))


def sample(total: int, wanted: int, most: int = 1000) -> list[int]:
    """`wanted` numbers of 1 … total, fewer where the program is slow; under torture all, at most `most`."""
    return Faults.points(total, most if TORTURE else max(2, wanted // 4) if SANITIZED else wanted)


def csv(path: Path, rows: list[list[str]]) -> Path:
    path.write_text("n,s\n" + "".join(",".join(row) + "\n" for row in rows))
    return path


@contextlib.contextmanager
def catalog(lake: Lake) -> Iterator[sqlite3.Connection]:
    """The catalog's file, opened by somebody who means it no good."""
    connection = sqlite3.connect(lake.root / "catalog" / "catalog.db", isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def age(lake: Lake) -> None:
    """A day goes by, for all that is there now."""
    then = time.time() - 100_000
    for path in (*lake.root.rglob("*"), lake.root):
        if "catalog" not in path.parts:
            os.utime(path, (then, then), follow_symlinks=False)
    with catalog(lake) as db:
        db.execute("UPDATE objects SET stamp = stamp - 100000")
        db.execute("UPDATE reflog SET time = time - 100000 * 1000000000")


def files(lake: Lake) -> set[str]:
    return {str(p.relative_to(lake.root)) for p in (lake.root / "data").rglob("*") if p.is_file()}


def put_back(lake: Lake, kept: Path) -> None:
    shutil.rmtree(lake.root, ignore_errors=True)
    shutil.copytree(kept, lake.root)


def measured(act: Callable[[], Any]) -> float:
    begin = time.monotonic()
    act()
    return time.monotonic() - begin


def kill_after(lake: Lake, seconds: float, whole_group: bool, *words: str | Path, cwd: Path | None = None,
               lines: int = 0) -> int:
    """Starts the program and kills it, with its group or alone, so long after so many lines of its output. Its exit
    status: 0 if it was quicker."""
    started = subprocess.Popen([BIN / "corrie", *map(str, words)], cwd=cwd or lake.home, env=lake.env,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if lines else subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    for _ in range(lines):
        assert started.stdout and started.stdout.readline()
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):
        if whole_group:
            os.killpg(started.pid, signal.SIGKILL)
        else:
            started.kill()
    if started.stdout:
        started.stdout.close()
    return started.wait(TIMEOUT)
