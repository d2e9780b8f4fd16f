"""Steps of a run beside each other: what overlaps, what a failure and Ctrl-C end, what is told in which order."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Lake
from waiting import TIMEOUT

HEAD = "import corrie\nimport time\n\n"


def model(name: str, body: str, reads: str = "numbers", more: str = "", decorators: str = "") -> str:
    """A Python model that gets its input as `rows`."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return (f"\n@corrie.model(materialization_strategy='REPLACE'{more})\n@corrie.python('3.11')\n{decorators}"
            f"def {name}(rows=corrie.Model('{reads}')):\n{lines}\n")


def events_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def mark(path: Path) -> str:
    """A line of a model that makes the file."""
    return f"import pathlib\npathlib.Path({str(path)!r}).touch()\n"


def wait_for(path: Path) -> str:
    """Lines of a model that wait for the file."""
    return f"import pathlib\nwhile not pathlib.Path({str(path)!r}).exists():\n    time.sleep(0.01)\n"


def two_cpus() -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one cpu: functions run one after the other")


def test_functions_that_wait_for_nothing_overlap(lake: Lake, project: Path, tmp_path: Path) -> None:
    # each waits for the other: one after the other they would never end
    two_cpus()
    here, there = tmp_path / "here", tmp_path / "there"
    (project / "models.py").write_text(HEAD + model("left", mark(here) + wait_for(there) + "return rows")
                                       + model("right", mark(there) + wait_for(here) + "return rows"))
    assert [n["status"] for n in lake.json("run", cwd=project)["nodes"]] == ["done", "done"]


def test_what_is_told_of_one_function_comes_in_order(lake: Lake, project: Path) -> None:
    talk = "for i in range(300):\n    print(i)\nreturn rows"
    (project / "models.py").write_text(HEAD + model("a", talk) + model("b", talk) + model("c", talk, "a"))
    events = events_of(lake.run("run", "--events", cwd=project))
    assert [e["kind"] for e in events[:2]] == ["plan", "job"] and events[-1]["kind"] == "publish"
    for name in "abc":
        mine = [e for e in events if e.get("node") == name]
        assert [e["kind"] for e in mine] == ["start", *["log"] * 300, "done"]
        assert [e["text"] for e in mine[1:-1]] == [str(i) for i in range(300)]
        assert mine[-1]["status"] == "done" and mine[-1]["rows"] == 10
    order = [(e["kind"], e.get("node")) for e in events]
    assert order.index(("done", "a")) < order.index(("start", "c"))


def test_a_diamond(lake: Lake, project: Path) -> None:
    (project / "top.sql").write_text("SELECT n, n * 2 AS twice FROM numbers\n")
    (project / "models.py").write_text(
        HEAD + "import pyarrow as pa\nimport pyarrow.compute as pc\n"
        + model("left", "return pa.table({'n': rows['n'], 'l': pc.add(rows['twice'], 1)})", "top")
        + model("right", "return pa.table({'n': rows['n'], 'r': pc.multiply(rows['twice'], 10)})", "top"))
    (project / "bottom.sql").write_text("-- corrie: materialization_strategy=REPLACE\n"
                                        "SELECT n, l, r FROM \"left\" JOIN \"right\" USING (n)\n")
    done = lake.json("run", cwd=project)
    assert [n["status"] for n in done["nodes"]] == ["done"] * 4
    assert sorted(t["name"] for t in done["tables"]) == ["bottom", "left", "right"]
    assert lake.rows("SELECT * FROM bottom ORDER BY n") == [[str(n), str(2 * n + 1), str(20 * n)] for n in range(10)]


def test_a_failure_ends_what_runs_and_keeps_what_was_done(lake: Lake, project: Path, tmp_path: Path,
                                                          orphans: Callable[[], None]) -> None:
    two_cpus()
    runs = tmp_path / "runs"
    endless = f"import subprocess\nsubprocess.Popen(['sleep', '1000'])\n{mark(runs)}time.sleep(1000)"
    (project / "models.py").write_text(
        HEAD + model("early", "return rows")
        + model("fails", f"{wait_for(runs)}raise ValueError('enough')", "early")
        + model("endless", endless, "early")
        + model("later", "return rows", "endless"))
    before = lake.head()
    said = lake.error("run", cwd=project, status=1)
    assert "fails: ValueError: enough" in said and "models.py" in said and "tx/" in said
    assert "interrupted" not in said
    orphans()
    assert lake.head() == before
    job = lake.json("job", "get", "last")
    assert job["status"] == "failed"
    assert {n["name"]: n["status"] for n in job["nodes"]} == {
        "early": "done", "fails": "failed", "endless": "cancelled", "later": "skipped"}
    assert lake.rows("SELECT count(*) FROM early", "--ref", job["tx"]) == [["10"]]
    lake.fsck()


def test_a_failure_ends_a_statement(lake: Lake, project: Path, tmp_path: Path) -> None:
    # a statement that would take hours is no reason to wait for them
    gate = tmp_path / "gate"
    (project / "models.py").write_text(HEAD + model("fails", f"{wait_for(gate)}raise ValueError('enough')"))
    (project / "long.sql").write_text("-- corrie: materialization_strategy=REPLACE\n"
                                      "SELECT count(*) AS c FROM range(3000000) a, range(3000000) b "
                                      "WHERE a.range * b.range % 7 = 3\n")
    run = lake.start("run", "--events", cwd=project)
    assert run.stdout
    started: set[str] = set()
    while started != {"fails", "long"}:
        line = run.stdout.readline()
        assert line, run.communicate()
        event = json.loads(line)
        started |= {event["node"]} if event["kind"] == "start" else set()
    gate.touch()
    _, said = run.communicate(timeout=TIMEOUT)
    assert run.returncode == 1 and "fails: ValueError: enough" in said
    job = lake.json("job", "get", "last")
    assert {n["name"]: n["status"] for n in job["nodes"]} == {"fails": "failed", "long": "cancelled"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_nothing_running(lake: Lake, project: Path, orphans: Callable[[], None],
                                       number: signal.Signals) -> None:
    two_cpus()
    wait = ("import subprocess\nsubprocess.Popen(['sleep', '1000'])\nprint('begins', flush=True)\n"
            "time.sleep(1000)\nreturn rows")
    (project / "models.py").write_text(HEAD + model("early", "return rows") + model("left", wait, "early")
                                       + model("right", wait, "early") + model("later", "return rows", "left"))
    before = lake.head()
    run = lake.start("run", "--events", cwd=project)
    assert run.stdout
    begun = 0
    while begun < 2:
        line = run.stdout.readline()
        assert line, run.communicate()
        begun += json.loads(line).get("text") == "begins"
    run.send_signal(number)
    rest, said = run.communicate(timeout=TIMEOUT)
    assert run.returncode == 130 and "interrupted" in said, said
    assert [json.loads(line)["status"] for line in rest.splitlines() if '"done"' in line] == ["cancelled"] * 2
    orphans()
    assert lake.head() == before
    job = lake.json("job", "get", "last")
    assert job["status"] == "cancelled"
    assert {n["name"]: n["status"] for n in job["nodes"]} == {
        "early": "done", "left": "cancelled", "right": "cancelled", "later": "skipped"}
    lake.fsck()


def test_two_hundred_small_ones(lake: Lake, project: Path) -> None:
    # random layers of SQL with some Python in it; each gives one number that follows from those it reads
    dice = random.Random(7)
    value: dict[str, int] = {}
    python = HEAD + "import pyarrow as pa\n"
    for i in range(200):
        name = f"m{i:03}"
        reads = dice.sample(sorted(value), min(len(value), dice.randrange(4)))
        value[name] = i + sum(value[r] for r in reads) % 1000
        if reads and i % 25 == 0:
            inputs = ", ".join(f"{r}=corrie.Model('{r}')" for r in reads)
            total = " + ".join(f"{r}['v'][0].as_py()" for r in reads)
            python += (f"\n@corrie.model(materialization_strategy='REPLACE')\n@corrie.python('3.11')\n"
                       f"def {name}({inputs}):\n    return pa.table({{'v': [{i} + ({total}) % 1000]}})\n")
        else:
            total = " + ".join(f"(SELECT v FROM {r})" for r in reads) or "0"
            (project / f"{name}.sql").write_text(f"-- corrie: materialization_strategy=REPLACE\n"
                                                 f"SELECT ({i} + ({total}) % 1000)::BIGINT AS v\n")
    (project / "models.py").write_text(python)
    done = lake.json("run", cwd=project)
    assert {n["status"] for n in done["nodes"]} == {"done"} and len(done["tables"]) == 200
    union = " UNION ALL ".join(f"SELECT '{n}' AS name, v FROM {n}" for n in value)
    assert {n: int(v) for n, v in lake.rows(union)} == value
    lake.fsck()


def test_what_functions_ask_for_is_kept_to(lake: Lake, project: Path) -> None:
    # two that want all cpus never run at once, nor one beside another that wants more than there is
    cpus = len(os.sched_getaffinity(0))
    talk = "print('begins', flush=True)\ntime.sleep(0.3)\nprint('ends', flush=True)\nreturn rows"
    (project / "models.py").write_text(
        HEAD + model("a", talk, decorators=f"@corrie.resources(cpus={cpus})\n")
        + model("b", talk, decorators=f"@corrie.resources(cpus={cpus})\n")
        + model("c", talk, decorators="@corrie.resources(cpus=10000)\n")
        + model("d", talk, decorators="@corrie.resources(cpus=0.5)\n"))
    done = lake.run("run", "--events", cwd=project)
    events = events_of(done)
    marks = {n: (next(e["time"] for e in events if e.get("node") == n and e.get("text") == "begins"),
                 next(e["time"] for e in events if e.get("node") == n and e.get("text") == "ends")) for n in "abcd"}
    for one, other in ("ab", "ac", "bc", "cd"):
        (b1, e1), (b2, e2) = marks[one], marks[other]
        assert e1 < b2 or e2 < b1, (one, other, marks)
    notices = [e["text"] for e in events if e["kind"] == "notice"]
    assert any("c asks for 10000 cpus" in text and "alone" in text for text in notices)


def test_more_memory_than_there_is(lake: Lake, project: Path) -> None:
    (project / "models.py").write_text(HEAD + model("huge", "return rows",
                                                    decorators="@corrie.resources(memory='900TB')\n"))
    said = lake.error("run", cwd=project, status=1)
    assert "huge" in said and "GB" in said and "models.py:" in said
    assert {j["kind"] for j in lake.json("job", "ls")["jobs"]} == {"import"}


def test_a_timeout_is_a_status_of_its_own(lake: Lake, project: Path, orphans: Callable[[], None]) -> None:
    (project / "models.py").write_text(HEAD + model("slow", "time.sleep(1000)",
                                                    decorators="@corrie.resources(timeout=2)\n"))
    said = lake.error("run", cwd=project, status=1)
    assert "slow took longer than 2 s" in said
    assert [n["status"] for n in lake.json("job", "get", "last")["nodes"]] == ["timeout"]
    orphans()


def mapped(pid: int) -> int:
    """Bytes of the memory files that a process holds now; it goes on opening and closing others meanwhile."""
    total = 0
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if "memfd" in str(file.readlink()):
                total += file.stat().st_size
    return total


def test_a_table_that_nobody_reads_any_more_is_let_go(lake: Lake, project: Path) -> None:
    # a chain of twelve tables of 100 MB each fits where two of them do
    wide = "import pyarrow as pa\nreturn pa.table({'x': pa.array(range(1000)).take(pa.array([1] * 12_500_000))})"
    text = HEAD + model("m0", wide).replace("materialization_strategy='REPLACE'", "")
    for i in range(1, 12):
        text += model(f"m{i}", "return rows", f"m{i - 1}").replace("materialization_strategy='REPLACE'", "")
    (project / "models.py").write_text(text)
    (project / "end.sql").write_text("-- corrie: materialization_strategy=REPLACE\nSELECT count(*) AS c FROM m11\n")
    shown = []
    run = lake.start("run", "--events", cwd=project)
    assert run.stdout
    for line in run.stdout:
        if json.loads(line)["kind"] == "done":
            shown.append(mapped(run.pid))
    assert run.wait(TIMEOUT) == 0, run.communicate()
    assert len(shown) == 13 and max(shown) < 350e6, shown
