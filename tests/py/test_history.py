"""Looking back and going back: the log, differences, picks, reverts, refs that come back, tables of other times."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from cli_lake import on_terminal
from conftest import Lake


def put(lake: Lake, name: str, rows: str, *more: str) -> str:
    """Imports CSV lines into a table; the commit."""
    path = lake.home / f"{abs(hash((name, rows)))}.csv"
    path.write_text(rows)
    return str(lake.json("import", path, name, *more)["commit"])


def messages(lake: Lake, *arguments: str) -> list[str]:
    return [c["message"].splitlines()[0] for c in lake.json("log", "-n", "0", *arguments)["commits"]]


def changes(lake: Lake, *arguments: str) -> list[dict[str, Any]]:
    found = lake.json("diff", *arguments)["changes"]
    return [c for c in found if c["kind"] != "ledger"]


@pytest.fixture
def past(lake: Lake) -> Lake:
    """main: t imported twice, u once, t renamed to v, v imported into again."""
    put(lake, "s.t", "n\n1\n2\n")
    put(lake, "s.t", "n\n3\n")
    put(lake, "s.u", "n\n9\n")
    lake.run("table", "rename", "s.t", "s.v")
    put(lake, "s.v", "n\n4\n")
    return lake


def test_the_log_follows_a_table_through_renames(past: Lake) -> None:
    """Who asks what happened to a table hears of the time before it was renamed, and of nothing else."""
    found = past.json("log", "-n", "0", "--table", "s.v")["commits"]
    assert len(found) == 4
    assert found[1]["message"] == "Rename table s.t to s.v"
    assert len(past.json("log", "-n", "0", "--table", "s.t")["commits"]) == 3
    assert len(past.json("log", "-n", "0", "--table", "s.*")["commits"]) == 5
    past.error("log", "--table", "s.t.*", status=2)
    assert len(past.json("log", "-n", "0", "--table", "namespace:s")["commits"]) == 1
    assert "s.v" in past.error("log", "--table", "s.vv", status=3)


def test_a_bare_name_is_a_table_wherever_it_is_asked_for(lake: Lake) -> None:
    """Who asks about goods hears of the same table from each command, also where a namespace is called so."""
    put(lake, "goods.other", "n\n1\n")
    for words in (("log", "--table", "goods"), ("diff", "main~1", "main", "--table", "goods"),
                  ("table", "get", "goods")):
        assert "public.goods" in lake.error(*words, status=3), words
    assert "'goods.*'" in lake.error("log", "--table", "goods", status=3)
    assert "'goods.*'" in lake.error("diff", "main~1", "main", "--table", "goods", status=3)
    put(lake, "goods", "n\n2\n")
    assert messages(lake, "--table", "goods") == ["Import 1 row from 1 file into public.goods"]
    assert [c["name"] for c in changes(lake, "main~1", "main", "--table", "goods")] == ["public.goods"]
    assert messages(lake, "--table", "goods.*") == ["Import 1 row from 1 file into goods.other"]


def test_a_time_of_a_listing_includes_what_it_shows(past: Lake) -> None:
    """Listings cut times to seconds: who goes back to one gets the commit that was listed, not the one before it."""
    newest, first = (past.json("log", "-n", "0")["commits"][i] for i in (0, -1))
    shown = newest["time"][:19] + "Z"
    assert past.json("show", f"main*{shown}")["commit"] == newest["commit"]
    assert past.json("log", "-n", "1", "--until", shown)["commits"][0]["commit"] == newest["commit"]
    assert past.json("show", f"main*{first['time']}")["commit"] == first["commit"]
    said = past.error("show", "main*2020-01-01", status=3)
    assert "main did not exist at 2020-01-01T00:00:00Z" in said
    since = f"main*{first['time'][:19]}Z"
    assert since in said and past.run("show", since)


def test_messages_say_what_to_do(past: Lake) -> None:
    """Who is told only that something is wrong has to guess what would be right."""
    def told(status: int, *words: str) -> str:
        return past.run(*words, status=status).stderr

    assert "checkout -b NAME --from-ref 'main~1'" in told(2, "checkout", "main~1")
    put(past, "late", "n\n1\n")
    said = told(3, "table", "revert", "late", "main~1")
    assert "at main~1: table public.late does not exist" in said and "table history public.late" in said
    past.run("branch", "create", "dev")
    twice = ("branch", "merge", "dev", "--property", "a=1", "--property", "b=1", "--property", "a=2")
    assert 'the property "a" is given twice' in told(2, *twice)
    assert "HEAD~1" in told(2, "log", "~1") and "HEAD^2" in told(2, "log", "^2")
    assert "--exclude main" in told(2, "log", "^main")
    assert r'"a\nb"' in told(2, "log", "a\nb") and r"branch a\nb:" in told(2, "branch", "create", "a\nb")
    past.run("tag", "create", "v1")
    for verb in ("get", "rm"):
        assert "branch v1: it is a tag" in told(2, "branch", verb, "v1")
    assert "on main: there are tables" in told(7, "namespace", "rm", "s")


def test_the_log_by_message_author_property_and_time(past: Lake) -> None:
    past.run("branch", "create", "dev")
    put(past, "s.w", "n\n1\n", "--branch", "dev")
    past.run("branch", "merge", "dev", "-m", "Bring WEST", "--property", "ticket=17", env={"CORRIE_USER": "Ada L"})
    assert messages(past, "--message", "west") == ["Bring WEST"]
    assert messages(past, "--author", "ada l") == ["Bring WEST"]
    assert messages(past, "--property", "ticket") == messages(past, "--property", "ticket=17") == ["Bring WEST"]
    assert messages(past, "--property", "ticket=1") == []
    everything = past.json("log", "-n", "0")["commits"]
    middle = everything[3]["time"]
    assert [c["commit"] for c in past.json("log", "-n", "0", "--since", middle)["commits"]] == [
        c["commit"] for c in everything[:4]]
    assert [c["commit"] for c in past.json("log", "-n", "0", "--until", middle)["commits"]] == [
        c["commit"] for c in everything[3:]]
    assert messages(past, "--since", "2199-01-01") == []
    past.error("log", "--since", "yesterday", status=2)


def test_the_log_of_what_one_branch_has_and_another_has_not(past: Lake) -> None:
    past.run("branch", "create", "dev")
    put(past, "s.a", "n\n1\n", "--branch", "dev")
    put(past, "s.b", "n\n1\n")
    past.run("branch", "merge", "main", "--into", "dev")
    put(past, "s.c", "n\n1\n", "--branch", "dev")
    assert len(messages(past, "dev", "--exclude", "main")) == 3
    assert messages(past, "main", "--exclude", "dev") == []
    assert messages(past, "dev", "--exclude", "dev") == []
    assert len(messages(past, "dev", "--first-parent", "--exclude", "main")) == 3


def test_show_tells_what_a_commit_did(past: Lake) -> None:
    past.run("tag", "create", "v1.0", "--from-ref", "main~1")
    shown = past.json("show", "main~1")
    assert shown["refs"] == ["v1.0"]
    assert next(c for c in shown["changes"] if c["kind"] == "table")["previous_name"] == "s.t"
    first = past.json("log", "-n", "0")["commits"][-1]
    assert past.json("show", f"@{first['commit'][:12]}")["changes"] == []
    assert past.json("show", f"main@{first['commit'][:8]}")["parents"] == []


def test_a_renamed_table_is_one_change(past: Lake) -> None:
    found = changes(past, "main~2", "main")
    assert [(c["change"], c["name"], c["previous_name"]) for c in found] == [("renamed", "s.v", "s.t")]
    assert (found[0]["records_before"], found[0]["records_after"]) == (3, 4)
    back = changes(past, "main", "main~2")
    assert [(c["change"], c["name"], c["previous_name"]) for c in back] == [("renamed", "s.t", "s.v")]


def test_rows_that_differ(past: Lake) -> None:
    """Only rows that one side has are shown, however often each is there."""
    found = changes(past, "main~1", "main", "--rows", "10", "--table", "s.v")
    assert found[0]["rows_added"] == [{"n": 4}] and found[0]["rows_removed"] == []
    path = past.home / "again.csv"
    path.write_text("n\n1\n1\n3\n4\n5\n")
    past.run("import", path, "s.v", "--replace")
    found = changes(past, "main~1", "main", "--rows", "10")
    assert found[0]["rows_added"] == [{"n": 1}, {"n": 5}]
    assert found[0]["rows_removed"] == [{"n": 2}]
    assert len(changes(past, "main~1", "main", "--rows", "1")[0]["rows_added"]) == 1


def test_rows_of_every_type(lake: Lake) -> None:
    lake.run("query", "SELECT 1.10::DECIMAL(20,2) AS d, 'nan'::DOUBLE AS f, 9007199254740993 AS big, [1, 2] AS l, "
             "{'a': 'x'} AS s, 'ab'::BLOB AS b, DATE '2026-01-02' AS day, NULL::INT AS nothing, 'ä\"' AS t",
             "-o", "parquet", "--to", lake.home / "x.parquet")
    lake.run("import", lake.home / "x.parquet", "s.t")
    row = changes(lake, "main~1", "main", "--rows", "1", "--table", "s.t")[0]["rows_added"][0]
    assert (row["d"], row["big"], row["l"], row["s"]) == ("1.10", 9007199254740993, [1, 2], {"a": "x"})
    assert str(row["f"]).lower() == "nan"
    assert (row["day"], row["nothing"], row["t"]) == ("2026-01-02", None, 'ä"')


def test_columns_that_differ(lake: Lake) -> None:
    put(lake, "s.t", "a,b,c\n1,x,2\n")
    put(lake, "s.t", "c,a,d\n1,2,3\n", "--replace")
    found = changes(lake, "main~1", "main", "--schema")[0]["schema"]
    told = {(c["change"], c["field"]) for c in found}
    assert {("removed", "b"), ("added", "d")} <= told
    assert changes(lake, "main", "main", "--schema") == []


def test_the_difference_since_two_branches_parted(past: Lake) -> None:
    past.run("branch", "create", "dev")
    put(past, "s.a", "n\n1\n", "--branch", "dev")
    put(past, "s.b", "n\n1\n")
    assert [c["name"] for c in changes(past, "main", "dev")] == ["s.a", "s.b"]
    found = past.json("diff", "main", "dev", "--merge-base")
    assert [c["name"] for c in found["changes"] if c["kind"] == "table"] == ["s.a"]
    assert found["merge_base"] == past.json("show", "main~1")["commit"]
    assert [c["name"] for c in changes(past, "main", "dev", "--table", "s.*")] == ["s.a", "s.b"]
    assert [c["name"] for c in changes(past, "main", "dev", "--table", "s.a")] == ["s.a"]
    assert "s.a" in past.error("diff", "main", "dev", "--table", "s.aa", status=3)


def test_the_history_of_a_table(past: Lake) -> None:
    versions = past.json("table", "history", "s.v", "--max-count", "0")["versions"]
    assert [v["change"] for v in versions] == ["written", "renamed", "written", "created"]
    assert [v["records"] for v in versions] == [4, 3, 3, 2]
    assert [v["name"] for v in versions] == ["s.v", "s.v", "s.t", "s.t"]
    assert past.json("table", "history", "s.v", "--max-count", "2")["more"] is True
    assert "s.u" in past.error("table", "history", "s.uu", status=3)


def test_a_removed_table_comes_back_with_its_ledger(past: Lake) -> None:
    removed = past.json("table", "rm", "s.v", "--yes")
    assert "s.v" not in past.run("table", "ls").stdout
    past.run(*removed["restore"].split()[1:])
    assert sorted(past.rows("SELECT n FROM s.v")) == [["1"], ["2"], ["3"], ["4"]]
    first = next(p for p in past.home.glob("*.csv") if p.read_text() == "n\n4\n")
    assert past.json("import", first, "s.v")["files"][0]["status"] == "skipped"
    versions = past.json("table", "history", "s.v", "--max-count", "2")["versions"]
    assert [v["change"] for v in versions] == ["created", "removed"]
    past.fsck()


def test_a_table_goes_back_alone(past: Lake) -> None:
    """Rows and ledger of one table are as they were; the others stay as they are, and later imports find their way."""
    put(past, "s.u", "n\n10\n")
    done = past.json("table", "revert", "s.v", "main~4")
    assert (done["records"], done["changed"]) == (3, True)
    assert len(past.rows("SELECT * FROM s.u")) == 2
    assert past.json("table", "revert", "s.v", f"@{done['commit'][:16]}")["changed"] is False
    fourth = next(p for p in past.home.glob("*.csv") if p.read_text() == "n\n4\n")
    assert past.json("import", fourth, "s.v")["files"][0]["status"] == "imported"
    assert len(past.rows("SELECT * FROM s.v")) == 4
    past.error("table", "revert", "s.v", "main~99", status=3)
    past.error("table", "revert", "s.nothing", "main~1", status=3)
    past.fsck()


def test_tables_are_renamed_to_places_that_are_free(past: Lake) -> None:
    past.error("table", "rename", "s.v", "s.u", status=4)
    past.error("table", "rename", "s.v", "s.v", status=2)
    past.error("table", "rename", "s.v", "other.v", status=3)
    past.error("table", "rename", "s.vv", "s.x", status=3)
    past.run("namespace", "create", "other")
    past.run("table", "rename", "s.v", "other.v")
    assert len(past.rows("SELECT * FROM other.v")) == 4


def test_a_namespace_goes_only_when_it_is_empty(past: Lake) -> None:
    assert "s" in past.error("namespace", "rm", "s", "--yes", status=7)
    past.run("namespace", "create", "empty")
    gone = past.json("namespace", "rm", "empty", "--yes")
    assert past.json("namespace", "rm", "empty", "--if-exists", "--yes")["commit"] is None
    past.error("namespace", "rm", "empty", "--yes", status=3)
    past.run(*gone["restore"].split()[1:])
    assert "empty" in past.run("namespace", "ls").stdout


def test_a_revert_takes_back_and_a_pick_brings(past: Lake) -> None:
    past.run("branch", "create", "dev")
    one = put(past, "s.a", "n\n1\n", "--branch", "dev")
    two = put(past, "s.b", "n\n1\n", "--branch", "dev")
    done = past.json("cherry-pick", f"@{one}", f"@{two[:12]}")
    assert [p["from"] for p in done["picked"]] == [one, two]
    assert past.json("show", "@" + done["picked"][0]["commit"])["properties"]["picked-from"] == one
    assert len(past.rows("SELECT * FROM s.b")) == 1
    again = past.json("cherry-pick", f"@{one}")
    assert again["picked"][0]["commit"] is None and again["changed"] is False
    done = past.json("revert", "@" + done["picked"][1]["commit"])
    assert done["changed"] and [c["change"] for c in done["changes"] if c["kind"] == "table"] == ["removed"]
    past.error("query", "SELECT * FROM s.b", status=3)
    first = past.json("log", "-n", "0")["commits"][-1]["commit"]
    past.error("cherry-pick", f"@{first}", status=2)
    assert f"@{first}" in past.error("cherry-pick", first, status=3)
    past.fsck()


def test_choices_settle_conflicts(past: Lake) -> None:
    past.run("branch", "create", "dev")
    put(past, "s.v", "n\n7\n", "--replace", "--branch", "dev")
    put(past, "s.v", "n\n8\n", "--replace")
    done = past.run("branch", "merge", "dev", "-o", "json", status=4)
    report = json.loads(json.loads(done.stdout)["error"]["context"]["detail"])
    assert ["table", "s", "v"] in [c["key"] for c in report["conflicts"]]
    past.error("branch", "merge", "dev", "--ours", "s.vv", status=3)
    past.error("branch", "merge", "dev", "--ours", "s.v", "--theirs", "s.v", status=2)
    past.run("branch", "create", "theirs")
    past.run("branch", "merge", "dev", "--into", "theirs", "--theirs", "s.v", "--all-theirs")
    assert past.rows("SELECT n FROM s.v", "--ref", "theirs") == [["7"]]
    past.run("branch", "merge", "dev", "--all-ours")
    assert past.rows("SELECT n FROM s.v") == [["8"]]


def test_settling_all_conflicts_drops_no_rows_that_merge(past: Lake) -> None:
    """Who lets one side win every conflict keeps what both sides appended to other tables, and may import again what
    was dropped with the losing side."""
    for branch in ("dev", "one", "two"):
        past.run("branch", "create", branch)
    put(past, "s.v", "n\n5\n", "--branch", "dev")
    put(past, "s.u", "n\n10\n", "--branch", "dev")
    put(past, "s.u", "n\n11\n", "--branch", "dev")
    for branch in ("one", "two"):
        put(past, "s.v", "n\n6\n", "--branch", branch)
        put(past, "s.u", "n\n12\n", "--replace", "--branch", branch)
    past.error("merge", "dev", "--into", "one", status=4)
    past.run("merge", "dev", "--into", "one", "--all-ours")
    past.run("merge", "dev", "--into", "two", "--all-theirs")
    for branch, kept in (("one", ["12"]), ("two", ["9", "10", "11"])):
        rows = past.rows("SELECT n FROM s.v ORDER BY n", "--ref", branch)
        assert rows == [["1"], ["2"], ["3"], ["4"], ["5"], ["6"]]
        assert past.rows("SELECT n FROM s.u ORDER BY n", "--ref", branch) == [[n] for n in kept]
    for text, one, two in (("n\n10\n", "imported", "skipped"), ("n\n12\n", "skipped", "imported")):
        path = next(p for p in past.home.glob("*.csv") if p.read_text() == text)
        assert past.json("import", path, "s.u", "--branch", "one")["files"][0]["status"] == one
        assert past.json("import", path, "s.u", "--branch", "two")["files"][0]["status"] == two
    past.fsck()


def test_branches_and_tags_come_back(past: Lake) -> None:
    head = past.head()
    past.run("branch", "create", "dev")
    past.run("tag", "create", "v1", "--from-ref", "main~2")
    gone = [past.json("branch", "rm", "dev", "--yes"), past.json("tag", "rm", "v1", "--yes")]
    assert past.json("branch", "restore", "dev")["commit"] == head
    assert past.json("branch", "restore", "v1")["kind"] == "tag"
    past.error("branch", "restore", "dev", status=4)
    past.error("branch", "restore", "never", status=3)
    past.run("branch", "rm", "dev", "--yes")
    past.run(*gone[0]["restore"].split()[1:])
    assert past.head("dev") == head
    entries = past.json("reflog", "dev", "-n", "0")["entries"]
    assert [e["new"] is None for e in entries] == [False, True, False, True, False]


def test_a_reset_is_undone_by_what_it_prints(past: Lake) -> None:
    head = past.head()
    done = past.json("branch", "reset", "main", "main~2", "--yes")
    assert done["previous"] == head and past.head() == done["commit"]
    past.run(*done["restore"].split()[1:], "--yes")
    assert past.head() == head
    assert past.json("branch", "reset", "main", "main", "--yes")["changed"] is False
    assert past.json("show", "main@" + done["commit"][:10])["commit"] == done["commit"]


def test_a_renamed_branch_stays_checked_out(past: Lake) -> None:
    past.run("checkout", "-b", "dev")
    done = past.json("branch", "rename", "dev", "trial/one")
    assert done["checked_out"] is True and past.json("info")["ref"] == "trial/one"
    assert "dev" in past.json("reflog", "trial/one")["entries"][0]["why"]
    assert "trial/one" in past.json("reflog", "dev")["entries"][0]["why"]
    past.error("branch", "rename", "trial/one", "main", status=4)
    past.error("branch", "rename", "trial/one", "trial/one", status=2)
    past.error("branch", "rename", "dev", "x", status=3)


@pytest.mark.parametrize("name", ["", "HEAD", "deadbeef", "0123456789abcdef" * 4, "a//b", "a/./b", "a..b", "x" * 256,
                                  "tx/1", "a\nb", "a b", "-a", "ä", "main@1", ".a", "a/"])
def test_names_that_mislead_are_not_given(lake: Lake, name: str) -> None:
    for words in (("branch", "create"), ("tag", "create"), ("branch", "rename", "main")):
        assert lake.run(*words, "--", name, status=None).returncode == 2, words
    assert [r["name"] for r in lake.json("branch", "ls")["refs"]] == ["main"]


def test_tags_stay_where_they_are(past: Lake) -> None:
    past.run("tag", "create", "v1")
    for words in (("branch", "reset", "v1", "main~1", "--yes"), ("branch", "rename", "v1", "v2"), ("checkout", "v1"),
                  ("branch", "rm", "v1", "--yes"), ("branch", "merge", "main~1", "--into", "v1"),
                  ("table", "rm", "s.u", "--branch", "v1", "--yes"), ("tag", "rm", "main", "--yes")):
        past.error(*words, status=2)
    past.error("tag", "create", "v1", status=4)
    past.error("branch", "create", "v1", status=4)
    assert past.rows("SELECT n FROM s.u", "--ref", "v1~1") == [["9"]]


def test_what_is_checked_out_and_the_last_branch_stay(lake: Lake) -> None:
    lake.error("branch", "rm", "main", "--yes", status=7)
    lake.run("checkout", "-b", "dev")
    lake.error("branch", "rm", "dev", "--yes", status=7)
    lake.error("branch", "rm", "dev", "--yes", status=7, env={"CORRIE_REF": "main"})
    lake.run("branch", "rm", "main", "--yes")


def test_states_by_time(past: Lake) -> None:
    """main*TIME is what main showed, also after a reset; before main, and while a branch was gone, there was none."""
    first = past.json("reflog", "main", "-n", "0")["entries"]
    moved = first[1]["time"]
    past.run("branch", "reset", "main", "main~3", "--yes")
    assert past.json("show", f"main*{moved}")["commit"] == first[1]["new"]
    assert past.json("show", f"main*{moved}~1")["commit"] == past.json("show", f"@{first[1]['new']}~1")["commit"]
    assert past.json("show", "main*2199-12-31")["commit"] == past.head()
    past.error("show", "main*1999-01-01", status=3)
    past.run("branch", "create", "dev")
    past.run("branch", "rm", "dev", "--yes")
    gone = past.json("reflog", "dev")["entries"][0]["time"]
    past.run("branch", "restore", "dev")
    past.error("show", f"dev*{gone}", status=3)
    past.error("show", "main*noon", status=2)


def test_a_renamed_table_does_not_come_twice(lake: Lake) -> None:
    """Else two names would share one table's ledger, and each would change what the other thinks it has."""
    put(lake, "s.t", "n\n1\n")
    before = put(lake, "s.t", "n\n2\n")
    lake.run("table", "rename", "s.t", "s.v")
    put(lake, "s.t", "n\n9\n")
    said = lake.error("table", "revert", "s.t", f"@{before[:16]}", status=4)
    assert "s.v" in said, said
    lake.run("table", "rm", "s.v")
    lake.run("table", "revert", "s.t", f"@{before[:16]}")
    assert lake.rows("SELECT n FROM s.t ORDER BY n") == [["1"], ["2"]]
    lake.fsck()


@pytest.mark.parametrize("listing", [["log", "-n", "0"], ["table", "ls"], ["namespace", "ls"], ["branch", "ls"],
                                     ["reflog", "-n", "0"]])
def test_listings_say_the_same_in_every_format(past: Lake, listing: list[str]) -> None:
    """Rows are printed as they come: the document that they make is one, its rows are those of JSON lines and CSV."""
    document = past.json(*listing)
    rows = next(iter(document.values()))
    assert rows
    lines = past.run(*listing, "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == rows
    table = list(csv.DictReader(past.run(*listing, "-o", "csv").stdout.splitlines()))
    assert len(table) == len(rows)
    for cells, row in zip(table, rows, strict=True):
        assert all(value == ("" if row[name] is None else json.dumps(row[name]).strip('"'))
                   for name, value in cells.items() if not isinstance(row[name], str))
        assert all(value == row[name] for name, value in cells.items() if isinstance(row[name], str))
    status, shown = on_terminal(past, *listing, "-o", "json")
    assert status == 0
    assert json.loads(shown) == document


def test_a_listing_that_cannot_go_on_is_still_a_document(past: Lake) -> None:
    """Half a history is better than none, if it says that it is half: a program that reads it sees the error in it."""
    commits = past.json("log", "-n", "0")["commits"]
    with closing(sqlite3.connect(past.root / "catalog/catalog.db")) as catalog, catalog:
        catalog.execute("DELETE FROM objects WHERE name = ?", (bytes.fromhex(commits[3]["commit"]),))
    done = past.run("log", "-n", "0", "-o", "json", status=6)
    document = json.loads(done.stdout)
    assert document["error"]["type"] == "corrupt"
    assert document["commits"] == commits[:len(document["commits"])]
    assert document["commits"]
