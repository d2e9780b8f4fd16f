"""What a failed job left comes to no branch unseen, and tables that one run published stay together."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from conftest import TIMEOUT, YAML, Lake

REPLACE = "-- corrie: materialization_strategy=REPLACE\n"
BOTH = {
    "doubled.sql": REPLACE + "SELECT n, s, n * 2 AS twice FROM numbers\n",
    "summed.sql": REPLACE + "SELECT sum(twice)::BIGINT AS total FROM doubled\n",
}
BROKEN = {**BOTH, "zz_broken.sql": REPLACE + "SELECT s::BIGINT AS i FROM doubled\n"}


def make_project(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    (folder / "corrie.yaml").write_text(YAML)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def numbers(lake: Lake, tmp_path: Path) -> Lake:
    path = tmp_path / "numbers.csv"
    path.write_text("n,s\n" + "".join(f"{i},s{i}\n" for i in range(10)))
    lake.run("import", path, "numbers")
    return lake


@pytest.fixture
def failed(numbers: Lake, tmp_path: Path) -> tuple[Lake, str]:
    """The lake, and the job that failed after it had written doubled."""
    numbers.error("run", cwd=make_project(tmp_path / "project", BROKEN), status=1)
    return numbers, str(numbers.json("job", "get", "last")["job"])


def refused(lake: Lake, job: str, *arguments: str) -> None:
    said = lake.error(*arguments, status=7)
    assert "doubled" in said and job in said and "--accept-taint" in said, said


def tainted(lake: Lake, ref: str = "main") -> list[str]:
    return [t["name"] for t in lake.json("table", "ls", "--ref", ref)["tables"] if t["tainted"]]


def test_a_failed_run_leaves_tainted_tables(failed: tuple[Lake, str]) -> None:
    lake, job = failed
    table = lake.json("table", "get", "doubled", "--ref", f"tx/{job}")
    assert table["tainted"] == job
    assert tainted(lake, f"tx/{job}") and not tainted(lake)
    status = lake.json("status")
    assert [ref["name"] for ref in status["left"]] == [f"tx/{job}"]
    assert not status["tainted"] and not status["jobs"]
    (entry, *_) = lake.json("status", f"tx/{job}")["tainted"]
    assert entry["job"] == job and entry["error"]
    lake.fsck()


def test_what_a_pruned_job_left_comes_back_as_it_is_said(failed: tuple[Lake, str]) -> None:
    lake, job = failed
    said = lake.error("branch", "rm", f"tx/{job}", status=2)
    assert "what a job left" in said and "branch prune" in said
    (pruned,) = lake.json("branch", "prune", f"tx/{job}", "--older-than", "0", "--yes")["pruned"]
    lake.run(*pruned["restore"].split()[1:])
    assert "doubled" in tainted(lake, pruned["restore"].split()[3])


def test_a_killed_run_leaves_tainted_tables(numbers: Lake, tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", {**BOTH, "zz_slow.py": """
import corrie


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11')
def zz_slow(rows=corrie.Model('doubled')):
    import time
    time.sleep(600)
"""})
    child = numbers.start("run", cwd=project, start_new_session=True)
    deadline = time.monotonic() + TIMEOUT
    left: list[str] = []
    while not left and time.monotonic() < deadline:
        assert child.poll() is None, child.communicate()
        refs = [r["name"] for r in numbers.json("branch", "ls", "-a")["refs"] if r["name"].startswith("tx/")]
        left = [r for r in refs if tainted(numbers, r)]
        time.sleep(0.05)
    running = numbers.json("status")
    assert [f"tx/{j['job']}" for j in running["jobs"]] == left and not running["left"]
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    (ref,) = left
    after = numbers.json("status")
    assert [r["name"] for r in after["left"]] == left and not after["jobs"]
    refused(numbers, ref.removeprefix("tx/"), "merge", ref)
    numbers.fsck()


@pytest.mark.parametrize("moved", [False, True])
def test_merging_it(failed: tuple[Lake, str], tmp_path: Path, moved: bool) -> None:
    lake, job = failed
    if moved:
        (tmp_path / "more.csv").write_text("x\n1\n")
        lake.run("import", tmp_path / "more.csv", "other")
    refused(lake, job, "merge", f"tx/{job}")
    assert "no luck" not in lake.error("merge", f"tx/{job}", status=7)
    lake.run("merge", f"tx/{job}", "--accept-taint")
    assert "doubled" in tainted(lake)
    commit = lake.json("log")["commits"][0]
    assert commit["properties"]["accepted-taint"].endswith(f": {job}")
    assert commit["tainted"] == len(tainted(lake))
    lake.fsck()


def test_branches_and_tags_of_it(failed: tuple[Lake, str]) -> None:
    lake, job = failed
    refused(lake, job, "branch", "create", "b", "--from-ref", f"tx/{job}")
    lake.run("tag", "create", "seen", "--from-ref", f"tx/{job}")
    refused(lake, job, "branch", "create", "b", "--from-ref", "seen")
    lake.run("branch", "create", "b", "--from-ref", "seen", "--accept-taint")
    assert f"taint of {job} accepted by" in lake.json("reflog", "b")["entries"][0]["why"]
    refused(lake, job, "branch", "create", "c", "--from-ref", "b")
    refused(lake, job, "branch", "rename", "b", "c")
    refused(lake, job, "branch", "reset", "main", "b")
    lake.run("branch", "rename", "b", "c", "--accept-taint")
    lake.run("branch", "rm", "c")
    refused(lake, job, "branch", "restore", "c")
    lake.run("branch", "restore", "c", "--accept-taint")
    refused(lake, job, "merge", "c")
    lake.run("branch", "reset", "main", "c", "--accept-taint")
    lake.run("branch", "reset", "main", "main~1")
    lake.fsck()


def test_picking_and_reverting_it(failed: tuple[Lake, str]) -> None:
    lake, job = failed
    commits = lake.json("log", f"tx/{job}")["commits"]
    written = next(c["commit"] for c in reversed(commits) if c["tainted"])
    refused(lake, job, "cherry-pick", f"@{written}")
    lake.run("cherry-pick", f"@{written}", "--accept-taint")
    assert "doubled" in tainted(lake)
    lake.run("revert", "main")
    assert not tainted(lake)
    refused(lake, job, "revert", "main")
    refused(lake, job, "table", "revert", "doubled", f"tx/{job}")
    lake.run("table", "revert", "doubled", f"tx/{job}", "--accept-taint")
    assert tainted(lake) == ["doubled"]
    lake.fsck()


@pytest.mark.parametrize("statement", [
    "CREATE TABLE copy AS SELECT * FROM doubled",
    "INSERT INTO copy SELECT n FROM doubled",
    "UPDATE copy SET n = 1 WHERE n IN (SELECT n FROM doubled)",
    "DELETE FROM copy USING doubled WHERE copy.n = doubled.n",
    "MERGE INTO copy USING doubled ON copy.n = doubled.n WHEN MATCHED THEN DELETE",
])
def test_statements_that_read_it(failed: tuple[Lake, str], statement: str) -> None:
    lake, job = failed
    if not statement.startswith("CREATE"):
        lake.run("sql", "CREATE TABLE copy AS SELECT n FROM numbers")
    lake.run("merge", f"tx/{job}", "--accept-taint")
    before = lake.head()
    said = lake.error("sql", statement, status=7)
    assert "copy" in said and job in said and "--accept-taint" in said, said
    assert lake.head() == before
    lake.run("sql", statement, "--accept-taint")
    assert sorted(tainted(lake)) == ["copy", "doubled", "summed"]
    lake.run("sql", "CREATE OR REPLACE TABLE copy AS SELECT n FROM numbers")  # nothing of it is left in there
    assert sorted(tainted(lake)) == ["doubled", "summed"]


def test_runs_that_read_it(failed: tuple[Lake, str], tmp_path: Path) -> None:
    lake, job = failed
    lake.run("merge", f"tx/{job}", "--accept-taint")
    reading = make_project(tmp_path / "reading", {"made.sql": REPLACE + "SELECT count(*) AS c FROM doubled\n"})
    jobs = len(lake.json("job", "ls", "-n", "0")["jobs"])
    refused(lake, job, "run", "--project-dir", str(reading))
    refused(lake, job, "run", "--project-dir", str(reading), "--dry-run")
    assert len(lake.json("job", "ls", "-n", "0")["jobs"]) == jobs  # before anything ran
    lake.run("run", "--project-dir", reading, "--accept-taint")
    assert "made" in tainted(lake)
    assert lake.json("table", "get", "made")["tainted"] == job
    # a run that succeeds clears what it rewrites
    lake.run("run", "--project-dir", make_project(tmp_path / "project", BOTH))
    assert tainted(lake) == ["made"]
    lake.run("run", "--project-dir", reading)
    assert tainted(lake) == []
    lake.fsck()


@pytest.fixture
def published(numbers: Lake, tmp_path: Path) -> tuple[Lake, str]:
    """The lake after two runs that published doubled and summed; the second one's job. `first` is the state between."""
    project = make_project(tmp_path / "project", BOTH)
    numbers.run("run", "--project-dir", project)
    numbers.run("tag", "create", "first")
    (tmp_path / "more.csv").write_text("n,s\n10,s10\n")
    numbers.run("import", tmp_path / "more.csv", "numbers")
    assert {t["name"] for t in numbers.json("status")["stale"]} == {"public.doubled", "public.summed"}
    numbers.run("run", "--project-dir", project)
    assert numbers.json("status")["stale"] == []
    return numbers, str(numbers.json("job", "get", "last")["job"])


def torn(lake: Lake, job: str, *arguments: str) -> None:
    said = lake.error(*arguments, status=7)
    assert "public.doubled" in said and "public.summed" in said and job[:8] in said, said
    assert "--allow-torn" in said


def accepted(lake: Lake, job: str, ref: str = "main") -> None:
    assert job in lake.json("show", ref)["properties"]["accepted-torn"]
    (entry,) = lake.json("status", ref)["torn"]
    assert entry["job"] == job


def test_one_of_a_group_does_not_go_back_alone(published: tuple[Lake, str]) -> None:
    lake, job = published
    torn(lake, job, "table", "revert", "doubled", "first")
    lake.run("table", "revert", "doubled", "first", "--allow-torn")
    assert job in lake.json("show", "main")["properties"]["accepted-torn"]
    # back again: nothing that stands now is torn any more
    lake.run("revert", "main", "--allow-torn")
    assert lake.json("status")["torn"] == []
    lake.run("revert", "main^1~1")  # the run as a whole
    assert lake.rows("SELECT total FROM summed") == [["90"]]
    assert lake.rows("SELECT count(*) FROM doubled") == [["10"]]
    lake.fsck()


def test_one_of_a_group_does_not_come_alone(published: tuple[Lake, str], tmp_path: Path) -> None:
    lake, job = published
    lake.run("branch", "create", "b", "--from-ref", "first")
    (tmp_path / "own.csv").write_text("total\n1\n")
    lake.run("import", tmp_path / "own.csv", "summed", "--branch", "b")
    assert "summed" in lake.error("merge", "main", "--into", "b", status=4)
    torn(lake, job, "merge", "main", "--into", "b", "--ours", "summed")
    torn(lake, job, "cherry-pick", "main", "--into", "b", "--ours", "summed")
    lake.run("merge", "main", "--into", "b", "--ours", "summed", "--allow-torn")
    accepted(lake, job, "b")
    assert lake.rows("SELECT count(*) FROM doubled", "--ref", "b") == [["11"]]
    lake.fsck()


def test_inputs_that_move_meanwhile(numbers: Lake, tmp_path: Path) -> None:
    """With --serializable an input that was changed during the run is a conflict; without it is a stale output."""
    project = make_project(tmp_path / "project", {"zz_waits.py": f"""
import corrie


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11')
def zz_waits(rows=corrie.Model('numbers', columns=['n'])):
    print('waiting')
    import os, time
    while not os.path.exists({str(tmp_path / "imported")!r}):
        time.sleep(0.05)
    return rows
"""})
    for serializable in (True, False):
        (tmp_path / "imported").unlink(missing_ok=True)
        child = numbers.start("run", *(["--serializable"] if serializable else []), "--events", cwd=project)
        assert child.stdout
        while "waiting" not in child.stdout.readline():
            assert child.poll() is None
        (tmp_path / f"{serializable}.csv").write_text("n,s\n1,x\n")
        numbers.run("import", tmp_path / f"{serializable}.csv", "numbers")
        (tmp_path / "imported").touch()
        _, said = child.communicate(timeout=TIMEOUT)
        assert child.returncode == (4 if serializable else 0), said
        assert not serializable or "numbers" in said
    assert [t["name"] for t in numbers.json("status")["stale"]] == ["public.zz_waits"]
    numbers.fsck()
