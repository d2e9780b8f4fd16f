"""Whatever changes tables, killed at each of its operations and at any moment: scripts of SQL, files taken in place,
imports and runs over many partitions, compact, expire.

Afterwards the branch is where it was or where it was to be, with all that the change is to do or nothing of it; fsck
finds nothing, gc leaves the files of the one or of the other, and the same command goes on.
"""

from __future__ import annotations

import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import pytest
from conftest import BIN, TIMEOUT, Lake, clean_environment
from faults import Faults, was_cut
from kills import SANITIZED, TORTURE, age, csv, files, kill_after, measured, put_back, sample

duckdb = pytest.importorskip("duckdb")

SCRIPT = """
INSERT INTO t SELECT 100 + range, 'new' FROM range(3);
UPDATE t SET s = s || '!' WHERE n < 3;
DELETE FROM t WHERE n = 5;
MERGE INTO t USING (VALUES (7, 'm'), (50, 'i')) AS v(n, s) ON t.n = v.n
  WHEN MATCHED THEN UPDATE SET s = v.s WHEN NOT MATCHED THEN INSERT *;
CREATE TABLE made AS SELECT count(*) AS n, 'x' AS s FROM t;
ALTER TABLE plain ADD COLUMN extra BIGINT
"""
MODEL = """-- corrie: materialization_strategy=OVERWRITE_PARTITIONS partitioned_by='truncate(4, n)'
SELECT range AS n, 'again' AS s FROM range(6, 14)
"""
ACTIONS: dict[str, list[str]] = {
    "sql": ["sql", "-f", "script.sql"],
    "import into partitions": ["import", "many.csv", "t"],
    "import --in-place": ["import", "place.parquet", "plain", "--in-place"],
    "import --replace": ["import", "many.csv", "plain", "--replace"],
    "run": ["run", "--project-dir", "project"],
    "compact": ["table", "compact", "t"],
    "expire": ["table", "expire", "t", "--older-than", "0"],
}


@dataclass
class Scene:
    """t: twelve rows in three snapshots, by truncate(4, n); plain: of a file that was taken in place."""

    lake: Lake
    kept: Path
    faults: Faults
    before: str = ""
    done: dict[str, tuple[Any, Counter[str]]] = field(default_factory=dict)  # by action: what it leads to
    old: tuple[Any, Counter[str]] | None = None

    def restore(self) -> None:
        put_back(self.lake, self.kept)
        shutil.rmtree(self.lake.home / ".local", ignore_errors=True)

    def state(self) -> Any:
        """Of each table its rows, files and snapshots."""
        found = {}
        for name in sorted(table["name"] for table in self.lake.json("table", "ls")["tables"]):
            table = self.lake.json("table", "get", name)
            assert len(self.lake.json("table", "files", name)["files"]) == table["files"]
            found[name] = (sorted(self.lake.rows(f"SELECT * FROM {name}")), table["files"], table["records"],
                           [c["name"] for c in table["fields"]])
        return found

    def clean(self) -> Counter[str]:
        """A day later, when what jobs left is pruned and what nothing reaches is gone: how many files of a kind."""
        age(self.lake)
        self.lake.run("branch", "prune", "--older-than", "0", "--yes")
        self.lake.run("gc", "--grace", "0", "--keep-reflog", "0", "--yes")
        assert (self.lake.home / "place.parquet").exists() and (self.lake.home / "first.parquet").exists()
        return Counter(PurePath(name).suffix for name in files(self.lake))

    def learn(self, action: str) -> None:
        """What there is before, and after the action is done."""
        if self.old is None:
            self.restore()
            self.old = (self.state(), self.clean())
        if action not in self.done:
            self.restore()
            self.lake.run(*ACTIONS[action])
            assert self.lake.json("log")["commits"][0]["parents"] == [self.before]  # one commit
            self.done[action] = (self.state(), self.clean())
            assert self.done[action] != self.old

    def check(self, action: str, told: int, fault: str) -> None:
        lake, done = self.lake, self.done[action]
        lake.fsck()
        new = lake.head() != self.before
        assert new or told != 0, f"{fault}: told to be done, and is not there"
        assert self.state() == (done if new else self.old)[0], fault  # type: ignore[index]
        if new:
            assert lake.json("log")["commits"][0]["parents"] == [self.before], fault
        states = [job["status"] for job in lake.json("job", "ls")["jobs"]]
        assert set(states) <= {"done", "lost"}, states
        assert self.clean() == (done if new else self.old)[1], f"{fault}: gc leaves something"  # type: ignore[index]
        if not new:
            lake.run(*ACTIONS[action])
            assert self.state() == done[0], fault
            lake.fsck()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("tables").resolve()
    home = folder / "home"
    home.mkdir()
    lake = Lake(folder / "lake", home, {**clean_environment(home), "CORRIE_LAKE": str(folder / "lake")})
    for name, low in (("first", 0), ("place", 10)):
        duckdb.sql(f"SELECT range + {low} AS n, 's' || range AS s FROM range(5)").write_parquet(
            str(home / f"{name}.parquet"))
    csv(home / "many.csv", [[str(4 * i), f"p{i}"] for i in range(40)])
    (home / "script.sql").write_text(SCRIPT)
    (home / "project").mkdir()
    (home / "project/corrie.yaml").write_text("project:\n  id: 550e8400-e29b-41d4-a716-446655440000\n  name: t\n")
    (home / "project/t.sql").write_text(MODEL)
    lake.run("sql", "CREATE TABLE t (n BIGINT, s VARCHAR) PARTITIONED BY (truncate(4, n))")
    for i in range(3):
        lake.run("import", csv(home / f"old{i}.csv", [[str(i + 3 * k), f"s{k}"] for k in range(4)]), "t")
    lake.run("import", "first.parquet", "plain", "--in-place")
    shutil.copytree(lake.root, folder / "kept")
    return Scene(lake, folder / "kept", Faults(lake.root, program="corrie"), lake.head())


@pytest.mark.parametrize("action", ACTIONS)
def test_killed_at_an_operation(scene: Scene, action: str) -> None:
    scene.learn(action)
    scene.restore()
    words: list[str | Path] = [BIN / "corrie", *ACTIONS[action]]
    total = scene.faults.count(words, cwd=scene.lake.home, env=scene.lake.env, timeout=TIMEOUT)
    for at in sample(total, 4):
        scene.restore()
        fault = f"op=any,at={at},kill"
        ended = scene.faults.run(words, fault, cwd=scene.lake.home, env=scene.lake.env, timeout=TIMEOUT)
        assert was_cut(ended), f"{fault}: {ended.stderr}"
        scene.check(action, ended.returncode, f"{action} under {fault}")


@pytest.mark.parametrize("action", ACTIONS)
def test_killed_at_any_moment(scene: Scene, orphans: Callable[[], None], action: str) -> None:
    random_ = random.Random(action)
    scene.learn(action)
    scene.restore()
    whole = measured(lambda: scene.lake.run(*ACTIONS[action]))
    for turn in range(60 if TORTURE else 2 if SANITIZED else 3):
        scene.restore()
        seconds = random_.uniform(whole / 4, whole)  # before, it has hardly begun
        status = kill_after(scene.lake, seconds, turn % 2 == 0, *ACTIONS[action])
        assert status in (0, -signal.SIGKILL)
        orphans()
        scene.check(action, status, f"{action} killed after {seconds:.4f} s")
