"""Compacting and expiring: the rows stay, whoever writes beside it, and no commit loses what it shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conftest import TIMEOUT, Lake


def metadata(lake: Lake, name: str = "t", ref: str = "main") -> Any:
    where = lake.json("table", "get", name, "--ref", ref)["metadata_location"]
    return json.loads(Path(where.removeprefix("file://")).read_text())


def operation(lake: Lake) -> str:
    document = metadata(lake)
    current = next(s for s in document["snapshots"] if s["snapshot-id"] == document["current-snapshot-id"])
    return str(current["summary"]["operation"])


def small_files(lake: Lake, n: int = 6, create: str = "CREATE TABLE t") -> None:
    for i in range(n):
        lake.run("sql", f"{create if i == 0 else 'INSERT INTO t'} {'AS ' if i == 0 else ''}"
                        f"SELECT range + {i * 10} AS n, range % 3 AS k FROM range(10)")


def test_small_files_become_one(lake: Lake) -> None:
    small_files(lake)
    before = lake.rows("SELECT * FROM t")
    done = lake.json("table", "compact", "t")
    assert (done["files_before"], done["files_rewritten"], done["files_added"], done["files_after"]) == (6, 6, 1, 1)
    assert done["commit"] == lake.head() and done["records"] == 60
    assert lake.rows("SELECT * FROM t") == before  # in the same order
    assert lake.json("table", "get", "t")["files"] == 1 and operation(lake) == "replace"
    assert lake.json("job", "get", done["job"])["status"] == "done"
    assert lake.rows("SELECT count(*) FROM t", "--ref", "main~1") == [["60"]]
    again = lake.json("table", "compact", "t")
    assert (again["commit"], again["job"], again["files_rewritten"], again["files_after"]) == (None, None, 0, 1)
    lake.fsck()


def test_a_dry_run_changes_nothing(lake: Lake) -> None:
    small_files(lake, 3)
    head = lake.head()
    done = lake.json("table", "compact", "t", "--dry-run")
    assert (done["files_rewritten"], done["files_after"], done["commit"]) == (3, None, None)
    assert "would expire 2, 1 stay" in lake.run("table", "expire", "t", "--older-than", "0", "--dry-run").stdout
    assert lake.head() == head


def test_files_stay_in_their_partitions(lake: Lake) -> None:
    small_files(lake, 4, "CREATE TABLE t PARTITIONED BY (k)")
    before = sorted(lake.rows("SELECT * FROM t"))
    done = lake.json("table", "compact", "t")
    assert (done["files_before"], done["files_after"], done["partitions"]) == (12, 3, 3)
    assert sorted(lake.rows("SELECT * FROM t")) == before
    for k in range(3):
        got = [int(n) for (n,) in lake.rows(f"SELECT n FROM t WHERE k = {k}")]
        assert got == [n for n in range(40) if n % 10 % 3 == k]
    lake.fsck()


def test_the_sort_order_of_the_table_is_kept(lake: Lake) -> None:
    lake.run("sql", "CREATE TABLE t AS SELECT 10 - range AS n FROM range(10); ALTER TABLE t WRITE ORDERED BY n")
    lake.run("sql", "INSERT INTO t SELECT 20 - range FROM range(10)")
    lake.run("table", "compact", "t")
    assert lake.rows("SELECT n FROM t") == [[str(n)] for n in range(1, 21)]


def test_large_files_stay(lake: Lake) -> None:
    """Only what gains is written anew."""
    lake.run("sql", "CREATE TABLE t AS SELECT range AS n, uuid() AS u FROM range(20000)")
    large = lake.json("table", "get", "t")["bytes"]
    lake.run("sql", f"ALTER TABLE t SET TBLPROPERTIES ('write.target-file-size-bytes' = '{large}')")
    for i in range(3):
        lake.run("sql", f"INSERT INTO t SELECT {i}, uuid()")
    done = lake.json("table", "compact", "t")
    assert (done["files_before"], done["files_rewritten"], done["files_after"]) == (4, 3, 2)
    assert done["bytes_rewritten"] < large / 4
    assert lake.rows("SELECT count(*), sum(n) FROM t") == [["20003", str(sum(range(20000)) + 3)]]


def test_who_writes_meanwhile_is_not_disturbed(lake: Lake) -> None:
    """Rows that come and go while files are written anew are neither lost nor doubled."""
    small_files(lake, 8)
    writers = [lake.start("sql", f"INSERT INTO t SELECT range + {1000 * (i + 1)}, 9 FROM range(5)") for i in range(4)]
    compacting = [lake.start("table", "compact", "t") for _ in range(2)]
    for child in [*writers, *compacting]:
        _, said = child.communicate(timeout=TIMEOUT)
        assert child.returncode == 0, said
    assert lake.rows("SELECT count(*), count(DISTINCT n) FROM t") == [["100"] * 2]
    lake.fsck()


def test_a_compacted_branch_merges_with_appends(lake: Lake) -> None:
    small_files(lake, 4)
    lake.run("branch", "create", "dev")
    lake.run("table", "compact", "t", "--branch", "dev")
    lake.run("sql", "INSERT INTO t SELECT 1000, 1")
    lake.run("branch", "merge", "dev")
    assert lake.rows("SELECT count(*), max(n) FROM t") == [["41", "1000"]]
    assert lake.json("table", "get", "t")["files"] == 2 and operation(lake) == "replace"
    lake.run("sql", "INSERT INTO t SELECT 2000, 1", "--branch", "dev")
    lake.run("branch", "merge", "dev")
    assert lake.rows("SELECT count(*), max(n) FROM t") == [["42", "2000"]]
    lake.fsck()


def test_a_merge_brings_no_removed_rows_back(lake: Lake) -> None:
    small_files(lake, 4)
    lake.run("branch", "create", "dev")
    lake.run("table", "compact", "t", "--branch", "dev")
    lake.run("sql", "DELETE FROM t WHERE n < 20")
    assert "conflict" in lake.error("branch", "merge", "dev", status=4)
    assert lake.rows("SELECT count(*) FROM t") == [["20"]]
    lake.run("branch", "create", "again", "--from-ref", "main~1")
    lake.run("table", "compact", "t", "--branch", "again")
    assert "conflict" in lake.error("branch", "merge", "again", "--into", "dev", status=4)


def test_snapshots_expire_and_commits_stay(lake: Lake) -> None:
    small_files(lake, 4)
    lake.run("table", "compact", "t")
    done = lake.json("table", "expire", "t", "--older-than", "0", "--keep", "2")
    assert len(done["expired"]) == 3 and done["kept"] == 2
    assert {e["operation"] for e in done["expired"]} == {"append"}
    assert len(metadata(lake)["snapshots"]) == 2
    assert lake.rows("SELECT count(*) FROM t") == [["40"]]
    for back, rows in ((1, 40), (2, 40), (3, 30), (5, 10)):
        assert lake.rows("SELECT count(*) FROM t", "--ref", f"main~{back}") == [[str(rows)]]
    lake.run("sql", "INSERT INTO t SELECT 1, 1")
    lake.fsck()


def test_young_snapshots_stay(lake: Lake) -> None:
    small_files(lake, 3)
    assert lake.json("table", "expire", "t")["commit"] is None
    assert "no length of time" in lake.error("table", "expire", "t", "--older-than", "soon", status=2)


def test_gc_removes_what_expired_only_where_nothing_needs_it(lake: Lake) -> None:
    """Another branch still shows the rows; when it has gone, so do the files."""
    small_files(lake, 3)
    lake.run("branch", "create", "old")
    lake.run("sql", "DELETE FROM t")
    done = lake.json("table", "expire", "t", "--older-than", "0")
    assert done["files"] == 3 and done["bytes"] > 0
    lake.run("gc", "--grace", "0", "--keep-reflog", "0", "--yes")
    assert lake.rows("SELECT count(*) FROM t", "--ref", "old") == [["30"]]
    assert lake.rows("SELECT count(*) FROM t", "--ref", "main~2") == [["30"]]
    lake.fsck()


def test_expiring_disturbs_nobody(lake: Lake, tmp_path: Path) -> None:
    """Beside merges, imports, compactions and readers of old states: each is whole, and no row is lost or doubled."""
    small_files(lake, 6)
    lake.run("branch", "create", "old")
    for i in range(3):
        lake.run("branch", "create", f"dev{i}")
        lake.run("sql", f"INSERT INTO t SELECT {1000 + i}, 1", "--branch", f"dev{i}")
        (tmp_path / f"{i}.csv").write_text(f"n,k\n{2000 + i},2\n")
    beside = [
        *(lake.start("table", "expire", "t", "--older-than", "0", "--branch", "main") for _ in range(2)),
        *(lake.start("merge", f"dev{i}", "--into", "main") for i in range(3)),
        *(lake.start("import", tmp_path / f"{i}.csv", "t", "--branch", "main") for i in range(3)),
        lake.start("table", "compact", "t", "--branch", "main"),
        lake.start("table", "expire", "t", "--older-than", "0", "--branch", "main"),
    ]
    readers = [lake.start("query", "SELECT count(*) AS n FROM t", "--ref", ref, "-o", "csv")
               for ref in ("old", "main~1", "old~2")]
    for child in beside:
        _, said = child.communicate(timeout=TIMEOUT)
        assert child.returncode == 0, (child.args, said)
    counts = [int(child.communicate(timeout=TIMEOUT)[0].split()[-1]) for child in readers]
    assert counts[0] == 60 and 50 <= counts[1] <= 66 and counts[2] == 40
    assert lake.rows("SELECT count(*), count(DISTINCT n) FROM t") == [["66"] * 2]
    assert lake.rows("SELECT count(*) FROM t", "--ref", "old") == [["60"]]
    lake.fsck()
    lake.run("table", "expire", "t", "--older-than", "0", "--branch", "main")
    lake.run("gc", "--grace", "0", "--keep-reflog", "0", "--yes")
    assert lake.rows("SELECT count(*) FROM t", "--ref", "old") == [["60"]]
    lake.run("merge", "main", "--into", "old")
    assert lake.rows("SELECT count(*) FROM t", "--ref", "old") == [["66"]]
    lake.fsck()


def test_what_makes_no_sense(lake: Lake) -> None:
    """Names and options that make no sense say so."""
    assert "does not exist" in lake.error("table", "compact", "nothing", status=3)
    assert "does not exist" in lake.error("table", "expire", "nothing", status=3)
    small_files(lake, 2)
    lake.run("sql", "ALTER TABLE t SET TBLPROPERTIES ('write.target-file-size-bytes' = 'big')")
    assert "write.target-file-size-bytes" in lake.error("table", "compact", "t", status=1)
