"""How long the program takes as a whole process: beside `true`, with the shared objects it maps; and from its start to
its answer on lakes of several sizes and long histories (bench/fill.c makes them large)."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from measure import CORRIE, ROOT, emit, emit_count, interleave, process

FILL = ROOT / "build" / "release" / "bench" / "bench_fill"
SIZES = (10, 1_000, 100_000, 1_000_000)
COMMITS = 100_000


def mapped(arguments: list[str], env: dict[str, str]) -> int:
    """Shared objects that the loader maps for a command, itself not counted."""
    traced = subprocess.run([CORRIE, *arguments], env={**env, "LD_DEBUG": "files"}, capture_output=True, text=True)
    objects = {line.split("file=")[1].split(" ")[0] for line in traced.stderr.splitlines()
               if "generating link map" in line}
    return len({name for name in objects if not name.startswith("ld-linux") and "linux-vdso" not in name})


def to_end(arguments: list[str], env: dict[str, str]) -> float:
    return process([CORRIE, *arguments], env)["wall"]


def first_bytes(arguments: list[str], env: dict[str, str]) -> float:
    """Seconds until a command has written something; its reader then goes, as a pager does that is left."""
    start = time.perf_counter()
    with subprocess.Popen([CORRIE, *arguments], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as child:
        assert child.stdout
        seen = os.read(child.stdout.fileno(), 1)
        seconds = time.perf_counter() - start
        child.stdout.close()
    if not seen or child.returncode != 0:
        raise SystemExit(f"corrie {' '.join(arguments)}: exit {child.returncode}")
    return seconds


def small_lake(folder: str) -> Path:
    """Ten tables on main."""
    lake = Path(folder, "small")
    env = lake_env(folder, lake)
    for number in range(10):
        csv = Path(folder, f"t{number}.csv")
        csv.write_text(f"a,b\n{number},2\n")
        process([CORRIE, "import", csv, f"shop.t{number}"], env)
    return lake


def lake_env(folder: str, lake: Path) -> dict[str, str]:
    env = {**os.environ, "CORRIE_LAKE": str(lake), "XDG_STATE_HOME": f"{folder}/state"}
    env.pop("CORRIE_REF", None)
    return env


def sizes(folder: str) -> None:
    """The same ten tables among more and more others."""
    lakes: dict[int, dict[str, str]] = {}
    small = small_lake(folder)
    for size in SIZES:
        lake = Path(folder, str(size))
        shutil.copytree(small, lake)
        lakes[size] = lake_env(folder, lake)
        if size > 10:
            subprocess.run([FILL, lake / "catalog", "tables", str(size)], check=True)
        process([CORRIE, "branch", "create", "dev"], lakes[size])
        for number in range(10):
            more = Path(folder, f"more{number}.csv")
            more.write_text(f"a,b\n{number},3\n")
            process([CORRIE, "import", more, f"shop.t{number}", "--branch", "dev"], lakes[size])
    whole = (["table", "get", "shop.t1"], ["table", "ls", "--namespace", "shop"], ["namespace", "ls"], ["branch", "ls"],
             ["diff", "main", "dev"], ["show", "dev"], ["log"], ["status"])
    for arguments in whole:
        sides: dict[str, Callable[[], float]] = {f"{size} tables": partial(to_end, arguments, env)
                                                 for size, env in lakes.items()}
        for side, seconds in interleave(sides, rounds=20).items():
            emit(f"start to end: corrie {' '.join(arguments)}", side, seconds)
    for arguments in (["table", "ls"], ["table", "ls", "-o", "json"]):
        sides = {f"{size} tables": partial(first_bytes, arguments, env) for size, env in lakes.items()}
        for side, seconds in interleave(sides, rounds=20).items():
            emit(f"start to first row: corrie {' '.join(arguments)}", side, seconds)
        for size, env in lakes.items():
            run = process([CORRIE, *arguments], env)
            question = f"all rows: corrie {' '.join(arguments)}"
            emit(question, f"{size} tables", [run["wall"]])
            emit_count(question, f"{size} tables, memory", round(run["memory"] / 2**20, 1), "MiB")


def histories(folder: str) -> None:
    """Long histories of several shapes."""
    for shape in ("line", "merges", "lanes", "crosses"):
        lake = Path(folder, shape)
        env = lake_env(folder, lake)
        process([CORRIE, "branch", "create", "root", "--from-ref", "main"], env)
        subprocess.run([FILL, lake / "catalog", "commits", str(COMMITS), shape], check=True)
        process([CORRIE, "branch", "create", "tip"], env)
        process([CORRIE, "namespace", "create", "on_main"], env)
        for arguments in (["log"], ["log", "-n", "0"], ["log", "-n", "0", "-o", "json"], ["log", "-n", "0", "--graph"],
                          ["log", "-n", "0", "--table", "namespace:on_main"], ["log", "-n", "0", "--exclude", "tip"],
                          ["diff", "root", "main", "--merge-base"], ["diff", "tip", "main", "--merge-base"]):
            seconds = [process([CORRIE, *arguments], env) for _ in range(5)]
            question = f"{COMMITS} commits, {shape}"
            emit(question, f"corrie {' '.join(arguments)}", [s["wall"] for s in seconds])
            emit_count(question, f"corrie {' '.join(arguments)}, memory",
                       round(max(s["memory"] for s in seconds) / 2**20, 1), "MiB")
        shutil.rmtree(lake)


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
        histories(folder)
        sizes(folder)


if __name__ == "__main__":
    main()
