"""Branches, history and merging on the command line: on a terminal, in a pipe, for programs, and used wrongly."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from pathlib import Path

import pytest
from cli_lake import make_lake, on_terminal
from conftest import ROOT, Lake

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
HASH = re.compile(r"\b[0-9a-f]{12}\b")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def full(lake: Lake) -> Lake:
    make_lake(lake)
    return lake


def plain(text: str) -> str:
    return COLOUR.sub("", text)


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def change(lake: Lake, branch: str, name: str) -> str:
    """A commit on a branch: one row more in the table `name`. Gives its hash."""
    path = lake.home / f"{branch.replace('/', '_')}_{name}_{len(list(lake.home.iterdir()))}.csv"
    path.write_text(f"name,since\n{path.stem},2026-04-01\n")
    commit: str = lake.json("import", path.name, name, "--branch", branch)["commit"]
    return commit


def names(lake: Lake, *arguments: str) -> list[str]:
    return [r["name"] for r in lake.json(*arguments)["refs"]]


def conflict(lake: Lake) -> None:
    """What shop.customers is on main and on dev cannot be brought together."""
    lake.run("import", "sales.csv", "shop.orders")
    lake.run("import", "customers.csv", "shop.customers", "--replace")


# ---- branches and tags ----


def test_branches_are_listed_in_pages(lake: Lake) -> None:
    for name in ("a", "b.one", "b.two", "b.three", "c"):
        lake.run("branch", "create", name)
    assert names(lake, "branch", "ls", "--prefix", "b.") == ["b.one", "b.three", "b.two"]
    first = lake.json("branch", "ls", "-n", "2")
    assert ([r["name"] for r in first["refs"]], first["next"]) == (["a", "b.one"], "b.one")
    assert names(lake, "branch", "ls", "--limit", "2", "--after", first["next"]) == ["b.three", "b.two"]
    cut = lake.run("branch", "ls", "-n", "2")
    assert len(cut.stdout.splitlines()) == 3 and "--after b.one" in cut.stderr
    assert lake.run("branch", "ls", "-n", "9").stderr == ""
    assert [r["name"] for r in table(lake.run("branch", "ls", "-n", "2", "-o", "csv").stdout)] == ["a", "b.one"]
    assert "no such branches" in lake.run("branch", "ls", "--prefix", "z").stderr


def test_tags(full: Lake) -> None:
    assert "made the tag v1 at" in full.run("tag", "create", "v1").stdout
    full.run("tag", "create", "before", "--from-ref", "main~1")
    assert names(full, "tag", "ls") == ["before", "v1"] == names(full, "tag")
    assert "v1" not in full.run("branch", "ls", "-a").stdout
    assert full.json("tag", "get", "v1")["commit"] == full.head()
    assert "there is already" in full.run("tag", "create", "v1", "--if-not-exists").stdout
    full.error("tag", "create", "v1", status=4)
    assert full.json("table", "ls", "--ref", "before")["tables"] == []
    removed = full.json("tag", "rm", "before")
    assert removed["kind"] == "tag"
    full.run(*shlex.split(removed["restore"])[1:])
    assert names(full, "tag", "ls") == ["before", "v1"]
    assert "no such tag" in full.run("tag", "delete", "none", "--if-exists").stderr
    full.error("tag", "get", "dev", status=2)
    full.error("checkout", "v1", status=2)


def test_a_branch_is_shown(full: Lake) -> None:
    shown = full.run("branch", "get", "dev").stdout
    assert re.search(r"^commit +[0-9a-f]{64}$", shown, re.M) and re.search(r"^name +dev$", shown, re.M)
    assert table(full.run("branch", "get", "main", "-o", "csv").stdout)[0]["checked_out"] == "true"
    assert "dev" in full.error("branch", "get", "dve", status=3).split("hint:")[1]


def test_rename_reset_and_restore(full: Lake) -> None:
    dev = full.head("dev")
    assert "renamed the branch dev to ada.dev" in full.run("branch", "rename", "dev", "ada.dev").stdout
    assert full.head("ada.dev") == dev
    assert "which stays checked out" in full.run("branch", "rename", "main", "trunk").stdout
    assert full.json("info")["ref"] == "trunk"
    moved = full.json("branch", "reset", "ada.dev", "trunk")
    assert (moved["previous"], moved["commit"], moved["changed"]) == (dev, full.head("trunk"), True)
    assert "stands there already" in full.run("branch", "reset", "ada.dev", "trunk").stdout
    full.run(*shlex.split(moved["restore"])[1:])
    assert full.head("ada.dev") == dev
    full.run("branch", "rm", "ada.dev")
    assert "is back, at" in full.run("branch", "restore", "ada.dev").stdout
    assert full.head("ada.dev") == dev
    full.error("branch", "restore", "ada.dev", status=4)
    full.error("branch", "restore", "never", status=3)
    full.error("branch", "rename", "ada.dev", "trunk", status=4)
    full.error("branch", "reset", "ada.dev", "nowhere", status=3)


def test_reset_says_what_goes_and_asks(full: Lake) -> None:
    dev = full.head("dev")
    status, out = on_terminal(full, "branch", "reset", "dev", "main", keys="n\n")
    assert status == 130 and "Move the branch dev to main? 1 commit leaves its history." in out
    assert full.head("dev") == dev
    status, out = on_terminal(full, "branch", "reset", "dev", "main", keys="y\n")
    assert status == 0 and full.head("dev") == full.head("main")
    back = re.search(r"this brings it back: corrie (.*)", plain(out))
    assert back
    full.run(*shlex.split(back[1]))
    assert full.head("dev") == dev
    assert "?" not in on_terminal(full, "branch", "reset", "dev", "main", "--yes")[1]


@pytest.mark.parametrize(("command", "question"), [
    (["tag", "rm", "v1"], "Remove the tag v1?"),
    (["table", "rm", "shop.customers"], "Remove the table shop.customers?"),
    (["table", "rm", "shop.customers", "--branch", "dev"], "Remove the table shop.customers from dev?"),
    (["namespace", "rm", "trial"], "Remove the namespace trial?"),
])
def test_what_destroys_asks(full: Lake, command: list[str], question: str) -> None:
    full.run("tag", "create", "v1")
    full.run("namespace", "create", "trial")
    before = full.head()
    status, out = on_terminal(full, *command, keys="\n")
    assert status == 130 and question in out and "nothing was changed" in out
    assert full.head() == before and names(full, "tag", "ls") == ["v1"]
    status, out = on_terminal(full, *command, keys="y\n")
    assert status == 0 and "removed the " in out
    assert re.search("brings it back: corrie ", plain(out))


# ---- merging ----


def test_merge_is_short_for_branch_merge(full: Lake) -> None:
    assert "would merge dev into main" in full.run("merge", "dev", "--dry-run").stdout
    made = full.json("merge", "dev", "--no-ff", "-m", "New customers", "--property", "ticket=42",
                     "--property", "by=ada")
    assert made["fast_forward"] is False and made["commit"] == full.head()
    newest = full.json("log", "-n", "1")["commits"][0]
    assert newest["message"] == "New customers" and newest["properties"] == {"ticket": "42", "by": "ada"}
    assert len(newest["parents"]) == 2
    assert "has all of dev already" in full.run("merge", "dev").stdout


def test_a_fast_forward_is_said(full: Lake) -> None:
    assert "which only moves forward" in full.run("merge", "dev").stdout


def test_conflicts_are_a_table_with_the_commands_that_settle_them(full: Lake) -> None:
    conflict(full)
    before = full.head()
    said = full.error("branch", "merge", "dev", status=4)
    assert re.search(r"^KIND +NAME +OURS +THEIRS +REASON$", said, re.M)
    assert re.search(r"^table +shop\.customers +changed: 2 records +changed: 3 records ", said, re.M)
    commands = re.findall(r"^ +corrie (.*)$", said, re.M)
    assert len(commands) == 2 and "--ours" in commands[0] and "--theirs" in commands[1]
    assert full.head() == before
    for command, records in zip(commands, (2, 3), strict=True):
        full.run(*shlex.split(command))
        assert full.json("table", "get", "shop.customers")["records"] == records
        full.run("branch", "reset", "main", f"@{before}")


def test_conflicts_on_a_terminal_and_for_programs(full: Lake) -> None:
    conflict(full)
    status, out = on_terminal(full, "merge", "dev", columns=120)
    assert status == 4 and "│ KIND" in plain(out) and "corrie merge dev --ours" in plain(out)
    assert all(len(line) <= 120 for line in plain(out).splitlines() if line.startswith("│"))
    error = json.loads(full.run("merge", "dev", "-o", "json", status=4).stdout)["error"]
    report = json.loads(error["context"]["detail"])
    assert {"table", "shop.customers"} <= {v for c in report["conflicts"] for v in (c["kind"], c["name"])}
    assert report["ours"] == full.head() and report["theirs"] == full.head("dev")


def test_all_of_a_side(full: Lake) -> None:
    conflict(full)
    assert "either" in full.error("merge", "dev", "--all-ours", "--all-theirs", status=2)
    full.run("merge", "dev", "--all-ours", "--dry-run")
    assert full.json("merge", "dev", "--all-theirs")["changed"] is True
    assert full.json("table", "get", "shop.customers")["records"] == 3


def test_pick_and_revert(full: Lake) -> None:
    dev = full.head("dev")
    picked = full.json("cherry-pick", "dev", "--into", "main")
    assert [p["from"] for p in picked["picked"]] == [dev]
    assert picked["picked"][0]["commit"] == full.head()
    assert full.json("table", "get", "shop.customers")["records"] == 3
    again = full.run("cherry-pick", f"@{dev}")
    assert "changes nothing any more" in again.stdout and "main stays at" in again.stdout
    before = full.head()
    dry = full.run("revert", "main", "--dry-run").stdout
    assert re.search(r"^would have reverted [0-9a-f]{12}$", dry, re.M)  # no commit that nobody can look at
    assert "would change nothing any more" in full.run("cherry-pick", f"@{dev}", "--dry-run").stdout
    assert full.head() == before
    done = full.run("revert", "main", "-m", "Not those customers")
    assert re.search(r"^reverted [0-9a-f]{12} as [0-9a-f]{12}$", done.stdout, re.M)
    assert full.json("table", "get", "shop.customers")["records"] == 2
    assert full.json("log", "-n", "1")["commits"][0]["message"].startswith("Not those customers")
    assert [r["from"] for r in table(full.run("revert", "main", "-o", "csv").stdout)]


def test_a_merge_needs_a_mainline(full: Lake) -> None:
    full.run("merge", "dev", "--no-ff")
    assert "--mainline" in full.error("revert", "main", status=2)
    full.run("revert", "main", "--mainline", "1")
    assert full.json("table", "get", "shop.customers")["records"] == 2


# ---- history ----


@pytest.fixture
def history(lake: Lake) -> Lake:
    """main and dev merged into each other, then once more."""
    make_lake(lake)
    change(lake, "main", "a")
    change(lake, "dev", "b")
    lake.run("branch", "create", "old", "--from-ref", "main")
    lake.run("merge", "dev", "--into", "main", "-m", "one way")
    lake.run("merge", "old", "--into", "dev", "-m", "other way")
    change(lake, "main", "a")
    lake.run("merge", "dev", "--into", "main", "-m", "together", "--all-ours")
    lake.run("tag", "create", "v1")
    return lake


def drawn(text: str) -> list[str]:
    """The lines of a graph with what differs from run to run left out."""
    text = HASH.sub("H", TIME.sub("T", plain(text)))
    return [re.sub(r"T \S+ ", "", line).rstrip() for line in text.splitlines()]


def test_the_graph(history: Lake) -> None:
    assert drawn(history.run("log", "--graph").stdout) == [
        "* H (main, tag v1) together",
        "|\\",
        "* | H Import 1 row from 1 file into public.a",
        "| * H (dev) other way",
        "| |\\",
        "* | | H one way",
        "|\\| |",
        "|-|-'",
        "| * H Import 1 row from 1 file into public.b",
        "* | H (old) Import 1 row from 1 file into public.a",
        "| * H Import 1 row from 1 file into shop.customers",
        "|/",
        "* H Import 2 rows from 1 file into shop.customers",
        "* H Create namespace shop",
        "* H Make the lake",
    ]
    boxes = drawn(history.run("log", "--graph", "-o", "tty", env={"LC_ALL": "C.UTF-8"}).stdout)
    assert boxes[:2] == ["● H (main, tag v1) together", "├─╮"] and boxes[6:8] == ["├─┤ │", "├─│─╯"]
    # only the trunk
    trunk = drawn(history.run("log", "--graph", "--first-parent").stdout)
    assert len(trunk) == 7 and all(line.startswith("* H") for line in trunk)


def test_the_graph_ends_where_the_excluded_begins(history: Lake) -> None:
    """A line that runs on beside what is not there says that something joins below."""
    assert drawn(history.run("log", "--graph", "--exclude", "old").stdout) == [
        "* H (main, tag v1) together",
        "|\\",
        "* | H Import 1 row from 1 file into public.a",
        "| * H (dev) other way",
        "* | H one way",
        "|/",
        "* H Import 1 row from 1 file into public.b",
        "* H Import 1 row from 1 file into shop.customers",
    ]
    assert drawn(history.run("log", "--graph", "--exclude", "dev").stdout) == [
        "* H (main, tag v1) together",
        "* H Import 1 row from 1 file into public.a",
        "* H one way",
    ]
    assert history.run("log", "--graph", "--exclude", "main").stdout == ""


def test_the_graph_of_what_fits(history: Lake) -> None:
    assert drawn(history.run("log", "--graph", "--grep", "public.b").stdout)[-1] == \
        "| * H Import 1 row from 1 file into public.b"
    cut = history.run("log", "--graph", "-n", "2")
    assert len(re.findall(r"\*", cut.stdout)) == 2 and "older" in cut.stderr
    assert history.run("log", "--graph", "-n", "10").stderr == ""
    history.run("log", "--graph", "-o", "json", status=2)


def test_the_graph_on_a_terminal(history: Lake) -> None:
    _, out = on_terminal(history, "log", "--graph", columns=60, env={"LC_ALL": "C.UTF-8"})
    assert all(len(line) <= 60 for line in plain(out).splitlines()) and "…" in out
    assert "\x1b[36m●" in out and "\x1b[32m│" in out  # a colour a lane
    _, out = on_terminal(history, "log", "--graph", "--no-trunc", columns=60, env={"LC_ALL": "C"})
    assert "into shop.customers" in out and "|" in out and "●" not in out


def test_the_log_filters(history: Lake) -> None:
    def messages(*arguments: str) -> list[str]:
        return [c["message"] for c in history.json("log", "-n", "0", *arguments)["commits"]]

    assert sorted(messages("--grep", "WAY")) == ["one way", "other way"]
    assert messages("--message", "together") == ["together"]
    assert messages("--author", "nobody") == []
    assert messages("old", "--exclude", "dev~1") == ["Import 1 row from 1 file into public.a"]
    assert messages("--table", "b", "dev") == ["Import 1 row from 1 file into public.b"]
    assert messages("--since", "2100-01-01") == [] and messages("--until", "2020-01-01") == []
    assert len(messages("--since", "2020-01-01")) == len(messages())
    history.error("log", "--since", "soon", status=2)
    assert "no such commits" in history.run("log", "--author", "nobody").stderr


def test_log_and_commit_are_one(history: Lake) -> None:
    expected = history.json("log", "dev", "-n", "3")
    assert history.json("commit", "dev", "-n", "3") == expected == history.json("commit", "ls", "dev", "--limit", "3")
    lines = history.run("log", "-n", "0", "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line)["commit"] for line in lines] == \
        [c["commit"] for c in history.json("log", "-n", "0")["commits"]]
    rows = table(history.run("log", "-n", "3", "-o", "csv").stdout)
    assert [r["commit"] for r in rows] == [json.loads(line)["commit"] for line in lines[:3]]
    cut = history.run("log", "-n", "3")
    assert len(cut.stdout.splitlines()) == 4 and "older" in cut.stderr


def test_show(history: Lake) -> None:
    text = history.run("show", "dev~1").stdout
    assert re.search(r"^commit +[0-9a-f]{64}$", text, re.M) and re.search("^    Import 1 row", text, re.M)
    assert re.search(r"^added +table +public\.b +1$", text, re.M)
    text = history.run("show").stdout
    assert re.search(r"^refs +main, v1$", text, re.M) and re.search(r"^parents +\w{12}, \w{12}$", text, re.M)


def test_reflog(full: Lake) -> None:
    full.run("branch", "create", "x", "-m", "just so")
    full.run("branch", "reset", "x", "main~1")
    full.run("branch", "rm", "x")
    entries = full.json("reflog", "x")["entries"]
    assert [(e["old"] is None, e["new"] is None) for e in entries] == [(False, True), (False, False), (True, False)]
    assert entries[-1]["why"] == "just so"
    cut = full.run("reflog", "x", "-n", "1")
    before = re.search(r"--before (\d+)", cut.stderr)
    assert before and len(cut.stdout.splitlines()) == 2
    assert full.json("reflog", "x", "--before", before[1], "-n", "0")["entries"] == entries[1:]
    assert full.json("reflog")["ref"] == "main"
    full.error("reflog", "never", status=3)


# ---- what differs ----


def test_diff_of_columns_and_rows(full: Lake) -> None:
    (full.home / "wide.csv").write_text("name,since,note\nada,2026-01-01,hi\neve,2026-05-01,\n")
    full.run("import", "wide.csv", "shop.customers", "--replace", "--branch", "dev")
    text = full.run("diff", "main", "dev", "--schema", "--rows", "5").stdout
    assert re.search(r"^changed +table +shop\.customers +2 +2$", text, re.M)
    assert re.search(r"^shop\.customers: columns\n  \+ note string$", text, re.M)
    assert re.search(r"^\+ +eve +2026-05-01", text, re.M) and re.search(r"^- +bob +2026-02-01", text, re.M)
    assert "columns" not in full.run("diff", "main", "dev").stdout
    document = full.json("diff", "main", "dev", "--rows", "1", "--table", "shop.*")
    changed = next(c for c in document["changes"] if c["kind"] == "table")
    assert len(changed["rows_added"]) == 1
    full.error("diff", "main", "dev", "--table", "other.none", status=3)


def test_diff_since_the_two_parted(full: Lake) -> None:
    change(full, "main", "later")
    assert "later" in full.run("diff", "main", "dev").stdout
    done = full.json("diff", "main", "dev", "--merge-base")
    assert done["merge_base"] == full.json("log", "main~1", "-n", "1")["commits"][0]["commit"]
    assert "later" not in full.run("diff", "main", "dev", "--merge-base").stdout


def test_status(full: Lake) -> None:
    assert "all tables are made of what is there" in full.run("status").stdout
    full.run("run", "-p", "project")
    full.run("import", "more.csv", "shop.customers")
    text = full.run("status").stdout
    assert re.search(r"^public\.counted +shop\.customers +changed +[0-9a-f]{8}$", text, re.M)
    assert [r["name"] for r in table(full.run("status", "-o", "csv").stdout)] == ["public.counted"]
    _, out = on_terminal(full, "status")
    assert "Stale" in out and "│ public.counted" in plain(out)


def test_what_a_failed_run_left_is_told(full: Lake) -> None:
    models = full.home / "project/models.py"
    models.write_text(models.read_text() + '''

@corrie.expectation()
@corrie.python("3.11")
def none_at_all(counted=corrie.Model("counted")):
    raise ValueError("not these")
''')
    full.run("run", "-p", "project", status=1)
    left = [n for n in names(full, "branch", "ls", "-a") if n.startswith("tx/")]
    assert left and left[0] in full.run("status").stdout
    said = full.error("merge", left[0], status=7)
    assert "counted" in said and "--accept-taint" in said.split("hint:")[1]
    full.run("merge", left[0], "--accept-taint")
    assert "Tainted" in full.run("status").stdout
    assert full.json("branch", "get", "main")["tainted"] == 1


# ---- tables ----


def test_tables_go_and_come_back(full: Lake) -> None:
    removed = full.run("table", "delete", "--branch", "dev", "shop.customers").stdout
    back = re.search("this brings it back: corrie (.*)", removed)
    assert back and full.json("table", "ls", "--ref", "dev")["tables"] == []
    full.run(*shlex.split(back[1]))
    assert full.json("table", "get", "shop.customers", "--ref", "dev")["records"] == 3
    assert "no such table" in full.run("table", "rm", "shop.none", "--if-exists").stderr
    full.error("table", "rm", "shop.none", status=3)


def test_tables_are_renamed_and_reverted(full: Lake) -> None:
    assert "to shop.people" in full.run("table", "rename", "shop.customers", "shop.people", "-b", "dev").stdout
    diff = full.run("diff", "main", "dev").stdout
    assert re.search(r"^renamed +table +shop\.people \(was shop\.customers\) +2 +3$", diff, re.M)
    full.error("table", "rename", "shop.none", "x", status=3)
    change(full, "main", "shop.customers")
    done = full.json("table", "revert", "shop.customers", "main~1")
    assert (done["records"], done["changed"]) == (2, True)
    assert "is as it was there already" in full.run("table", "revert", "shop.customers", "main~2").stdout
    versions = table(full.run("table", "history", "shop.customers", "-o", "csv").stdout)
    assert [v["records"] for v in versions][:3] == ["2", "3", "2"]
    cut = full.run("table", "history", "customers", "--namespace", "shop", "--max-count", "1")
    assert len(cut.stdout.splitlines()) == 2 and "older" in cut.stderr


def test_namespaces_go(full: Lake) -> None:
    full.error("namespace", "rm", "shop", status=7)
    full.run("namespace", "create", "trial")
    assert "removed the namespace trial" in full.run("namespace", "delete", "trial").stdout
    assert "no such namespace" in full.run("namespace", "rm", "trial", "--if-exists").stderr
    full.error("namespace", "rm", "trial", status=3)


# ---- text of others ----


def test_messages_cannot_reach_the_terminal(full: Lake) -> None:
    evil = "\x1b[2Jgone\u202e\r\nsecond line"
    full.run("merge", "dev", "--no-ff", "-m", evil, "--property", f"note={evil}")
    full.run("branch", "create", "x", "-m", evil)
    for command in (["log"], ["log", "--graph"], ["show"], ["branch", "ls"], ["branch", "get", "main"],
                    ["reflog", "x"], ["reflog"]):
        for form in ("tty", "table"):
            out = full.run(*command, "-o", form).stdout
            assert "\x1b" not in out and "\u202e" not in out and "\r" not in out, command
            assert "\\x1b[2Jgone" in out, command
    assert "second line" not in full.run("log").stdout and "second line" in full.run("show").stdout


# ---- the pager ----


@pytest.fixture
def long(lake: Lake) -> Lake:
    for i in range(40):
        lake.run("branch", "create", f"b{i:02}")
    return lake


def paged(lake: Lake, *arguments: str, pager: str = "cat >paged") -> tuple[int, str, str]:
    path = lake.home / "paged"
    path.unlink(missing_ok=True)
    status, out = on_terminal(lake, *arguments, env={"CORRIE_PAGER": pager, "PAGER": "false"})
    return status, out, path.read_text() if path.exists() else ""


def test_long_listings_are_paged(long: Lake) -> None:
    status, out, text = paged(long, "branch", "ls")
    assert (status, out) == (0, "") and "b39" in text and "\x1b[" in text and "┌" in text
    for command in (["branch", "ls", "-n", "5"], ["branch", "ls", "--no-pager"], ["version"]):
        status, out, text = paged(long, *command)
        assert status == 0 and out != "" and text == "", command
    assert paged(long, "branch", "ls", "-n", "30")[2].count("--after") == 1  # the note is in the pager too
    assert "Versions" in paged(long, "help")[2]


def test_rows_of_a_query_are_paged(long: Lake) -> None:
    """A hundred rows of which the first lines and the header have left the screen tell nobody what the columns are."""
    status, out, text = paged(long, "query", "SELECT range AS n FROM range(500)")
    assert (status, out) == (0, "") and "┌" in text and "99" in text and "--max-rows 0" in text
    status, out, text = paged(long, "query", "SELECT range AS n FROM range(5)")
    assert status == 0 and "5 rows" in out and text == ""
    status, out, text = paged(long, "query", "SELECT * FROM range(500)", "--no-pager")
    assert "99" in out and text == ""
    status, out, text = paged(long, "query", "SELECT 1 / x FROM missing")
    assert status == 3 and "missing" in out and text == ""
    target = long.home / "rows.csv"
    status, out, text = paged(long, "query", "SELECT * FROM range(500)", "--to", str(target))
    assert status == 0 and "500 rows" in out and text == ""


def test_which_pager(long: Lake) -> None:
    env = {"CORRIE_PAGER": "", "PAGER": "sed s/b39/seen/"}
    assert "seen" in on_terminal(long, "branch", "ls", env=env)[1]
    assert "b39" in on_terminal(long, "branch", "ls", env={"CORRIE_PAGER": "no-such-program -x"})[1]
    assert "b39" in on_terminal(long, "branch", "ls", env={"TERM": "dumb", "CORRIE_PAGER": "false"})[1]
    assert "b39" in long.run("branch", "ls", env={"CORRIE_PAGER": "false"}).stdout


def test_a_pager_that_is_left_early_is_no_error(long: Lake) -> None:
    for pager in ("true", "head -1", "exit 3"):
        status, out, _ = paged(long, "branch", "ls", pager=pager)
        assert status == 0 and "error" not in out, pager


def test_ctrl_c_belongs_to_the_pager(long: Lake) -> None:
    pager = "cat >/dev/null; echo waiting; sleep 1; echo left"
    status, out = on_terminal(long, "branch", "ls", env={"CORRIE_PAGER": pager}, interrupt="waiting")
    assert status == 0 and "interrupted" not in out and "left" in out


# ---- the front page ----


def test_the_readme_word_for_word(lake: Lake) -> None:
    """The first things that people type are those of README.md: five minutes, versions, tables, in this order."""
    text = (ROOT / "README.md").read_text()
    (lake.home / "goods.csv").write_text("name,price\nlamp,19.5\nrope,3\n")
    (lake.home / "more.csv").write_text("name,price\nsail,99\n")
    (lake.home / "sales.csv").write_text("id,name,price,sold_at\n1,tea,3.5,2026-11-01\n2,milk,0.8,2026-12-02\n")
    (lake.home / "more.jsonl").write_text('{"id":3,"name":"salt","price":0.9,"sold_at":"2026-11-03","shop":"north"}\n')
    for title in ("A lake in five minutes", "Versions", "Tables"):
        section = text.split(f"## {title}\n")[1].split("\n## ")[0]
        lines = re.findall(r"^\$ corrie (.*(?:\n +.*)*)$", section, re.M)
        assert len(lines) > 7
        for line in lines:
            if title == "Versions" and line.startswith("import"):
                (lake.home / "more.csv").write_text("name,price\nmast,250\n")
            words = shlex.split(line, comments=True)
            done = lake.run(*words, stdin="SELECT 1" if words == ["sql"] else None)
            assert "error" not in done.stderr, line
    assert lake.rows("SELECT name FROM shop.goods ORDER BY name") == [["lamp"], ["rope"], ["sail"]]
    assert lake.rows("SELECT good, shop FROM shop.sales ORDER BY id") == [["tea", ""], ["milk", ""], ["salt", "north"]]
    assert lake.rows("SELECT count(*) FROM shop.by_day") == [["3"]]


# ---- wrong usage ----


@pytest.mark.parametrize(("command", "status", "expected"), [
    (["merge"], 2, "SOURCE"),
    (["merge", "dev", "main"], 2, "main"),
    (["merge", "dve"], 3, "dev"),
    (["merge", "dev", "--into", "mian"], 3, "main"),
    (["merge", "dev", "--property", "x"], 2, "x"),
    (["merge", "dev", "--ours", "shop.none"], 3, "shop.none"),
    (["cherry-pick"], 2, "COMMIT"),
    (["cherry-pick", "dve"], 3, "dev"),
    (["revert", "dev", "--mainline", "x"], 2, "number"),
    (["revert", "--into", "dev"], 2, "COMMIT"),
    (["branch", "reset", "dev"], 2, "REF"),
    (["branch", "rename", "dev"], 2, "NEW"),
    (["branch", "rename", "dev", "tx/1"], 2, "tx/"),
    (["branch", "rm", "main"], 7, "checked out"),
    (["tag", "create", "a..b"], 2, "a..b"),
    (["tag", "rm", "v9"], 3, "v9"),
    (["show", "mian"], 3, "main"),
    (["log", "--max-count", "-1"], 2, "number"),
    (["log", "--authr", "x"], 2, "--author"),
    (["diff", "main", "dev", "--rows", "x"], 2, "number"),
    (["reflog", "--before", "x"], 2, "number"),
    (["status", "mian"], 3, "main"),
    (["table", "revert", "shop.customers"], 2, "REF"),
    (["table", "rename", "shop.customers"], 2, "NEW"),
    (["table", "history", "shop.custmers"], 3, "shop.customers"),
    (["table", "rm"], 2, "NAME"),
    (["namespace", "rm"], 2, "NAME"),
])
def test_wrong_usage(full: Lake, command: list[str], status: int, expected: str) -> None:
    before = {r["name"]: r["commit"] for r in full.json("branch", "ls", "-a")["refs"]}
    assert expected in full.error(*command, status=status)
    assert {r["name"]: r["commit"] for r in full.json("branch", "ls", "-a")["refs"]} == before


def test_quotes_in_suggested_commands(full: Lake) -> None:
    """The command in a hint can be pasted, whatever the message had in it."""
    conflict(full)
    message = "it's $HOME; *"
    said = full.error("merge", "dev", "-m", message, status=4)
    command = next(line for line in said.splitlines() if " --theirs " in line)
    words = shlex.split(command)
    assert words[:5] == ["corrie", "merge", "dev", "-m", message]
    path = Path(full.home / "x.sh")
    path.write_text(command)
    full.run(*words[1:])
    assert full.json("log", "-n", "1")["commits"][0]["message"] == message
