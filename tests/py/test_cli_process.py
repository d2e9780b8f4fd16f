"""The program as a process: what it loads, and what it does when nobody reads, disks are full, or Ctrl-C comes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from cli_lake import make_lake, on_terminal
from conftest import BIN, TIMEOUT, Lake
from waiting import listens, until, worked

SANITIZED = "CORRIE_SANITIZED" in os.environ
MANY = "SELECT range AS n, 'some words ' || range AS s FROM range(3000000)"
FOREVER = "SELECT count(*) FROM range(100000000000) AS a(i) WHERE (i * 7919) % 1000003 = 12345 GROUP BY i % 7"


@pytest.fixture
def full(lake: Lake) -> Lake:
    make_lake(lake)
    return lake


@pytest.mark.skipif(SANITIZED, reason="the sanitizers bring libraries of their own")
@pytest.mark.parametrize("command", [["version"], ["help"], ["branch", "ls"], ["branch", "create", "x"],
                                     ["checkout", "dev"], ["table", "ls"], ["log"], ["diff", "dev"],
                                     ["branch", "merge", "dev"], ["job", "ls"], ["log", "--graph"], ["show", "dev"],
                                     ["reflog"], ["status"], ["tag", "create", "v1"], ["tag", "ls"],
                                     ["branch", "reset", "dev", "main"], ["cherry-pick", "dev"],
                                     ["revert", "dev", "-b", "dev"], ["table", "history", "shop.customers"],
                                     ["table", "rename", "shop.customers", "shop.x"], ["diff", "dev", "--schema"],
                                     ["table", "revert", "shop.customers", "main", "-b", "dev"]])
def test_catalog_commands_map_few_libraries(full: Lake, tmp_path: Path, command: list[str]) -> None:
    """Each library costs start-up time of every call: at most 8, the loader not counted, by whatever way they come."""
    full.run(*command, env={"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(tmp_path / "loader")})
    log = "".join(p.read_text() for p in tmp_path.glob("loader.*"))
    loaded = set(re.findall(r"file=(\S+) \[0\];  generating link map", log))
    assert loaded, "the loader told nothing"
    assert len(loaded) <= 8, sorted(loaded)


def test_version_needs_no_lake(lake: Lake) -> None:
    lake.run("version", env={"CORRIE_LAKE": "/nonexistent/lake", "HOME": "/nonexistent"})
    lake.run("--version", env={"CORRIE_LAKE": "/nonexistent/lake"})
    assert not lake.root.exists()


def test_a_reader_that_leaves_is_no_error(full: Lake) -> None:
    for form in ("csv", "json", "jsonl", "table", "tty"):
        line = f'{BIN}/corrie query "{MANY}" -o {form} | head -1; echo "${{PIPESTATUS[0]}}"'
        pipe = subprocess.run(["bash", "-c", line], env=full.env, cwd=full.home, capture_output=True, text=True,
                              timeout=TIMEOUT)
        assert pipe.stderr == ""
        assert pipe.stdout.splitlines()[-1] == "0", form


@pytest.mark.parametrize("command", [["branch", "ls"], ["query", "SELECT 1 AS n"], ["query", MANY, "-o", "csv"],
                                     ["help"], ["version", "-o", "json"]])
def test_output_that_cannot_be_written(full: Lake, command: list[str]) -> None:
    with Path("/dev/full").open("w") as device:
        done = subprocess.run([BIN / "corrie", *command], env=full.env, cwd=full.home, stdout=device,
                              stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
    assert done.returncode == 5
    assert "standard output" in done.stderr and "No space left" in done.stderr


def test_closed_descriptors_never_become_files_of_the_lake(full: Lake) -> None:
    """With descriptor 1 free, the catalog would be opened as standard output and the listing written into it."""
    for closed in (">&-", "2>&-", "<&-", "<&- >&- 2>&-"):
        lines = f"{BIN}/corrie branch create b{len(closed)} {closed}; {BIN}/corrie table ls {closed}"
        subprocess.run(["bash", "-c", lines], env=full.env, cwd=full.home, capture_output=True, timeout=TIMEOUT)
    assert {"b3", "b4"} <= {b["name"] for b in full.json("branch", "ls")["refs"]}
    full.fsck()


def test_notes_that_cannot_be_written_fail_nothing(full: Lake) -> None:
    """A script that closes standard error would take a log for a failure, and a change for one that did not land."""
    lines = {"log -n 1": 0, "branch create quiet": 0, "table get nosuch": 3}
    for sink in ("2>&-", "2>/dev/full"):
        for line, status in lines.items():
            done = subprocess.run(["bash", "-c", f"{BIN}/corrie {line} {sink}"], env=full.env, cwd=full.home,
                                  capture_output=True, text=True, timeout=TIMEOUT)
            assert done.returncode == status, (line, sink)
            assert bool(done.stdout) == (status == 0), (line, sink)
        full.run("branch", "rm", "quiet", "-y")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_query(full: Lake, number: int) -> None:
    child = full.start("query", FOREVER)
    until(lambda: listens(child, number) and worked(child) > 1, child)
    child.send_signal(number)
    out, said = child.communicate(timeout=TIMEOUT)
    assert child.returncode == 130, said
    assert "interrupted" in said and out == ""


def test_client_timeout(full: Lake) -> None:
    """A script that waits for nothing forever gets an end that it can tell from Ctrl-C, and a job that is over."""
    seconds = 1
    jobs: list[dict[str, str]] = []
    while not jobs:  # until the query had begun when its time was up
        said = full.error("query", FOREVER, "--client-timeout", str(seconds), status=1)
        assert f"longer than the {seconds} s of --client-timeout" in said
        jobs = full.json("job", "ls", "-k", "query", "-n", "1")["jobs"]
        seconds *= 2
    assert jobs[0]["status"] == "cancelled"
    assert full.run("--client-timeout", "-1", "query", "SELECT 1", "-o", "csv").stdout == "1\n1\n"


def test_ctrl_c_on_a_terminal_shows_progress_first(full: Lake) -> None:
    status, out = on_terminal(full, "query", FOREVER, interrupt="query  1")
    assert status == 130 and "interrupted" in out


def test_ctrl_c_at_a_question(full: Lake) -> None:
    status, out = on_terminal(full, "branch", "rm", "dev", interrupt="[y/N]")
    assert status == 130 and "interrupted" in out
    assert "dev" in full.run("branch", "ls").stdout


def test_interrupted_run_publishes_nothing(full: Lake) -> None:
    models = full.home / "project/models.py"
    slow = "    print('now', flush=True)\n    import time; time.sleep(60)\n    print("
    models.write_text(models.read_text().replace("    print(", slow))
    before = full.head()
    child = full.start("run", "-p", "project")
    assert child.stderr
    for line in child.stderr:
        if "now" in line:
            break
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=TIMEOUT)
    assert child.returncode == 130
    assert full.head() == before
    assert full.json("job", "get", "last")["status"] == "cancelled"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_import_leaves_nothing(full: Lake, number: int) -> None:
    """Rows come slowly through a pipe, and the user has enough of it."""
    before, files = full.head(), set(full.root.glob("data/**/*.parquet"))
    jobs = len(full.json("job", "ls")["jobs"])
    child = subprocess.Popen([BIN / "corrie", "import", "-", "slow", "--format", "csv"], cwd=full.home, env=full.env,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdin and child.stderr
    child.stdin.write("a,b\n" + "1,2\n" * 100_000)
    child.stdin.flush()
    until(lambda: len(full.json("job", "ls")["jobs"]) > jobs, child)
    child.send_signal(number)
    assert child.wait(TIMEOUT) == 130, child.stderr.read()
    assert "interrupted" in child.stderr.read()
    child.stdin.close()
    assert full.head() == before
    assert full.json("job", "get", "last")["status"] == "cancelled"
    assert set(full.root.glob("data/**/*.parquet")) == files
    assert not list(full.root.glob("jobs/**/*.csv"))
    full.fsck()


def test_allocation_failures_end_cleanly(lake: Lake, tmp_path: Path) -> None:
    """Out of memory is exit 5 and a message, wherever it happens; never a crash, never a half answer with exit 0."""
    lake.run("branch", "ls")
    expected = lake.run("branch", "ls", "-o", "json").stdout
    for at in range(1, 400, 7):
        done = lake.run("branch", "ls", "-o", "json", status=None, env={"CORRIE_FAULT_ALLOC": str(at)})
        assert done.returncode in (0, 5), (at, done.returncode, done.stderr)
        assert done.returncode == 5 or done.stdout == expected, at
