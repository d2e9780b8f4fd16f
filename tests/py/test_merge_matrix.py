"""Every change of a table on one branch, every other on another, merged: the rows of neither are lost or doubled.

What cannot be put together is a conflict, and the branch stays. Which pairs those are is the promise: one too few has
merged two changes of the same files, one too many keeps people from work that does not concern theirs.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from conftest import Lake, clean_environment
from kills import SANITIZED

# The table: k from 0 to 29 in three partitions p = k // 10, each of two files of five rows.
SIDES = {
    "append": "INSERT INTO t SELECT 100 + range, 1, 'append' FROM range(3)",
    "append new": "INSERT INTO t SELECT 200 + range, 9, 'new' FROM range(3)",
    "delete": "DELETE FROM t WHERE k = 11",
    "delete beside": "DELETE FROM t WHERE k = 17",  # the partition's other file
    "delete all": "DELETE FROM t WHERE p = 1",
    "update": "UPDATE t SET s = 'update' WHERE k IN (12, 21)",
    "move": "UPDATE t SET p = 5 WHERE k = 22",  # to another partition
    "merge": "MERGE INTO t USING (VALUES (2), (300)) AS v(n) ON t.k = v.n WHEN MATCHED THEN DELETE "
             "WHEN NOT MATCHED THEN INSERT (k, p, s) VALUES (v.n, 3, 'merge')",
    "overwrite": "INSERT OVERWRITE t SELECT 400 + range, 1, 'overwrite' FROM range(2)",
    "replace": "CREATE OR REPLACE TABLE t PARTITIONED BY (p) AS SELECT 1::BIGINT AS k, 1::BIGINT AS p, 'replace' AS s",
    "add column": "ALTER TABLE t ADD COLUMN extra BIGINT",
    "add another": "ALTER TABLE t ADD COLUMN other VARCHAR",
    "rename": "ALTER TABLE t RENAME COLUMN s TO text",
    "repartition": "ALTER TABLE t ADD PARTITION FIELD bucket(2, k)",
    "property": "ALTER TABLE t SET TBLPROPERTIES ('a' = 'b')",
    "compact": "compact",
    "expire": "expire",
    "drop": "DROP TABLE t",
}
# The partitions in which rows change. Who only adds rows, or writes the same ones anew, leaves the others' in peace.
PARTITIONS = {"append": {1}, "append new": {9}, "delete": {1}, "delete beside": {1}, "delete all": {1},
              "update": {1, 2}, "move": {2, 5}, "merge": {0, 3}, "overwrite": {1}, "replace": {0, 1, 2},
              "compact": {0, 1, 2}}
ADDING = {"append", "append new"}
COLUMNS = {"add column", "add another", "rename"}


def at_odds(one: str, other: str) -> bool:
    if "drop" in (one, other) or {one, other} <= COLUMNS:
        return True
    if {one, other} <= ADDING | {"compact"}:
        return False
    if "merge" in (one, other) and {one, other} <= set(PARTITIONS):
        return True  # what it adds, it adds because nobody else has
    return bool(PARTITIONS.get(one, set()) & PARTITIONS.get(other, set()))


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A branch for each change, all from the same commit of main."""
    home = tmp_path_factory.mktemp("matrix")
    lake = Lake(home / "lake", home, {**clean_environment(home), "CORRIE_LAKE": str(home / "lake")})
    lake.run("sql", "CREATE TABLE t (k BIGINT, p BIGINT, s VARCHAR) PARTITIONED BY (p)")
    for low in (0, 5):
        lake.run("sql", f"INSERT INTO t SELECT 10 * p.range + k.range, p.range, 'old' "
                        f"FROM range(3) AS p, range({low}, {low + 5}) AS k")
    for at, change in enumerate(SIDES.values()):
        name = f"side{at}"
        lake.run("branch", "create", name, "--from-ref", "main")
        if change == "compact":
            lake.run("table", "compact", "t", "--branch", name)
        elif change == "expire":
            lake.run("table", "expire", "t", "--older-than", "0", "--branch", name)
        else:
            lake.run("sql", change, "--branch", name)
    return lake


def rows(lake: Lake, ref: str) -> Counter[str]:
    """Of the columns that the table began with, under whatever name."""
    return Counter(str(row[:3]) for row in lake.rows("SELECT * FROM t", "--ref", ref))


def test_each_with_each(sides: Lake) -> None:
    names = list(SIDES)
    states = [rows(sides, f"side{at}") if name != "drop" else None for at, name in enumerate(names)]
    heads = [sides.head(f"side{at}") for at in range(len(names))]
    base = rows(sides, "main")
    assert sum(base.values()) == 30
    for one, other in list(combinations(range(len(names)), 2))[::3 if SANITIZED else 1]:
        pair = (names[one], names[other])
        sides.run("branch", "create", "both", "--from-ref", f"side{one}")
        done = sides.run("merge", f"side{other}", "--into", "both", status=None)
        assert (done.returncode != 0) == at_odds(*pair), (pair, done.stderr)
        if done.returncode == 0:
            ours, theirs = states[one], states[other]
            assert ours is not None and theirs is not None, pair
            assert rows(sides, "both") == ours - (base - theirs) + (theirs - base), pair
        else:
            assert done.returncode == 4 and sides.head("both") == heads[one], (pair, done.stderr)
        sides.run("branch", "rm", "both", "--yes")
    sides.fsck()
