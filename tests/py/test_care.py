"""fsck, repairs, gc, prune: damage is told, what can be put right is, and what is in use is never removed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN, TIMEOUT, Lake, clean_environment
from faults import Faults, was_cut
from kills import SANITIZED, TORTURE, age, catalog, csv, files, put_back, sample
from waiting import stops, until

OLD = [["1", "a"], ["2", "b"]]
GC = ("gc", "--grace", "0", "--keep-reflog", "0", "--yes")


def refs(lake: Lake) -> dict[str, str]:
    return {ref["name"]: ref["commit"] for ref in lake.json("branch", "ls", "--all")["refs"]}


def rows(lake: Lake, table: str = "t", *more: str) -> list[list[str]]:
    return lake.rows(f"SELECT n, s FROM {table} ORDER BY n", *more)


@pytest.fixture
def small(lake: Lake) -> Lake:
    """Two commits on main (table t), and nothing else."""
    lake.run("import", csv(lake.home / "first.csv", OLD[:1]), "t")
    lake.run("import", csv(lake.home / "second.csv", OLD[1:]), "t")
    return lake


@pytest.fixture
def littered(small: Lake) -> Lake:
    """The same and, a day old: a branch that was removed, with more rows in `t` and a table `u` of its own."""
    small.run("branch", "create", "dev")
    small.run("import", csv(small.home / "more.csv", [["3", "c"]]), "t", "--branch", "dev")
    small.run("import", csv(small.home / "other.csv", [["9", "z"]]), "u", "--branch", "dev")
    small.run("branch", "rm", "dev", "--yes")
    age(small)
    return small


# ---- gc -------------------------------------------------------------------------------------------------------------


def test_gc_removes_what_nothing_reaches(littered: Lake) -> None:
    before = files(littered)
    dry = littered.json("gc", "--grace", "0", "--keep-reflog", "0", "--dry-run")
    assert files(littered) == before
    done = littered.json(*GC)
    assert (dry.pop("dry_run"), done.pop("dry_run")) == (True, False)
    assert dry.pop("seconds") >= 0 and done.pop("seconds") >= 0
    assert dry == done
    gone = before - files(littered)
    assert sorted(done["removed_files"]) == sorted(gone) and done["files"] == len(gone) == 8
    assert done["objects"] > 0 and done["strangers"] == 0
    assert [p for p in (littered.root / "data/public").iterdir() if p.name.startswith("u-")] == []
    assert rows(littered) == OLD
    littered.fsck()
    again = littered.json(*GC)
    assert (again["files"], again["objects"]) == (0, 0)
    assert "removed 0 files" in littered.run("gc").stdout


def test_gc_keeps_what_is_young_or_may_come_back(littered: Lake) -> None:
    """The defaults: a day, and a month of the reflog."""
    commit = next(e["old"] for e in littered.json("reflog", "dev")["entries"] if e["new"] is None)
    assert littered.json("gc")["files"] == 0
    littered.run("branch", "create", "back", "--from-ref", f"@{commit}")
    assert rows(littered, "u", "--ref", "back") == [["9", "z"]]
    littered.run("branch", "rm", "back", "--yes")
    littered.run("import", littered.home / "more.csv", "t", "--branch", "main")
    littered.run("branch", "create", "side", "--from-ref", "main~1")
    young = files(littered)
    assert littered.json("gc", "--grace", "1h", "--keep-reflog", "0")["files"] >= 0
    assert rows(littered) == [*OLD, ["3", "c"]]
    assert files(littered) <= young
    littered.fsck()


@pytest.mark.parametrize("how", ["branch", "tag", "tx"])
def test_every_kind_of_ref_keeps_what_it_names(small: Lake, how: str) -> None:
    small.run("branch", "create", "dev")
    small.run("import", csv(small.home / "other.csv", [["9", "z"]]), "u", "--branch", "dev")
    if how == "branch":
        small.run("branch", "create", "keep", "--from-ref", "dev")
    with catalog(small) as db:
        if how == "tag":
            db.execute("INSERT INTO refs SELECT 'v1', 2, target FROM refs WHERE name = 'dev'")
        elif how == "tx":
            db.execute("INSERT INTO refs SELECT 'tx/11111111-2222-4333-8444-555555555555', 3, target FROM refs"
                       " WHERE name = 'dev'")
    small.run("branch", "rm", "dev", "--yes")
    age(small)
    assert small.json(*GC)["files"] == 0
    name = {"branch": "keep", "tag": "v1", "tx": "tx/11111111-2222-4333-8444-555555555555"}[how]
    assert rows(small, "u", "--ref", name) == [["9", "z"]]


def test_gc_leaves_what_it_does_not_know(littered: Lake) -> None:
    table = next((littered.root / "data/public").glob("t-*"))
    strangers = [littered.root / "data/notes.txt", littered.root / "data/public/x.parquet",
                 table / "data/mine.parquet", table / "metadata/version-hint.text",
                 table / "data/00000-0-12345678-1234-4234-8234-123456789abc.parquet"]
    for path in strangers:
        path.write_text("mine")
    unfinished = [table / "metadata/.corrie-tmp-0123456789abcdef", littered.root / ".corrie-tmp-0123456789abcdef"]
    for path in unfinished:
        path.write_text("half")
    young = table / "metadata/.corrie-tmp-fedcba9876543210"
    age(littered)
    young.write_text("half")
    done = littered.json("gc", "--keep-reflog", "0")
    assert done["strangers"] == len(strangers) and all(path.exists() for path in strangers)
    assert not any(path.exists() for path in unfinished) and young.exists()
    assert done["files"] == 8 + len(unfinished)


@pytest.mark.parametrize("kind", [".metadata.json", ".avro"])
def test_gc_removes_nothing_if_it_cannot_see_all(littered: Lake, kind: str) -> None:
    """What a damaged metadata file or manifest names would look like garbage."""
    live = {p for p in files(littered) if p.endswith(kind)}
    live -= set(littered.json(*GC, "--dry-run")["removed_files"])
    path = littered.root / sorted(live)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    before = files(littered)
    said = littered.error(*GC, status=6)
    assert path.name in said and "fsck" in said
    assert files(littered) == before
    path.write_bytes(whole)
    assert littered.json(*GC)["files"] == 8


def test_gc_spares_the_work_of_a_job_that_is_alive(littered: Lake) -> None:
    """An import that stands still for long (a laptop that sleeps) finds its files again, whatever the grace."""
    big = littered.home / "big.csv"
    rows, at_work = 15_000, False
    while not at_work:  # until one is large enough to be stopped in the middle
        rows *= 4
        big.write_text("n,s\n" + "".join(f"{i},{i:040}\n" for i in range(rows)))
        known = files(littered)
        started = littered.start("import", big, "large", "--replace")
        while not files(littered) - known and started.poll() is None:
            pass
        at_work = stops(started)
    for beat in (littered.root / "jobs").rglob("heartbeat"):
        os.utime(beat, (1, 1))  # its heart does not beat, but its process is there to be seen
    time.sleep(2.1)
    littered.run(*GC)
    started.send_signal(signal.SIGCONT)
    _, stderr = started.communicate(timeout=TIMEOUT)
    assert started.returncode == 0, stderr
    assert littered.rows("SELECT count(*) FROM large") == [[str(rows)]]
    littered.run(*GC)
    littered.fsck()


@pytest.mark.parametrize("words", [("--grace", "24"), ("--grace", "1y"), ("--keep-reflog", "-1d"), ("--grace", "")])
def test_lengths_of_time_need_a_unit(small: Lake, words: tuple[str, ...]) -> None:
    assert "length of time" in small.error("gc", *words, status=2)


# ---- gc that is cut off ---------------------------------------------------------------------------------------------

class Scene:
    """A littered lake that is put back before each attempt."""

    def __init__(self, folder: Path) -> None:
        home = folder / "home"
        home.mkdir()
        self.lake = Lake(folder / "lake", home, {**clean_environment(home), "CORRIE_LAKE": str(folder / "lake")})
        self.kept = folder / "kept"
        self.faults = Faults(self.lake.root, program="corrie")

    def keep(self) -> None:
        shutil.copytree(self.lake.root, self.kept)

    def restore(self) -> None:
        put_back(self.lake, self.kept)

    def run(self, spec: str, *words: str) -> subprocess.CompletedProcess[str]:
        return self.faults.run([BIN / "corrie", *words], spec, cwd=self.lake.home, env=self.lake.env, timeout=TIMEOUT)

    def count(self, *words: str) -> int:
        self.restore()
        return self.faults.count([BIN / "corrie", *words], cwd=self.lake.home, env=self.lake.env, timeout=TIMEOUT)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    made = Scene(tmp_path_factory.mktemp("care").resolve())
    lake = made.lake
    lake.run("import", csv(lake.home / "first.csv", OLD), "t")
    lake.run("branch", "create", "dev")
    for i in range(3):
        lake.run("import", csv(lake.home / f"more{i}.csv", [[f"{i + 3}", "c"]]), "t", "--branch", "dev")
    lake.run("branch", "rm", "dev", "--yes")
    age(lake)
    made.keep()
    return made


@pytest.mark.parametrize("how", ["kill", "cut", "errno=EIO", "errno=ENOSPC,sticky"])
def test_gc_cut_off_anywhere_leaves_garbage_at_most(scene: Scene, how: str) -> None:
    total = scene.count(*GC)
    scene.restore()
    scene.lake.run(*GC)
    clean = files(scene.lake)
    for at in sample(total, 12):
        fault = f"op=any,at={at},{how}"
        scene.restore()
        ended = scene.run(fault, *GC)
        if how in ("kill", "cut"):
            assert was_cut(ended), fault
        elif ended.returncode != 0:
            assert ended.returncode == 5 and "error: " in ended.stderr, f"{fault}: {ended.stderr}"
        scene.lake.fsck()
        assert rows(scene.lake) == OLD, fault
        age(scene.lake)
        scene.lake.run(*GC)
        assert files(scene.lake) == clean, f"{fault}: the next gc has not finished it"
        scene.lake.fsck()
        scene.lake.run("import", scene.lake.home / "more0.csv", "t")
        assert rows(scene.lake) == [*OLD, ["3", "c"]], fault


def test_gc_on_a_full_disk(scene: Scene, tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("a small file system cannot be mounted here (not root?)")
    try:
        shutil.copytree(scene.kept, place / "lake")
        lake = Lake(place / "lake", scene.lake.home, {**scene.lake.env, "CORRIE_LAKE": str(place / "lake")})
        with (place / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(b"x" * 4096)
        done = lake.run(*GC, status=None)
        assert done.returncode in (0, 5), done.stderr
        assert done.returncode == 0 or "space" in done.stderr, done.stderr
        (place / "filler").unlink()
        lake.fsck()
        assert rows(lake) == OLD
        lake.run(*GC)
        lake.run("import", lake.home / "more0.csv", "t")
        lake.fsck()
    finally:
        subprocess.run(["umount", "-l", place], check=True)


# ---- gc beside writers ----------------------------------------------------------------------------------------------


def checked(failures: list[str], done: subprocess.CompletedProcess[str], what: str) -> None:
    if done.returncode != 0:
        failures.append(f"{what}: exit {done.returncode}: {done.stdout}\n{done.stderr}")


def beside_gc(lake: Lake, rounds: int, acts: tuple[Callable[[int], None], ...], failures: list[str]) -> None:
    """Each act again and again, all at the same time, beside a gc that never rests. No failure is told to anybody."""
    stop = threading.Event()
    collected: list[int] = []

    def collect() -> None:
        while not stop.is_set():
            checked(failures, lake.run(*GC, "-o", "json", status=None), "gc")
            collected.append(1)

    def work(act: Callable[[int], None]) -> None:
        for turn in range(rounds):
            while turn == rounds - 1 and len(collected) < 3 and not failures:
                time.sleep(0.01)  # whoever is quick waits, so that gc has been beside everybody
            if failures:
                return
            act(turn)

    with ThreadPoolExecutor(len(acts) + 1) as pool:
        collector = pool.submit(collect)
        workers = [pool.submit(work, act) for act in acts]
        try:
            for worker in workers:
                worker.result()
        finally:
            stop.set()
            collector.result()
    assert failures == []
    assert len(collected) >= 3


def test_gc_beside_writers(small: Lake) -> None:
    """Imports, merges, branches that come and go, tables that are replaced, while gc runs with no grace at all: every
    command does what it says, and every row is there."""
    rounds = 1000 if TORTURE else 4 if SANITIZED else 25
    failures: list[str] = []
    check = partial(checked, failures)

    def append(turn: int) -> None:
        path = csv(small.home / f"a{turn}.csv", [[f"{1000 + turn}", "a"]])
        check(small.run("import", path, "t", status=None), f"append {turn}")

    def replace(turn: int) -> None:
        path = csv(small.home / f"r{turn}.csv", [[f"{turn}", "r"]])
        check(small.run("import", path, "r", "--replace", status=None), f"replace {turn}")

    def merge(turn: int) -> None:
        path = csv(small.home / f"m{turn}.csv", [[f"{turn}", "m"]])
        name = f"side{turn}"
        check(small.run("branch", "create", name, "--from-ref", "main", status=None), f"create {turn}")
        check(small.run("import", path, "m", "--branch", name, status=None), f"import {turn}")
        check(small.run("branch", "merge", name, "--into", "main", status=None), f"merge {turn}")
        check(small.run("branch", "rm", name, "--yes", status=None), f"rm {turn}")

    def abandon(turn: int) -> None:
        path = csv(small.home / f"x{turn}.csv", [[f"{turn}", "x"]])
        check(small.run("branch", "create", f"gone{turn}", status=None), f"create gone {turn}")
        check(small.run("import", path, "x", "--branch", f"gone{turn}", status=None), f"import gone {turn}")
        check(small.run("branch", "rm", f"gone{turn}", "--yes", status=None), f"rm gone {turn}")

    beside_gc(small, rounds, (append, replace, merge, abandon), failures)
    small.fsck()
    assert rows(small) == [*OLD, *([f"{1000 + i}", "a"] for i in range(rounds))]
    assert small.rows("SELECT n FROM r") == [[f"{rounds - 1}"]]
    assert sorted(int(n) for (n,) in small.rows("SELECT n FROM m")) == list(range(rounds))
    age(small)
    small.run(*GC)
    assert [p for p in (small.root / "data/public").iterdir() if p.name.startswith("x-")] == []
    small.fsck()


def test_gc_beside_changes_of_tables(small: Lake) -> None:
    """Statements of SQL, compactions, expiry and files in place, while gc runs with no grace at all."""
    rounds = 300 if TORTURE else 3 if SANITIZED else 10
    failures: list[str] = []
    check = partial(checked, failures)
    small.run("sql", "CREATE TABLE u AS SELECT range AS n, 0 AS turn FROM range(10)")

    def sql(statements: str) -> None:
        """A script that takes longer than gc's grace of none is told so, and has done nothing."""
        done = small.run("sql", statements, status=None)
        while done.returncode == 4 and "what a collection (gc) may have removed" in done.stderr:
            done = small.run("sql", statements, status=None)
        check(done, statements)

    def change(turn: int) -> None:
        sql(f"UPDATE u SET turn = turn + 1 WHERE n % 3 = 0; INSERT INTO u VALUES ({100 + turn}, 0); "
            f"DELETE FROM u WHERE n = {99 + turn}")

    def append(turn: int) -> None:
        sql(f"INSERT INTO t VALUES ({1000 + turn}, 'a')")

    def care(turn: int) -> None:
        check(small.run("table", "compact", "t", status=None), f"compact {turn}")
        check(small.run("table", "expire", "t", "--older-than", "0", status=None), f"expire {turn}")

    def place(turn: int) -> None:
        path = small.home / f"p{turn}.parquet"
        check(small.run("query", f"SELECT {turn} AS n", "--to", path, status=None), f"query {turn}")
        check(small.run("import", path, "p", "--in-place", status=None), f"in place {turn}")

    beside_gc(small, rounds, (change, append, care, place), failures)
    small.fsck()
    assert rows(small) == [*OLD, *([f"{1000 + i}", "a"] for i in range(rounds))]
    assert sorted(int(n) for (n,) in small.rows("SELECT n FROM p")) == list(range(rounds))
    assert small.rows("SELECT count(*), max(n) FROM u") == [["11", f"{99 + rounds}"]]
    assert small.rows("SELECT n, turn FROM u WHERE turn > 0 AND n < 100 ORDER BY n") == [
        [str(n), str(rounds)] for n in (0, 3, 6, 9)]
    age(small)
    small.run(*GC)
    small.fsck()


MODELS = {
    "published": {"one": "SELECT n::BIGINT AS n FROM t", "two": "SELECT n, 2 * n AS twice FROM one",
                  "three": "SELECT sum(twice)::BIGINT AS s FROM two"},
    "beside": {"b1": "SELECT n::BIGINT AS n FROM m", "b2": "SELECT sum(n)::BIGINT AS s FROM b1"},
    "failing": {"f1": "SELECT n::BIGINT AS n FROM fixed", "f2": "SELECT error('no such luck') AS n FROM f1"},
    "again": {"a1": "SELECT n::BIGINT AS n FROM fixed", "a2": "SELECT sum(n)::BIGINT AS s FROM a1"},
}


def sql_project(folder: Path, models: dict[str, str]) -> Path:
    """A project of models in SQL alone: a run of it costs little."""
    folder.mkdir()
    (folder / "corrie.yaml").write_text("project:\n  id: 550e8400-e29b-41d4-a716-446655440000\n  name: t\n")
    for name, select in models.items():
        (folder / f"{name}.sql").write_text(f"-- corrie: materialization_strategy=REPLACE\n{select}\n")
    return folder


def test_gc_beside_runs(small: Lake) -> None:
    """Runs that publish, runs on branches that are merged, runs that fail and runs that make again what was removed
    (so that what the cache of functions names is gone), while gc runs with no grace at all."""
    rounds = 100 if TORTURE else 2 if SANITIZED else 4
    failures: list[str] = []
    known: set[str] = set()
    check = partial(checked, failures)

    def same(seen: object, wanted: object, what: str) -> None:
        if seen != wanted:
            failures.append(f"{what}: {seen}, not {wanted}")

    small.run("import", csv(small.home / "fixed.csv", OLD), "fixed")
    published, beside, failing, again = (sql_project(small.home / name, MODELS[name]) for name in MODELS)

    def publish(turn: int) -> None:
        path = csv(small.home / f"p{turn}.csv", [[f"{turn}", "p"]])
        check(small.run("import", path, "t", status=None), f"import p{turn}")
        check(small.run("run", cwd=published, status=None), f"run {turn}")
        same(small.rows("SELECT s FROM three"), [[f"{2 * (3 + sum(range(turn + 1)))}"]], f"three, {turn}")

    def merge(turn: int) -> None:
        path = csv(small.home / f"m{turn}.csv", [[f"{turn}", "m"]])
        name = f"side{turn}"
        check(small.run("branch", "create", name, "--from-ref", "main", status=None), f"create {turn}")
        check(small.run("import", path, "m", "--branch", name, status=None), f"import m{turn}")
        check(small.run("run", "--ref", name, cwd=beside, status=None), f"run on {name}")
        check(small.run("branch", "merge", name, "--into", "main", status=None), f"merge {turn}")
        check(small.run("branch", "rm", name, "--yes", status=None), f"rm {turn}")
        same(small.rows("SELECT s FROM b2"), [[f"{sum(range(turn + 1))}"]], f"b2, {turn}")

    def fail(turn: int) -> None:
        done = small.run("run", cwd=failing, status=None)
        if done.returncode == 0:
            failures.append(f"failing {turn}: it did not")
            return
        left = {ref["name"] for ref in small.json("branch", "ls", "--all")["refs"] if ref["name"].startswith("tx/")}
        seen = [small.run("query", "SELECT sum(n)::BIGINT FROM f1", "--ref", ref, "-o", "csv", status=None)
                for ref in left - known]
        known.update(left)
        if "3" not in [line for one in seen for line in one.stdout.splitlines()]:
            failures.append(f"failing {turn}: {done.stderr}\n{[one.stderr for one in seen]}")

    def repeat(turn: int) -> None:
        name = f"again{turn}"
        check(small.run("branch", "create", name, "--from-ref", "main", status=None), f"create {name}")
        check(small.run("run", "--ref", name, cwd=again, status=None), f"run on {name}")
        same(small.rows("SELECT s FROM a2", "--ref", name), [["3"]], f"a2, {turn}")
        check(small.run("branch", "rm", name, "--yes", status=None), f"rm {name}")

    beside_gc(small, rounds, (publish, merge, fail, repeat), failures)
    small.fsck()
    assert {job["status"] for job in small.json("job", "ls", "-n", "0")["jobs"]} <= {"done", "failed"}


# ---- fsck and repairs -----------------------------------------------------------------------------------------------


def damage(lake: Lake, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lake.run("fsck", *words, "-o", "json", status=6).stdout)
    assert found["problems"]
    lines = [(p["where"], p["what"]) for p in found["problems"]]
    assert len(set(lines)) == len(lines), "a problem is told twice"
    return found


def repaired(lake: Lake, n: int) -> None:
    """Says first what it would do and does nothing; does it; and finds nothing to do any more."""
    before = refs(lake) if lake.run("branch", "ls", "--all", status=None).returncode == 0 else {}
    dry = damage(lake, "--repair", "--dry-run")
    assert len(dry["repairs"]) == n and not any(r["done"] for r in dry["repairs"])
    assert not before or refs(lake) == before
    done = lake.json("fsck", "--repair")
    assert [(r["where"], r["what"], r["done"]) for r in done["repairs"]] == \
        [(r["where"], r["what"], True) for r in dry["repairs"]]
    assert done["problems"] == []
    assert lake.json("fsck", "--repair")["repairs"] == []
    lake.fsck()


def test_fsck_says_where_and_what_once(small: Lake) -> None:
    """One file that is gone does not hide the others, and is told once although two versions of the table name it."""
    small.unreadable = "files of it are gone"
    gone = sorted((small.root / "data").rglob("*.parquet"))[0]
    manifest = sorted((small.root / "data").rglob("*-m0.avro"))[0]
    gone.unlink()
    manifest.write_bytes(b"no manifest")
    found = damage(small)
    assert any(manifest.name in p["what"] for p in found["problems"])
    assert {p["where"] for p in found["problems"]} == {"table public.t"}
    text = small.run("fsck", status=6)
    assert manifest.name in text.stdout.replace("\n", "") and "--repair" in text.stderr


def test_a_branch_whose_commit_is_gone_goes_back(small: Lake) -> None:
    head = small.head()
    with catalog(small) as db:
        db.execute("DELETE FROM objects WHERE name = ?", (bytes.fromhex(head),))
    damage(small)
    repaired(small, 1)
    assert rows(small) == OLD[:1]
    entry = small.json("reflog", "main")["entries"][0]
    assert entry["old"] == head and entry["why"].startswith("fsck --repair")
    small.run("import", small.home / "second.csv", "t")
    assert rows(small) == OLD
    small.fsck()


@pytest.mark.parametrize("kind", [1, 2])
def test_a_branch_on_damaged_objects_goes_back(small: Lake, kind: int) -> None:
    """A flipped byte in a node of its tree, or in its commit. The older state is whole, and what the reflog names still
    goes with the next collection."""
    with catalog(small) as db:
        newest = db.execute("SELECT id, stored FROM objects WHERE type = ? ORDER BY id DESC", (kind,))
        which, stored = newest.fetchone()
        flipped = bytes([*stored[:-1], stored[-1] ^ 0x40])
        db.execute("UPDATE objects SET stored = ? WHERE id = ?", (flipped, which))
    found = damage(small, "--repair")
    assert [r["done"] for r in found["repairs"]] == [True]
    assert rows(small) == OLD[:1]
    assert damage(small, "--repair")["repairs"] == []
    small.run("import", small.home / "second.csv", "t")
    age(small)
    small.run(*GC)
    small.fsck()
    assert rows(small) == OLD


@pytest.mark.parametrize(("kind", "gone"), [(2, True), (2, False), (1, True), (1, False)])
def test_damage_is_told_as_damage_by_every_command(small: Lake, kind: int, gone: bool) -> None:
    """A script that sees "not found" for a damaged branch would take its tables for dropped."""
    (small.home / "project").mkdir()
    (small.home / "project/corrie.yaml").write_text(
        "project:\n  id: 550e8400-e29b-41d4-a716-446655440000\n  name: t\n")
    (small.home / "project/out.sql").write_text("SELECT * FROM t")
    with catalog(small) as db:
        which, stored = db.execute("SELECT id, stored FROM objects WHERE type = ? ORDER BY id DESC", (kind,)).fetchone()
        if gone:
            db.execute("DELETE FROM objects WHERE id = ?", (which,))
        else:
            db.execute("UPDATE objects SET stored = ? WHERE id = ?", (stored[:-1] + bytes([stored[-1] ^ 0x40]), which))
    commands: list[tuple[str | Path, ...]] = [
        ("query", "SELECT * FROM t"), ("table", "ls"), ("table", "get", "t"), ("namespace", "ls"), ("status",),
        ("table", "history", "t"), ("diff", "main~1", "main"), ("show", "main"),
        ("import", small.home / "second.csv", "u"), ("table", "rm", "t", "--yes"), ("revert", "main"),
        ("run", "--project-dir", small.home / "project", "--dry-run"), ("run", "--project-dir", small.home / "project"),
        ("fsck",)]
    if kind == 2:
        commands += [("log",), ("branch", "create", "dev"), ("checkout", "-b", "dev"),
                     ("branch", "reset", "main", "main~1", "--yes")]
    if kind == 2 and gone:
        commands += [("tag", "create", "v1")]
    told = {" ".join(map(str, c)): small.run(*c, status=None) for c in commands}
    assert {c: done.returncode for c, done in told.items()} == dict.fromkeys(told, 6)
    assert all("fsck" in done.stderr for done in told.values())
    small.run("fsck", "--repair", status=None)
    assert rows(small) == OLD[:1]


def test_what_was_collected_is_not_found(littered: Lake) -> None:
    """A reflog remembers more than is kept: that is no damage."""
    gone = littered.json("reflog", "dev")["entries"][1]["time"]
    littered.run(*GC)
    assert "collected" in littered.error("branch", "restore", "dev", status=3)
    littered.run("branch", "create", "dev")
    assert "collected" in littered.error("show", f"dev*{gone}", status=3)
    littered.fsck()


def test_lost_refs_come_back(small: Lake) -> None:
    small.run("branch", "create", "dev", "--from-ref", "main~1")
    small.run("branch", "create", "removed")
    small.run("branch", "rm", "removed", "--yes")
    before = refs(small)
    with catalog(small) as db:
        db.execute("DELETE FROM refs")
    found = damage(small)
    assert {"ref dev", "ref main"} <= {p["where"] for p in found["problems"]}
    repaired(small, 2)
    assert refs(small) == before
    assert rows(small) == OLD


def test_main_is_made_when_no_branch_is_left(small: Lake) -> None:
    small.run("branch", "create", "dev")
    small.run("import", csv(small.home / "more.csv", [["3", "c"]]), "t", "--branch", "dev")
    with catalog(small) as db:
        for name in ("main", "dev"):
            db.execute("INSERT INTO reflog SELECT ref, max(sequence) + 1, kind, new, NULL, time + 1, who, 'gone'"
                       " FROM reflog WHERE ref = ?", (name,))
        db.execute("DELETE FROM refs")
    assert [p["what"] for p in damage(small)["problems"]] == ["there is no branch"]
    repaired(small, 1)
    assert list(refs(small)) == ["main"] and rows(small) == OLD


def test_the_index_of_jobs_is_made_again(small: Lake) -> None:
    before = small.json("job", "ls")
    with catalog(small) as db:
        db.execute("DELETE FROM records")
    assert small.json("job", "ls")["jobs"] == []
    assert {p["where"] for p in damage(small)["problems"]} == {f"job {job['job']}" for job in before["jobs"]}
    repaired(small, 2)
    assert small.json("job", "ls") == before


def test_a_job_that_was_killed_before_its_index_is_no_damage(small: Lake) -> None:
    """It has its record and nothing else: repair lists it, but nothing was lost."""
    record = json.loads((sorted((small.root / "jobs").rglob("job.json"))[0]).read_text())
    record.update(job="11111111-2222-4333-8444-555555555555", status="running", pid=2147483000)
    folder = small.root / "jobs" / record["started"][:10] / record["job"]
    folder.mkdir()
    (folder / "job.json").write_text(json.dumps(record))
    small.fsck()
    assert len(small.json("fsck", "--repair")["repairs"]) == 1
    assert "lost" in {job["status"] for job in small.json("job", "ls")["jobs"]}


def test_an_index_of_the_catalog_is_made_again(small: Lake) -> None:
    """Rows that the index of names does not have cannot be found: readers would say that they are missing."""
    with catalog(small) as db:
        db.execute("PRAGMA writable_schema = ON")
        saved = db.execute("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master"
                           " WHERE name = 'objects_by_name'").fetchone()
        db.execute("DELETE FROM sqlite_master WHERE name = 'objects_by_name'")
    with catalog(small) as db:
        which, name, type_, stamp, stored = db.execute("SELECT * FROM objects ORDER BY id DESC").fetchone()[:5]
        db.execute("DELETE FROM objects WHERE id = ?", (which,))
        db.execute("INSERT INTO objects (id, name, type, stamp, stored) VALUES (?, ?, ?, ?, ?)",
                   (which + 7, name, type_, stamp, stored))
        db.execute("PRAGMA writable_schema = ON")
        db.execute("INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, ?, ?)", saved)
    found = damage(small)
    assert any(p["where"] == "file" for p in found["problems"])
    dry = damage(small, "--repair", "--dry-run")
    assert dry["repairs"][0]["where"] == "file"
    assert small.json("fsck", "--repair")["repairs"][0]["done"] is True
    small.fsck()
    assert rows(small) == OLD


def test_what_cannot_be_repaired_stays_in_the_list(small: Lake) -> None:
    small.unreadable = "a metadata file is cut"
    path = sorted((small.root / "data").rglob("*.metadata.json"))[-1]
    path.write_bytes(path.read_bytes()[:100])
    before = refs(small)
    found = damage(small, "--repair")
    assert found["repairs"] == [] and any(path.name in p["what"] for p in found["problems"])
    assert refs(small) == before
    assert "copy" in small.run("fsck", "--repair", status=6).stderr


def test_repairs_cut_off_anywhere_can_be_made_again(small: Lake, tmp_path: Path) -> None:
    small.run("branch", "create", "dev", "--from-ref", "main~1")
    head = small.head()
    with catalog(small) as db:
        db.execute("DELETE FROM objects WHERE name = ?", (bytes.fromhex(head),))
        db.execute("DELETE FROM refs WHERE name = 'dev'")
        db.execute("DELETE FROM records")
    kept = tmp_path / "kept"
    shutil.copytree(small.root, kept)
    faults = Faults(small.root, program="corrie")
    argv: list[str | Path] = [BIN / "corrie", "fsck", "--repair"]
    total = faults.count(argv, cwd=small.home, env=small.env, timeout=TIMEOUT)
    for at in sample(total, 8):
        shutil.rmtree(small.root)
        shutil.copytree(kept, small.root)
        assert was_cut(faults.run(argv, f"op=any,at={at},cut", cwd=small.home, env=small.env, timeout=TIMEOUT))
        assert small.json("fsck", "--repair")["problems"] == []
        assert sorted(refs(small)) == ["dev", "main"] and rows(small) == OLD[:1]
        assert len(small.json("job", "ls")["jobs"]) == 2
        small.fsck()


def test_dry_run_alone_is_a_mistake(small: Lake) -> None:
    assert "--repair" in small.error("fsck", "--dry-run", status=2)


# ---- prune ----------------------------------------------------------------------------------------------------------


def test_prune_removes_old_branches_and_says_how_they_come_back(small: Lake) -> None:
    for name in ("trial.a", "trial.b", "other"):
        small.run("branch", "create", name)
    age(small)
    small.run("branch", "create", "trial.young")
    small.run("checkout", "trial.b")
    before = refs(small)
    dry = small.json("branch", "prune", "trial.", "--older-than", "1h", "--dry-run")
    assert refs(small) == before
    done = small.json("branch", "prune", "trial.", "--older-than", "1h", "--yes")
    assert dry["pruned"] == done["pruned"] and (dry["dry_run"], done["dry_run"]) == (True, False)
    assert [p["name"] for p in done["pruned"]] == ["trial.a"] and done["kept"] == 2
    assert done["pruned"][0]["why"] == "old"
    assert set(before) - set(refs(small)) == {"trial.a"}
    subprocess.run(["bash", "-c", done["pruned"][0]["restore"]], check=True, cwd=small.home, capture_output=True,
                   env={**small.env, "PATH": f"{BIN}:{os.environ['PATH']}"})
    assert refs(small) == before
    assert small.json("branch", "prune", "m", "--older-than", "0")["pruned"][0]["name"] == "main"
    small.error("branch", "prune", "", status=2)


def test_prune_never_removes_the_last_branch(small: Lake) -> None:
    small.run("branch", "create", "dev")
    with catalog(small) as db:
        db.execute("DELETE FROM refs WHERE name = 'main'")
    assert small.json("branch", "prune", "d", "--older-than", "0")["pruned"] == []


def make_tx(lake: Lake, job: str, commit: str) -> None:
    with catalog(lake) as db:
        db.execute("INSERT INTO refs VALUES (?, 3, ?)", (f"tx/{job}", bytes.fromhex(commit)))
        db.execute("INSERT INTO reflog VALUES (?, 1, 3, NULL, ?, ?, 'ada', 'begin the job')",
                   (f"tx/{job}", bytes.fromhex(commit), time.time_ns()))


def test_prune_removes_what_jobs_left(small: Lake) -> None:
    """Of a job that was published at once, of one that failed when it is old, of one that is at work never."""
    published = small.json("job", "ls")["jobs"][0]["job"]
    unknown = "11111111-2222-4333-8444-555555555555"
    head = small.head()
    make_tx(small, published, head)
    make_tx(small, unknown, head)
    first = small.json("branch", "prune", "--yes")
    assert [(p["name"], p["kind"], p["why"]) for p in first["pruned"]] == [(f"tx/{published}", "tx", "published")]
    assert first["kept"] == 1
    age(small)
    assert small.json("branch", "prune", "--yes")["pruned"] == []
    second = small.json("branch", "prune", "--older-than", "24h", "--yes")
    assert [(p["name"], p["why"]) for p in second["pruned"]] == [(f"tx/{unknown}", "old")]
    assert list(refs(small)) == ["main"]
    small.fsck()


def test_prune_spares_a_job_that_is_at_work(small: Lake) -> None:
    started = small.start("import", "-", "t", "--format", "csv", stdin=subprocess.PIPE)
    try:
        assert started.stdin
        started.stdin.write("n,s\n3,c\n")  # and there it waits for more
        started.stdin.flush()
        job = until(lambda: small.json("job", "ls", "-s", "running")["jobs"], started)[0]["job"]
        assert stops(started)
        make_tx(small, job, small.head())
        age(small)
        assert small.json("branch", "prune", "--older-than", "0", "--yes")["pruned"] == []
        started.kill()
        started.wait()
        pruned = small.json("branch", "prune", "--older-than", "0", "--yes")["pruned"]
        assert [p["name"] for p in pruned] == [f"tx/{job}"]
    finally:
        started.kill()
        started.communicate()
