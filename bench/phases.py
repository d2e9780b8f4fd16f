"""Runs of the examples phase by phase: the tutorial's pipeline, AdventureWorks in Python, and the same in SQL.

Phases are told apart by the run's events and by the messages between corrie and the functions' processes
(docs/formats/protocol.md), both seen from outside by strace, which stops at no other system call: the same run without
it stands beside. Where functions run beside each other their phases add up to more than the run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from measure import CORRIE, ROOT, emit, process

ROUNDS = int(os.environ.get("CORRIE_BENCH_ROUNDS", "7"))
LINE = re.compile(r"^(\d+) +(\d+\.\d+) (\w+)\((.*)$")
# Phases of a call, in its order.
FUNCTION = {"start": "Python started, harness ready", "import": "imports: pyarrow, the model's module",
            "call": "the function itself, with its own imports", "output": "result handed over", "end": "process gone"}
TRACED = "execve,sendto,sendmsg,write,exit_group"
EXAMPLES = ROOT / "examples"


class Moments(dict[str, float]):
    """When what was first seen, in seconds."""

    def mark(self, name: str, time: float) -> None:
        self.setdefault(name, time)


class Trace(NamedTuple):
    events: list[dict[str, Any]]
    processes: list[Moments]  # of functions
    begin: float
    end: float


def trace(env: dict[str, str], arguments: list[str | Path]) -> Trace:
    """A run that is looked at."""
    with tempfile.NamedTemporaryFile("r") as found:
        done = subprocess.run(["strace", "-f", "--seccomp-bpf", "-qq", "-ttt", "-s", "64", "-e", f"trace={TRACED}",
                               "-e", "signal=none", "-o", found.name, CORRIE, "run", *map(str, arguments), "--events"],
                              env=env, check=True, capture_output=True, text=True)
        lines = [match.groups() for match in map(LINE.match, found) if match]
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    processes: dict[int, Moments] = {}
    begin, end = float(lines[0][1]), float(lines[-1][1])
    for number, moment, call, rest in lines:
        pid, time = int(number), float(moment)
        if call == "execve" and '"utf8", "-c"' in rest:
            processes[pid] = Moments(start=time)
        elif pid in processes and call in ("sendto", "sendmsg"):
            message = re.search(r'\{\\"m\\": ?\\"(\w+)\\"(?:, ?\\"name\\": ?\\"(\w+)\\")?', rest)
            if message:
                processes[pid].mark(message[2] or message[1], time)
        elif pid in processes and call == "exit_group":
            processes[pid].mark("exit", time)
    return Trace(events, list(processes.values()), begin, end)


def seconds(event: dict[str, Any]) -> float:
    """Of the day; runs do not go past midnight, or the round is lost."""
    clock = event["time"].split("T")[1].rstrip("Z")
    hours, minutes, rest = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def phases(env: dict[str, str], arguments: list[str | Path]) -> dict[str, float]:
    events, processes, begin, end = trace(env, arguments)
    day = begin // 86400 * 86400
    first: dict[str, float] = {}
    last: dict[str, float] = {}
    for event in events:
        if "time" in event:
            first.setdefault(event["kind"], seconds(event) + day)
            last[event["kind"]] = seconds(event) + day
    found = {
        "corrie started, plan made, job recorded": first["job"] - begin,
        "environments looked up, first tables scanned": first["start"] - first["job"],
        "functions and statements, first start to last end": last["done"] - first["start"],
        "results written, published": last["publish"] - last["done"],
        "end": end - last["publish"],
    }
    for moments in processes:  # none in a project of SQL alone
        edges = [moments.get(name) for name in ("start", "import", "call", "output", "result", "exit")]
        if None in edges:
            raise SystemExit(f"a function's process did not tell all of its phases: {moments}")
        start, imports, call, output, result, gone = (edge or 0.0 for edge in edges)
        for name, took in (("start", imports - start), ("import", call - imports), ("call", output - call),
                           ("output", result - output), ("end", gone - result)):
            key = f"{len(processes)} function processes: {FUNCTION[name]}"
            found[key] = found.get(key, 0.0) + took
    return {**found, "whole, traced": end - begin}


def corrie(env: dict[str, str], *arguments: str | Path) -> None:
    subprocess.run([CORRIE, *map(str, arguments)], env=env, check=True, capture_output=True)


def shop(env: dict[str, str], folder: Path) -> list[str | Path]:
    project = EXAMPLES / "ecommerce"
    for name, table in (("events", "shop.ecommerce_sessions"), ("users", "shop.ecommerce_users")):
        file = folder / f"{name}.parquet"
        corrie(env, "query", "-f", project / f"data/{name}.sql", "-o", "parquet", "--to", file)
        corrie(env, "import", file, table)
    return ["--project-dir", project]


def adventure(env: dict[str, str], folder: Path, pipeline: str) -> list[str | Path]:
    files = folder / "csv"
    if not files.exists():
        files.mkdir()
        for query in (EXAMPLES / "adventureworks" / "data").glob("*.sql"):
            corrie(env, "query", "-f", query, "--to", files / f"{query.stem}.csv")
        corrie(env, "import", files, "--namespace", "adventure")
    return ["--project-dir", EXAMPLES / "adventureworks" / pipeline, "--namespace", "adventure"]


def main() -> None:
    if not shutil.which("strace"):
        print("phases: left out, there is no strace here", file=sys.stderr)
        return
    scratch = ROOT / "build" / "bench"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="phases-", dir=scratch) as name:
        folder = Path(name)
        env = {k: v for k, v in os.environ.items() if k != "CORRIE_REF"}
        env.update(CORRIE_LAKE=f"{folder}/lake", XDG_STATE_HOME=f"{folder}/state")
        projects = {
            "tutorial": shop(env, folder),
            "AdventureWorks, Python": adventure(env, folder, "pipeline"),
            "AdventureWorks, SQL": adventure(env, folder, "pipeline_sql"),
        }
        for arguments in projects.values():
            corrie(env, "run", *arguments)
        for project, arguments in projects.items():
            many: dict[str, list[float]] = {}
            for _ in range(ROUNDS):
                many.setdefault("whole, not traced", []).append(process([CORRIE, "run", *arguments], env)["wall"])
                for phase, took in phases(env, arguments).items():
                    many.setdefault(phase, []).append(took)
            for phase, times in many.items():
                emit(f"{project}, again, by phase", phase, times)


if __name__ == "__main__":
    main()
