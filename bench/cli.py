"""How long the program takes as a whole process, beside `true`; and how many shared objects it maps."""

from __future__ import annotations

import itertools
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import CORRIE, emit, emit_count, interleave, process


def mapped(arguments: list[str], env: dict[str, str]) -> int:
    """Shared objects that the loader maps for a command, itself not counted."""
    traced = subprocess.run([CORRIE, *arguments], env={**env, "LD_DEBUG": "files"}, capture_output=True, text=True)
    objects = {line.split("file=")[1].split(" ")[0] for line in traced.stderr.splitlines()
               if "generating link map" in line}
    return len({name for name in objects if not name.startswith("ld-linux") and "linux-vdso" not in name})


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="corrie-bench-") as folder:
        env = {**os.environ, "CORRIE_LAKE": f"{folder}/lake", "XDG_STATE_HOME": f"{folder}/state"}
        env.pop("CORRIE_REF", None)
        csv = Path(folder, "t.csv")
        csv.write_text("a,b\n1,2\n")
        process([CORRIE, "import", csv, "public.t"], env)
        number = itertools.count()

        def command(*arguments: str) -> Callable[[], float]:
            return lambda: process([CORRIE, *arguments], env)["wall"]

        sides: dict[str, Callable[[], float]] = {
            "true": lambda: process(["/bin/true"], env)["wall"],
            "corrie version": command("version"),
            "corrie branch ls": command("branch", "ls"),
            "corrie table get": command("table", "get", "public.t"),
            "corrie branch create": lambda: process([CORRIE, "branch", "create", f"b{next(number)}"], env)["wall"],
        }
        for side, seconds in interleave(sides, rounds=100, warm=10).items():
            emit("whole process", side, seconds)
        for words in (["version"], ["branch", "ls"], ["table", "get", "public.t"], ["branch", "create", "counted"]):
            emit_count("shared objects mapped", "corrie " + " ".join(words[:2]), mapped(words, env), "objects")


if __name__ == "__main__":
    main()
