"""Faults, kills, power cuts, full disks, damage, many at once: what a lake is afterwards, and what a caller was told.

After each of them every branch is at its old or its new commit, all that it names is readable, the rows are the old or
the new ones exactly, and the next command can go on. What was reported done is there. Sampled; CORRIE_TORTURE=1 leaves
nothing out. `tests/fault/README.md` says what a power cut takes away; what fails inside the process is tested in
`tests/unit/lake`.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN, TIMEOUT, Lake, clean_environment
from faults import Faults, was_cut
from kills import SANITIZED, TORTURE, csv, kill_after, measured, put_back, sample

OLD = [[str(i), f"s{i}"] for i in range(10)]
MORE = [[str(i), f"s{i}"] for i in range(10, 15)]


@dataclass
class Scene:
    """A lake with a table `t` of OLD rows, put back before each attempt, and a file with MORE; in two files, OLD is
    `other.pair` too."""

    lake: Lake
    kept: Path
    more: Path
    faults: Faults
    before: str

    def restore(self) -> None:
        put_back(self.lake, self.kept)
        shutil.rmtree(self.lake.home / ".local", ignore_errors=True)

    def argv(self, *words: str | Path) -> list[str | Path]:
        return [BIN / "corrie", *words]

    def run(self, spec: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return self.faults.run(self.argv(*words), spec, cwd=self.lake.home, env=self.lake.env, timeout=TIMEOUT)

    def count(self, *words: str | Path) -> int:
        self.restore()
        return self.faults.count(self.argv(*words), cwd=self.lake.home, env=self.lake.env, timeout=TIMEOUT)

    def check_import(self, told: int | None, fault: str) -> None:
        """Main is at its old or new commit with the old or new rows; then the import is made again, and is there."""
        self.lake.fsck()
        head = self.lake.head()
        rows = self.lake.rows("SELECT n, s FROM t ORDER BY n")
        if head == self.before:
            assert rows == OLD, fault
        else:
            assert rows == OLD + MORE, fault
            assert self.lake.json("log")["commits"][0]["parents"] == [self.before], fault
        if told == 0:
            assert head != self.before, f"{fault}: told to be done, and is not there"
        self.check_jobs()
        self.lake.run("import", self.more, "t")
        assert self.lake.rows("SELECT n, s FROM t ORDER BY n") == OLD + MORE, fault
        self.lake.fsck()

    def check_jobs(self) -> None:
        """No job of a process that ended is shown as running."""
        states = [job["status"] for job in self.lake.json("job", "ls")["jobs"]]
        assert set(states) <= {"done", "failed", "lost"}, states


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("faults").resolve()
    home = folder / "home"
    home.mkdir()
    root = folder / "place" / "lake"
    root.parent.mkdir()
    lake = Lake(root, home, {**clean_environment(home), "CORRIE_LAKE": str(root)})
    lake.run("import", csv(folder / "first.csv", OLD[:5]), "other.pair")
    lake.run("import", csv(folder / "second.csv", OLD[5:]), "other.pair")
    lake.run("import", csv(folder / "old.csv", OLD), "t")
    shutil.copytree(root, folder / "kept")
    return Scene(lake, folder / "kept", csv(folder / "more.csv", MORE), Faults(root, program="corrie"), lake.head())


def said(ended: subprocess.CompletedProcess[str], fault: str) -> None:
    """A command that failed under a fault of the disk ended by itself, with status 5 and a reason."""
    assert ended.returncode == 5, f"{fault}: exit {ended.returncode}\n{ended.stderr}"
    assert re.search(r"^error: \S", ended.stderr, re.MULTILINE), f"{fault}: {ended.stderr!r}"


# ---- operations that fail -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("error", "sticky", "wanted"), [("ENOSPC", False, 8), ("ENOSPC", True, 4),
                                                         ("EIO", False, 8), ("EIO", True, 4)])
def test_import_with_a_failing_operation(scene: Scene, error: str, sticky: bool, wanted: int) -> None:
    total = scene.count("import", scene.more, "t")
    for at in sample(total, wanted):
        fault = f"op=any,at={at},errno={error}{',sticky' if sticky else ''}"
        scene.restore()
        ended = scene.run(fault, "import", scene.more, "t")
        if ended.returncode != 0:
            said(ended, fault)
        scene.check_import(ended.returncode, fault)


def count_allocations(scene: Scene, *words: str | Path, cwd: Path | None = None) -> int:
    scene.restore()
    done = scene.lake.run(*words, cwd=cwd, env={"CORRIE_FAULT_ALLOC": "count"})
    found = re.search(r"^corrie-fault: (\d+) allocations$", done.stderr, re.MULTILINE)
    assert found, done.stderr
    return int(found.group(1))


def test_import_without_memory(scene: Scene) -> None:
    total = count_allocations(scene, "import", scene.more, "t")
    for at in sample(total, 10, 500):
        fault = f"{at},sticky" if at % 2 else f"{at}"
        scene.restore()
        ended = scene.lake.run("import", scene.more, "t", env={"CORRIE_FAULT_ALLOC": fault}, status=None)
        if ended.returncode != 0:
            said(ended, fault)
        scene.check_import(ended.returncode, fault)


@pytest.mark.parametrize("sticky", [False, True])
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_branch_create_with_a_failing_operation(scene: Scene, error: str, sticky: bool) -> None:
    total = scene.count("branch", "create", "side")
    failed = 0
    for at in sample(total, 10):
        fault = f"op=any,at={at},errno={error}{',sticky' if sticky else ''}"
        scene.restore()
        ended = scene.run(fault, "branch", "create", "side")
        if ended.returncode != 0:
            said(ended, fault)
            failed += 1
        heads = {b["name"]: b["commit"] for b in scene.lake.json("branch", "ls")["refs"]}
        assert heads.pop("main") == scene.before
        assert heads in ({}, {"side": scene.before}), fault
        if ended.returncode == 0:
            assert heads, f"{fault}: told to be done, and is not there"
        scene.lake.fsck()
        scene.lake.run("branch", "create", "side", "--if-not-exists")
    assert failed > 0


# ---- the process or the machine stops -------------------------------------------------------------------------------


def test_import_killed_at_an_operation(scene: Scene) -> None:
    total = scene.count("import", scene.more, "t")
    for at in sample(total, 12):
        fault = f"op=any,at={at},kill"
        scene.restore()
        assert was_cut(scene.run(fault, "import", scene.more, "t"))
        scene.check_import(None, fault)


def test_power_cut_in_an_import(scene: Scene) -> None:
    total = scene.count("import", scene.more, "t")
    for at in sample(total, 12):
        for seed in (0, 1, 2, 3) if TORTURE else (at % 4,):
            fault = f"op=any,at={at},cut,seed={seed}"
            scene.restore()
            assert was_cut(scene.run(fault, "import", scene.more, "t"))
            scene.check_import(None, fault)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_power_cut_after_an_import(scene: Scene, seed: int) -> None:
    """What was reported done survives: the rows, and that the job was done."""
    scene.restore()
    fault = f"cut=exit,seed={seed}"
    ended = scene.run(fault, "import", scene.more, "t", "-o", "json")
    assert ended.returncode == 0, ended.stderr
    job = json.loads(ended.stdout)["job"]
    assert scene.lake.json("job", "get", job)["status"] == "done"
    scene.check_import(0, fault)


@pytest.mark.parametrize("words", [("branch", "create", "side"), ("branch", "rm", "other")])
def test_power_cut_after_a_change_of_branches(scene: Scene, words: tuple[str, ...]) -> None:
    scene.restore()
    scene.lake.run("branch", "create", "other")
    ended = scene.run("cut=exit", *words, "--yes") if "rm" in words else scene.run("cut=exit", *words)
    assert ended.returncode == 0, ended.stderr
    names = [b["name"] for b in scene.lake.json("branch", "ls")["refs"]]
    assert names == (["main", "other", "side"] if "create" in words else ["main"])
    scene.lake.fsck()


@pytest.mark.parametrize("how", ["kill", "cut", "ENOSPC"])
def test_the_first_command_of_a_lake(scene: Scene, how: str) -> None:
    """A lake that was being made when everything stopped is made by the next command, in the same place."""
    place = scene.lake.root.parent
    faults = Faults(place, program="corrie")
    words = scene.argv("import", scene.more, "t")
    shutil.rmtree(scene.lake.root)
    total = faults.count(words, cwd=scene.lake.home, env=scene.lake.env, timeout=TIMEOUT)
    for at in sample(total, 10):
        shutil.rmtree(scene.lake.root, ignore_errors=True)
        fault = f"op=any,at={at}," + (f"errno={how}" if how == "ENOSPC" else how)
        ended = faults.run(words, fault, cwd=scene.lake.home, env=scene.lake.env, timeout=TIMEOUT)
        if how == "ENOSPC" and ended.returncode != 0:
            said(ended, fault)
        done = scene.lake.run("import", scene.more, "t", status=None)
        assert done.returncode == 0, f"{fault}: {done.stderr}"
        assert scene.lake.rows("SELECT n, s FROM t ORDER BY n") == MORE, fault
        scene.lake.fsck()
    shutil.rmtree(scene.lake.root)
    ended = faults.run(words, "cut=exit", cwd=scene.lake.home, env=scene.lake.env, timeout=TIMEOUT)
    assert ended.returncode == 0
    assert scene.lake.rows("SELECT n, s FROM t ORDER BY n") == MORE


# ---- kill -9 at any moment ------------------------------------------------------------------------------------------

PROJECT = {
    "corrie.yaml": "project:\n  id: 550e8400-e29b-41d4-a716-446655440000\n  name: t\n",
    "models.py": """
import corrie


@corrie.model(columns=['n', 'twice'])
@corrie.python('3.11')
def doubled(rows=corrie.Model('t', columns=['n'])):
    import pyarrow as pa
    return pa.table({'n': rows['n'], 'twice': [2 * n for n in rows['n'].to_pylist()]})


@corrie.model(columns=['n', 'twice'], materialization_strategy='REPLACE')
@corrie.python('3.11')
def even(rows=corrie.Model('doubled')):
    print(rows.num_rows, 'rows')
    return rows
""",
    "total.sql": "-- corrie: materialization_strategy=REPLACE\nSELECT sum(twice)::BIGINT AS total FROM even\n",
}


def write_project(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in {**PROJECT, **files}.items():
        (folder / name).write_text(text)
    return folder


def test_import_killed_at_any_moment(scene: Scene, orphans: Callable[[], None]) -> None:
    random_ = random.Random(1)
    scene.restore()
    whole = measured(lambda: scene.lake.run("import", scene.more, "t"))
    for turn in range(100 if TORTURE else 6 if SANITIZED else 30):
        scene.restore()
        seconds = random_.uniform(0, whole)
        status = kill_after(scene.lake, seconds, turn % 2 == 0, "import", scene.more, "t")
        assert status in (0, -signal.SIGKILL)
        orphans()
        scene.check_import(0 if status == 0 else None, f"turn {turn}: killed after {seconds:.4f} s")


def check_run(scene: Scene, status: int, turn: str) -> None:
    """The run published everything or nothing, and what it leaves is told."""
    lake = scene.lake
    lake.fsck()
    head = lake.head()
    tables = [t["name"] for t in lake.json("table", "ls")["tables"] if t["namespace"] == "public"]
    newest = lake.json("job", "ls")["jobs"][0]
    job = lake.json("job", "get", newest["job"]) if newest["kind"] == "run" else None
    if head == scene.before:
        assert tables == ["t"], turn
        assert status != 0, f"{turn}: told to be done, and is not there"
    else:
        assert tables == ["even", "t", "total"], turn
        commit = lake.json("log")["commits"][0]
        assert job is not None and commit["job"] == job["job"] and commit["parents"] == [scene.before], turn
        assert lake.rows("SELECT total FROM total") == [["90"]], turn
    refs = [b["name"] for b in lake.json("branch", "ls", "-a")["refs"] if b["name"].startswith("tx/")]
    if job is None:
        assert refs == [], turn
    else:
        assert job["status"] in (("done",) if status == 0 else ("done", "lost")), turn
        assert refs in ([], [f"tx/{job['job']}"]), turn
    for ref in refs:
        lake.run("table", "ls", "--ref", ref)


def test_run_killed_at_any_moment(scene: Scene, tmp_path: Path, orphans: Callable[[], None]) -> None:
    project = write_project(tmp_path / "project")
    random_ = random.Random(2)
    scene.restore()
    scene.lake.run("run", cwd=project)  # makes the environment
    scene.restore()
    events: list[str] = []
    whole = measured(lambda: events.extend(scene.lake.run("run", "--events", cwd=project).stdout.splitlines()))
    seen = 0
    for turn in range(100 if TORTURE else 3 if SANITIZED else 10):
        scene.restore()
        # by what it has come to, not by the clock: how long it takes is not the same each time
        lines, seconds = random_.randrange(len(events)), random_.uniform(0, whole / len(events))
        status = kill_after(scene.lake, seconds, turn % 2 == 0, "run", "--events", cwd=project, lines=lines)
        assert status in (0, -signal.SIGKILL)
        orphans()
        check_run(scene, status, f"turn {turn}: killed {seconds:.4f} s after event {lines}")
        seen += any(b["name"].startswith("tx/") for b in scene.lake.json("branch", "ls", "-a")["refs"])
        scene.lake.run("run", cwd=project)
        assert scene.lake.rows("SELECT total FROM total") == [["90"]]
        scene.lake.fsck()
    assert seen > 0


@pytest.mark.parametrize("fault", ["op=any,errno=ENOSPC", "op=all,errno=EIO", "memory",
                                   "op=memfd+map+spawn+socket+send+receive,errno=EMFILE"])
def test_run_with_failing_operations(scene: Scene, tmp_path: Path, orphans: Callable[[], None], fault: str) -> None:
    """Also those by which corrie and a function talk: the run ends, with a reason, and nothing on the target."""
    project = write_project(tmp_path / "project")
    scene.restore()
    scene.lake.run("run", cwd=project)  # makes the environment
    if fault == "memory":
        total = count_allocations(scene, "run", cwd=project)
    else:
        scene.restore()
        op = fault.split(",")[0].removeprefix("op=")
        total = scene.faults.count(scene.argv("run"), op=op, cwd=project, env=scene.lake.env, timeout=TIMEOUT)
    for at in sample(total, 4, 200):
        scene.restore()
        if fault == "memory":
            ended = scene.lake.run("run", cwd=project, env={"CORRIE_FAULT_ALLOC": f"{at}"}, status=None)
        else:
            ended = scene.faults.run(scene.argv("run"), f"{fault},at={at}", cwd=project, env=scene.lake.env,
                                     timeout=TIMEOUT)
        if ended.returncode != 0:
            said(ended, f"{fault} at {at}")
        orphans()
        published = scene.lake.head() != scene.before
        assert published or ended.returncode != 0, f"{fault} at {at}: told to be done, and is not there"
        tables = {t["name"] for t in scene.lake.json("table", "ls")["tables"] if t["namespace"] == "public"}
        assert tables == ({"t", "even", "total"} if published else {"t"}), f"{fault} at {at}"
        scene.check_jobs()
        scene.lake.fsck()
        scene.lake.run("run", cwd=project)


@pytest.mark.parametrize("whole_group", [True, False])
def test_a_killed_run_leaves_no_process_and_its_state(scene: Scene, tmp_path: Path, orphans: Callable[[], None],
                                                      whole_group: bool) -> None:
    """Killed while a function works: the function ends, the job is lost, its ref shows how far it came."""
    marker = tmp_path / "working"
    project = write_project(tmp_path / "project", **{"slow.py": f"""
import corrie


@corrie.model(columns=['n'], materialization_strategy='REPLACE')
@corrie.python('3.11')
def slow(rows=corrie.Model('even')):
    import pathlib, time
    pathlib.Path({str(marker)!r}).touch()
    time.sleep(1000)
    return rows
"""})
    scene.restore()
    started = subprocess.Popen([BIN / "corrie", "run"], cwd=project, env=scene.lake.env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while not marker.exists():
        assert started.poll() is None
        time.sleep(0.02)
    if whole_group:
        os.killpg(started.pid, signal.SIGKILL)
    else:
        started.kill()
    assert started.wait(TIMEOUT) == -signal.SIGKILL
    orphans()
    job = scene.lake.json("job", "get", "last")
    assert (job["kind"], job["status"], job["commit_out"]) == ("run", "lost", None)
    refs = {b["name"] for b in scene.lake.json("branch", "ls", "-a")["refs"]}
    assert refs == {"main", f"tx/{job['job']}"}
    assert scene.lake.head() == scene.before
    assert scene.lake.rows("SELECT count(*) FROM even", "--ref", f"tx/{job['job']}") == [["10"]]
    scene.lake.fsck()


# ---- many at once ---------------------------------------------------------------------------------------------------

AT_ONCE = 4
EACH = 25 if TORTURE else 2 if SANITIZED else 5


def at_once(act: Callable[[int, int], Any]) -> list[Any]:
    """What `act(worker, turn)` gave, of AT_ONCE workers that take EACH turns at the same time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        turns = [pool.submit(lambda w: [act(w, turn) for turn in range(EACH)], worker) for worker in range(AT_ONCE)]
        return [result for worker in turns for result in worker.result()]


def test_imports_into_different_tables_at_once(lake: Lake, tmp_path: Path) -> None:
    """All of them land, from the very first moment, when there is not even a lake."""

    def one(worker: int, turn: int) -> None:
        lake.run("import", csv(tmp_path / f"{worker}-{turn}.csv", [[str(turn), f"w{worker}"]]), f"t{worker}")

    at_once(one)
    for worker in range(AT_ONCE):
        assert lake.rows(f"SELECT n, s FROM t{worker} ORDER BY n") == [[str(t), f"w{worker}"] for t in range(EACH)]
    assert len(lake.json("log", "-n", "0")["commits"]) == 1 + AT_ONCE * EACH
    lake.fsck()


def test_branches_made_and_removed_at_once(lake: Lake) -> None:
    def one(worker: int, turn: int) -> None:
        lake.run("branch", "create", f"w{worker}/t{turn}")
        if turn % 2:
            lake.run("branch", "rm", f"w{worker}/t{turn}", "--yes")

    at_once(one)
    names = [b["name"] for b in lake.json("branch", "ls")["refs"]]
    assert names == sorted(["main"] + [f"w{w}/t{t}" for w in range(AT_ONCE) for t in range(0, EACH, 2)])
    lake.fsck()


def test_imports_into_one_table_at_once(lake: Lake, tmp_path: Path) -> None:
    """Files of several people into one table that none of them finds there: every row lands, once."""

    def one(worker: int, turn: int) -> list[str]:
        row = [str(worker * 1000 + turn), f"w{worker}"]
        lake.run("import", csv(tmp_path / f"{worker}-{turn}.csv", [row]), "t")
        return row

    rows = sorted(at_once(one), key=lambda row: int(row[0]))
    assert lake.rows("SELECT n, s FROM t ORDER BY n") == rows
    assert len(lake.json("log", "-n", "0")["commits"]) == 1 + len(rows)
    lake.fsck()


def test_one_file_imported_by_many_at_once(lake: Lake, tmp_path: Path) -> None:
    """Its rows are there once, and one of them is told that it brought them."""
    lake.run("import", csv(tmp_path / "first.csv", [["-1", "first"]]), "t")
    files = [csv(tmp_path / f"{turn}.csv", [[str(turn), "x"], [str(turn + 100), "y"]]) for turn in range(EACH)]

    def one(_: int, turn: int) -> dict[str, Any]:
        return dict(lake.json("import", files[turn], "t"))

    told = at_once(one)
    assert lake.rows("SELECT count(*), count(DISTINCT n) FROM t") == [[str(1 + 2 * EACH)] * 2]
    assert sum(document["rows"] for document in told) == 2 * EACH
    assert sum(document["files"][0]["status"] == "imported" for document in told) == EACH
    assert all((document["commit"] is None) == (document["rows"] == 0) for document in told)
    lake.fsck()


def test_one_branch_name_for_many(lake: Lake) -> None:
    """Of those who make the same branch at once, one succeeds."""

    def one(_: int, turn: int) -> int:
        return lake.run("branch", "create", f"b{turn}", status=None).returncode

    results = at_once(one)
    assert sorted(results) == [0] * EACH + [4] * (AT_ONCE - 1) * EACH


# ---- a full disk ----------------------------------------------------------------------------------------------------


def noise(path: Path, rows: int) -> Path:
    """Rows that do not compress."""
    random_ = random.Random(rows)
    return csv(path, [[str(i), random_.randbytes(30).hex()] for i in range(rows)])


def test_a_full_disk(scene: Scene, tmp_path: Path) -> None:
    scene.restore()
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("a small file system cannot be mounted here (not root?)")
    try:
        lake = Lake(place / "lake", scene.lake.home, {**scene.lake.env, "CORRIE_LAKE": str(place / "lake")})
        lake.run("import", csv(tmp_path / "old.csv", OLD), "t")
        before = lake.head()
        big = noise(tmp_path / "big.csv", 100_000)
        assert "space" in lake.error("import", big, "t", status=5)
        assert lake.head() == before
        assert lake.json("job", "get", "last")["status"] == "failed"
        assert lake.rows("SELECT n, s FROM t ORDER BY n") == OLD
        lake.fsck()
        lake.run("import", scene.more, "t")  # what did not fit has not kept its space
        assert lake.rows("SELECT n, s FROM t ORDER BY n") == OLD + MORE

        # not a byte left: even reading needs room for SQLite's index of the log
        before = lake.head()
        with (place / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(b"x" * 4096)
        lake.error("import", csv(tmp_path / "one.csv", [["99", "x"]]), "t", status=5)
        lake.error("branch", "create", "side", status=5)
        (place / "filler").unlink()
        assert lake.head() == before
        lake.fsck()
        lake.run("import", tmp_path / "one.csv", "t")
        assert lake.rows("SELECT count(*) FROM t") == [["16"]]
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("limit", [64 * 1024, 1024 * 1024])
def test_a_limit_of_file_size(scene: Scene, tmp_path: Path, limit: int) -> None:
    """`ulimit -f` and quotas: an error like a full disk, not a signal."""
    scene.restore()
    big = noise(tmp_path / "big.csv", 100_000)
    started = scene.lake.start("import", big, "t", before=("prlimit", f"--fsize={limit}"))
    _, stderr = started.communicate(timeout=TIMEOUT)
    assert started.returncode == 5, f"exit {started.returncode}\n{stderr}"
    scene.check_import(None, f"file size at most {limit}")


# ---- damage ---------------------------------------------------------------------------------------------------------


def not_a_crash(done: subprocess.CompletedProcess[str], *statuses: int) -> str:
    assert done.returncode in statuses, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    if done.returncode != 0:
        assert re.search(r"^error: \S", done.stderr, re.MULTILINE), done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("damage", ["empty", "text", "header", "half", "page", "byte", "gone"])
def test_a_damaged_catalog_is_told(scene: Scene, damage: str) -> None:
    scene.restore()
    path = scene.lake.root / "catalog" / "catalog.db"
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({
            "empty": b"", "text": b"this is no database\n" * 1000, "header": whole[:100],
            "half": whole[: len(whole) // 2 // 4096 * 4096], "page": whole[:4096] + b"\xff" * 4096 + whole[8192:],
            "byte": whole[:-1],
        }[damage])
    for words in (["branch", "ls"], ["query", "SELECT * FROM t"], ["import", scene.more, "t"], ["fsck"]):
        done = scene.lake.run(*words, status=None)
        text = not_a_crash(done, 0, 6) if words[0] != "fsck" or damage == "byte" else not_a_crash(done, 6)
        if done.returncode == 6:
            assert "hint: " in text and ("catalog" in text or words == ["fsck"]), text
    assert damage in ("page", "half", "byte") or scene.lake.run("branch", "ls", status=6)


def test_no_damaged_page_goes_unnoticed(scene: Scene) -> None:
    """Whatever page of the catalog is overwritten: no command crashes or shows other rows, and fsck finds it."""
    scene.restore()
    for i in range(8):
        scene.lake.run("branch", "create", f"side{i}")
    path = scene.lake.root / "catalog" / "catalog.db"
    whole = path.read_bytes()
    random_ = random.Random(3)
    size = int.from_bytes(whole[16:18], "big")
    assert len(whole) >= 5 * size
    for at in range(0, len(whole), size):
        path.write_bytes(whole[:at] + random_.randbytes(size) + whole[at + size:])
        not_a_crash(scene.lake.run("branch", "ls", status=None), 0, 6)
        done = scene.lake.run("query", "SELECT n, s FROM t ORDER BY n", "-o", "csv", status=None)
        not_a_crash(done, 0, 6)
        if done.returncode == 0:
            assert [line.split(",") for line in done.stdout.splitlines()[1:]] == OLD
        not_a_crash(scene.lake.run("fsck", status=None), 6)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x00" * 5000, b"\xff" * 9000, b"\x37\x7f\x06\x82" * 2000])
def test_a_garbage_log_file_is_no_harm(scene: Scene, content: bytes) -> None:
    """A -wal that holds nothing valid holds no commit: the lake is as it was last."""
    scene.restore()
    (scene.lake.root / "catalog" / "catalog.db-wal").write_bytes(content)
    assert scene.lake.head() == scene.before
    scene.check_import(None, "garbage in the log file")


def files_of_table(scene: Scene) -> dict[str, list[Path]]:
    data = scene.lake.root / "data" / "public"
    return {"data": sorted(data.rglob("*.parquet")), "metadata": sorted(data.rglob("*.metadata.json")),
            "manifest": sorted(data.rglob("*.avro"))}


@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "garbage"])
@pytest.mark.parametrize("kind", ["data", "metadata", "manifest"])
def test_a_damaged_file_of_a_table_is_named(scene: Scene, kind: str, damage: str) -> None:
    scene.restore()
    files = files_of_table(scene)[kind]
    assert files
    for path in files:
        whole = path.read_bytes()
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes({"cut": whole[:-7], "empty": b"", "garbage": b"\x93" * len(whole)}[damage])
        found = scene.lake.run("fsck", status=None)
        if (kind, damage) != ("data", "garbage"):  # of data files fsck looks at sizes only
            assert path.name in not_a_crash(found, 6)
        text = not_a_crash(scene.lake.run("query", "SELECT * FROM t", status=None), 5, 6)
        assert path.name in text, text
        not_a_crash(scene.lake.run("branch", "ls", status=None), 0)
        path.write_bytes(whole)
    scene.lake.fsck()


@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "end", "inside"])
def test_a_damaged_file_among_several_is_named(scene: Scene, damage: str) -> None:
    """Found when a query comes to it: damage too, not a fault of the user's data."""
    scene.restore()
    for path in sorted((scene.lake.root / "data" / "other").rglob("*.parquet")):
        whole = path.read_bytes()
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes({"cut": whole[:-7], "empty": b"", "end": whole[:-4] + b"PART",
                              "inside": whole[:8] + b"\x93" * 60 + whole[68:]}[damage])
        text = not_a_crash(scene.lake.run("query", "SELECT max(n), max(s) FROM other.pair", status=None), 6)
        assert path.name in text and "corrie fsck" in text, text
        scene.lake.run("query", "SELECT * FROM t")
        path.write_bytes(whole)
    scene.check_import(None, damage)
