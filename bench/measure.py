"""What the bench scripts share: whole processes timed by the operating system's own accounts, sides interleaved."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CORRIE = ROOT / "build" / "bin" / "corrie"


def process(arguments: Sequence[str | Path], env: Mapping[str, str]) -> dict[str, float]:
    """Runs a process to its end, its output thrown away: seconds of wall clock and CPU, bytes of peak memory."""
    null = os.open(os.devnull, os.O_RDWR)
    words = [str(a) for a in arguments]
    start = time.perf_counter()
    pid = os.posix_spawn(words[0], words, dict(env),
                         file_actions=[(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)])
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    os.close(null)
    if status != 0:
        raise SystemExit(f"{' '.join(words)}: exit {os.waitstatus_to_exitcode(status)}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss * 1024.0}


def interleave(sides: Mapping[str, Callable[[], float]], rounds: int, warm: int = 2) -> dict[str, list[float]]:
    """Calls each side in turn, `rounds` times after `warm` rounds that do not count; returns each side's seconds."""
    seen: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + warm):
        for name, side in sides.items():
            seconds = side()
            if number >= warm:
                seen[name].append(seconds)
    return seen


def emit(question: str, side: str, seconds: Sequence[float], **more: Any) -> None:
    print(json.dumps({"question": question, "side": side, "n": len(seconds),
                      "median_ms": round(statistics.median(seconds) * 1e3, 3),
                      "min_ms": round(min(seconds) * 1e3, 3), "max_ms": round(max(seconds) * 1e3, 3), **more}))
    sys.stdout.flush()


def emit_count(question: str, side: str, count: float, unit: str) -> None:
    print(json.dumps({"question": question, "side": side, "count": count, "unit": unit}))
    sys.stdout.flush()
