"""What a test waits for: that a program has come to some point, never that some time has gone by.

A length of time says nothing of a machine that has other things to do. TIMEOUT is only where a test gives up: nothing
that is right takes as long.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

TIMEOUT = 600 if os.environ.get("CORRIE_SANITIZED") else 180
Found = TypeVar("Found")


def until(there: Callable[[], Found], child: subprocess.Popen[str] | None = None) -> Found:
    """Goes on when something is there, and gives it; `child` must live so long."""
    deadline = time.monotonic() + TIMEOUT
    while not (found := there()):
        assert child is None or child.poll() is None, child.communicate()
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.01)
    return found


def of_process(child: subprocess.Popen[Any], field: str) -> str:
    """A field of /proc/PID/status. That of a child is there until it has been waited for."""
    lines = Path(f"/proc/{child.pid}/status").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith(f"{field}:")), "")


def listens(child: subprocess.Popen[Any], number: int = signal.SIGINT) -> bool:
    """Whether a program has begun to catch a signal: until then it ends by it, as any other does."""
    return bool(int(of_process(child, "SigCgt") or "0", 16) & 1 << (number - 1))


def worked(child: subprocess.Popen[Any]) -> float:
    """Seconds of processors' time that a child has taken."""
    fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stops(child: subprocess.Popen[Any]) -> bool:
    """Stops a child as Ctrl-Z does: after it none of its threads does anything. False: it had ended before."""
    child.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    return child.poll() is None


def wait_for_end(pid: int) -> None:
    """Goes on when a process that is no child of this one has ended."""
    with contextlib.suppress(ProcessLookupError):
        fd = os.pidfd_open(pid)
        try:
            assert select.select([fd], [], [], TIMEOUT)[0], f"process {pid} does not end"
        finally:
            os.close(fd)
