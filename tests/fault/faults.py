"""Runs programs under faults, kills and power cuts (README.md here has the language and what is promised).

    from faults import Faults

    faults = Faults(lake, program="corrie")
    total = faults.count(["corrie", "run"], cwd=project)
    for at in faults.points(total, 20):
        restore(lake)
        ended = faults.run(["corrie", "run"], f"op=any,at={at},cut", cwd=project)
        check(lake, told=ended.stdout)

Only the standard library. `root` must be the real path of a directory: no symbolic links.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def built_library() -> Path:
    """Where the build has put the preload library."""
    named = os.environ.get("CORRIE_FAULT_LIBRARY")
    if named:
        return Path(named)
    build = os.environ.get("CORRIE_BUILD_ROOT") or Path(__file__).resolve().parents[2] / "build" / "release"
    return Path(build) / "tests" / "fault" / "libcorrie_fault.so"


class Faults:
    """What happens to the files under `root` when programs run by `run`."""

    def __init__(self, root: Path, program: str = "", library: Path | None = None) -> None:
        """`program` is the base name of the only program meant ("" = all that are started, children too)."""
        self.root = root.resolve()
        self.library = (library or built_library()).resolve()
        self.program = program
        if not self.library.exists():
            raise FileNotFoundError(f"{self.library}: build it, or set CORRIE_FAULT_LIBRARY")

    def environment(self, spec: str, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment for a program that runs under `spec` ("op=any,at=3,errno=EIO")."""
        env = dict(os.environ if base is None else base)
        only = f",program={self.program}" if self.program else ""
        env["CORRIE_FAULT"] = f"root={self.root}{only},{spec}"
        env["LD_PRELOAD"] = str(self.library)
        # a sanitized program wants its runtime first in the list; ours calls nothing that it replaces
        env["ASAN_OPTIONS"] = f"{env.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0".lstrip(":")
        return env

    def run(
        self,
        argv: Sequence[str | Path],
        spec: str,
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Runs to the end; a power cut or kill shows as `returncode == -signal.SIGKILL`."""
        ended = subprocess.run(
            [str(word) for word in argv],
            cwd=cwd,
            env=self.environment(spec, env),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
        if ended.returncode == 125:
            raise RuntimeError(f"the fault library gave up: {ended.stderr}")
        return ended

    def count(
        self,
        argv: Sequence[str | Path],
        *,
        op: str = "any",
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> int:
        """How many operations the program makes when nothing fails. It must succeed, and it does its work."""
        with tempfile.TemporaryDirectory() as scratch:
            out = Path(scratch).resolve() / "count"
            ended = self.run(argv, f"op={op},count,out={out}", cwd=cwd, env=env, timeout=timeout)
            if ended.returncode != 0:
                raise RuntimeError(f"{argv} failed without faults: {ended.stderr}")
            found = re.findall(r"^corrie-fault: (\d+) operations$", out.read_text(), re.MULTILINE)
        # children that were not meant, or made no operation, report too
        return max(int(number) for number in found)

    @staticmethod
    def points(total: int, wanted: int) -> list[int]:
        """At most `wanted` numbers of 1 … total: the first, the last and an even spread between them."""
        if total <= wanted:
            return list(range(1, total + 1))
        if wanted < 2:
            return [total][:wanted]
        return sorted({1 + round(i * (total - 1) / (wanted - 1)) for i in range(wanted)})

    def clean(self) -> None:
        """Removes what a program that was killed while it kept undo information has left beside the root."""
        for left in self.root.parent.glob(f"{self.root.name}.fault-*"):
            shutil.rmtree(left)


def was_cut(ended: subprocess.CompletedProcess[str]) -> bool:
    """Whether the fault (kill or power cut) ended it, not the program itself."""
    return ended.returncode == -signal.SIGKILL
