"""A run's ref tx/<job> is its lease: what becomes of it when the job is killed, stands still, or is taken for dead."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import TIMEOUT, YAML, Lake
from waiting import stops, until, worked

GC = ("gc", "--grace", "0", "--keep-reflog", "0", "--yes")
PRUNE = ("branch", "prune", "--older-than", "0", "--yes")


@dataclass
class Job:
    """A run whose first table is staged and whose second waits for a file."""

    lake: Lake
    id: str
    process: subprocess.Popen[str]

    @property
    def ref(self) -> str:
        return f"tx/{self.id}"

    @property
    def folder(self) -> Path:
        (found,) = (self.lake.root / "jobs").glob(f"*/{self.id}")
        return found

    def stop(self) -> None:
        """Stands still, like a laptop that sleeps, and its heart with it."""
        assert stops(self.process)
        os.utime(self.folder / "heartbeat", (1, 1))

    def move_away(self) -> None:
        """From now on it is a process of another machine."""
        path = self.folder / "job.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "host": "elsewhere", "process": None}))
        with sqlite3.connect(self.lake.root / "catalog/catalog.db") as db:
            (entry,) = db.execute("SELECT json FROM records WHERE id = ?", (self.id,)).fetchone()
            entry = json.dumps({**json.loads(entry), "host": "elsewhere", "process": None}, sort_keys=True,
                               separators=(",", ":"))
            db.execute("UPDATE records SET json = ? WHERE id = ?", (entry, self.id))
        db.close()

    def go_on(self, status: int) -> str:
        (self.lake.home / "gate").touch()
        self.process.send_signal(signal.SIGCONT)
        _, said = self.process.communicate(timeout=TIMEOUT)
        assert self.process.returncode == status, said
        return said

    def state(self) -> str:
        return str(self.lake.json("job", "get", self.id)["status"])


def refs(lake: Lake) -> set[str]:
    return {ref["name"] for ref in lake.json("branch", "ls", "--all")["refs"]}


def run_again(lake: Lake) -> None:
    (lake.home / "gate").touch()
    lake.run("run", cwd=lake.home / "project")


def total(lake: Lake, ref: str = "main") -> list[list[str]]:
    return lake.rows("SELECT total FROM summed", "--ref", ref)


@pytest.fixture
def job(lake: Lake) -> Iterator[Job]:
    (lake.home / "numbers.csv").write_text("n\n1\n2\n")
    lake.run("import", lake.home / "numbers.csv", "numbers")
    project = lake.home / "project"
    project.mkdir()
    (project / "corrie.yaml").write_text(YAML)
    (project / "summed.sql").write_text("-- corrie: materialization_strategy=REPLACE\n"
                                        "SELECT sum(n)::BIGINT AS total FROM numbers\n")
    (project / "waits.py").write_text(f"""
import corrie


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11')
def waits(rows=corrie.Model('summed')):
    import pathlib, time
    while not pathlib.Path({str(lake.home / "gate")!r}).exists():
        time.sleep(0.02)
    return rows
""")
    process = lake.start("run", cwd=project, start_new_session=True)
    try:
        (ref,) = until(lambda: {ref for ref in refs(lake) if ref.startswith("tx/") and
                                lake.json("table", "ls", "--ref", ref)["tables"][-1]["name"] == "summed"}, process)
        yield Job(lake, ref.removeprefix("tx/"), process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def test_a_killed_run_is_left_until_somebody_prunes_it(job: Job) -> None:
    """It can be looked at, is in nobody's way, and goes when asked; the next run owes it nothing."""
    lake = job.lake
    assert job.state() == "running" and not lake.json("status")["left"]
    os.killpg(job.process.pid, signal.SIGKILL)
    job.process.communicate()
    assert job.state() == "lost"
    status = lake.json("status")
    assert [ref["name"] for ref in status["left"]] == [job.ref] and not status["jobs"]
    assert job.ref in lake.run("status").stdout
    run_again(lake)
    assert [(j["kind"], j["status"]) for j in lake.json("job", "ls")["jobs"]][:2] == [("run", "done"), ("run", "lost")]
    assert refs(lake) == {"main", job.ref}
    lake.run(*GC)
    assert total(lake, job.ref) == [["3"]], "gc spares what the ref names"
    assert lake.json("branch", "prune", "--yes")["pruned"] == [], "it is young"
    (pruned,) = lake.json(*PRUNE)["pruned"]
    assert (pruned["name"], pruned["why"]) == (job.ref, "old")
    assert refs(lake) == {"main"} and not lake.json("status")["left"]
    lake.run(*GC)
    assert total(lake) == [["3"]]
    lake.fsck()


def test_a_run_that_stands_still_is_alive_and_no_threat(job: Job) -> None:
    """While it sleeps another run publishes the same tables: the sleeper must not undo that when it wakes."""
    lake = job.lake
    job.stop()
    assert job.state() == "running"
    status = lake.json("status")
    assert [j["job"] for j in status["jobs"]] == [job.id] and not status["left"]
    assert lake.json(*PRUNE)["pruned"] == []
    (lake.home / "more.csv").write_text("n\n10\n")
    lake.run("import", lake.home / "more.csv", "numbers")
    run_again(lake)
    head = lake.head()
    lake.run(*GC)
    said = job.go_on(4)
    assert "summed" in said and "hint" in said
    assert lake.head() == head and total(lake) == [["13"]]
    assert job.state() == "failed" and [r["name"] for r in lake.json("status")["left"]] == [job.ref]
    lake.fsck()


def test_a_run_that_only_slept_publishes(job: Job) -> None:
    """Nobody was in its way: its work is not thrown away."""
    job.stop()
    job.lake.run(*GC)
    job.go_on(0)
    assert total(job.lake) == [["3"]] and refs(job.lake) == {"main"}
    assert job.state() == "done"
    job.lake.fsck()


def test_a_run_that_was_taken_for_dead_is_told(job: Job) -> None:
    """A job of another machine whose heart has stopped is lost; its ref goes. If it comes back nevertheless, what it
    wrote may be gone: nothing may be published."""
    lake = job.lake
    job.stop()
    job.move_away()
    assert job.state() == "lost"
    assert [r["name"] for r in lake.json("status")["left"]] == [job.ref]
    assert [p["name"] for p in lake.json(*PRUNE)["pruned"]] == [job.ref]
    head = lake.head()
    said = job.go_on(4)
    assert "taken for dead" in said and "run it again" in said
    assert lake.head() == head and refs(lake) == {"main"}
    run_again(lake)
    assert total(lake) == [["3"]]
    lake.run(*GC)
    lake.fsck()


def test_a_run_whose_files_were_collected_is_told(job: Job) -> None:
    lake = job.lake
    job.stop()
    job.move_away()
    time.sleep(2)  # gc spares the last second
    lake.run(*GC)
    assert refs(lake) == {"main", job.ref}, "gc removes no refs"
    head = lake.head()
    said = job.go_on(4)
    assert "collection (gc)" in said and "run it again" in said
    assert lake.head() == head
    assert total(lake, job.ref) == [["3"]]
    lake.fsck()
    run_again(lake)


def test_a_lease_that_runs_out_is_renewed_by_waking(job: Job) -> None:
    """Taken for dead, but nobody drew a conclusion from it."""
    job.stop()
    job.move_away()
    assert job.state() == "lost"
    job.process.send_signal(signal.SIGCONT)
    until(lambda: job.state() == "running", job.process)
    assert job.lake.json(*PRUNE)["pruned"] == []
    job.go_on(0)
    assert total(job.lake) == [["3"]]
    job.lake.fsck()


# ---- statements ----

def test_a_statement_that_outlives_a_collection_is_published_at_once(lake: Lake) -> None:
    """Its files are garbage to whoever does not know that it works: they must not go, nor must its work be in vain."""
    lake.run("sql", "CREATE TABLE t (k BIGINT); INSERT INTO t SELECT i FROM range(100) AS r(i)")
    # what it has written waits for the rows behind it, which nobody reads for now
    child = lake.start("sql", "DELETE FROM t WHERE k < 50; INSERT INTO t SELECT 7; "
                              "SELECT i FROM range(3000000) AS r(i)", "-o", "jsonl")
    try:
        until(lambda: len(list(lake.root.glob("data/**/*.parquet"))) == 3, child)
        time.sleep(2.5)  # times of files are coarse: by now they are older than what a collection spares
        (job,) = [job for job in lake.json("job", "ls")["jobs"] if job["status"] == "running"]
        assert job["kind"] == "sql"
        lake.run(*GC)
        assert len(list(lake.root.glob("data/**/*.parquet"))) == 3
        _, said = child.communicate(timeout=TIMEOUT)
    finally:
        child.kill()
    assert child.returncode == 0 and "again" not in said, said
    assert lake.rows("SELECT count(*), min(k) FROM t") == [["51", "7"]]
    assert lake.json("job", "get", job["job"])["commit_out"] == lake.head()
    lake.run(*GC)
    lake.fsck()


@pytest.mark.parametrize("statement", [
    "INSERT INTO t SELECT i FROM range(1000000000000) AS r(i)",
    "UPDATE t SET k = r.i FROM range(1000000000000) AS r(i) WHERE t.k = r.i - 1000",
])
def test_an_interrupted_statement_leaves_nothing(lake: Lake, statement: str) -> None:
    lake.run("sql", "CREATE TABLE t (k BIGINT); INSERT INTO t VALUES (1)")
    before, files = lake.head(), set(lake.root.glob("data/**/*"))
    child = lake.start("sql", statement)
    until(lambda: lake.json("job", "ls")["jobs"], child)
    begun = worked(child)
    until(lambda: worked(child) > begun + 0.3, child)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=TIMEOUT)
    assert child.returncode == 130 and "interrupted" in said
    assert lake.head() == before and set(lake.root.glob("data/**/*")) == files
    assert lake.json("job", "get", "last")["status"] == "cancelled"
    lake.fsck()


def test_what_is_no_work_is_no_job(lake: Lake) -> None:
    """Else the list of jobs is full of what nobody looks for."""
    lake.run("sql", "CREATE TABLE t (k BIGINT); INSERT INTO t VALUES (1); ALTER TABLE t ADD COLUMN b INTEGER; SELECT 1")
    assert lake.json("sql", "DELETE FROM t", "--dry-run")["job"] is None
    assert lake.json("job", "ls")["jobs"] == []
    assert "zz" in lake.error("sql", "DELETE FROM t WHERE zz = 1", status=3)
    (job,) = lake.json("job", "ls")["jobs"]
    assert (job["kind"], job["status"]) == ("sql", "failed")
