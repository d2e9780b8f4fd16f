"""docs/reference/json.md is an interface: programs break when a field is missing, or of another type, or unknown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cli_lake import make_lake
from conftest import ROOT, Lake

PAGE = ROOT / "docs/reference/json.md"
FAILING = '''

@corrie.expectation()
@corrie.python("3.11")
def never(counted=corrie.Model("counted")):
    raise ValueError("not these")
'''
TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,), "number": (int, float), "true or false": (bool,), "list": (list,), "object": (dict,),
    "null": (type(None),), "any": (object,),
}


def sections() -> dict[str, dict[str, tuple[str, str]]]:
    """heading -> field -> (type, description)"""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    heading = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            heading = line[3:]
        row = re.match(r"\| `([^`]+)` \| ([^|]+) \|(.*)\|$", line)
        if row:
            found.setdefault(heading, {})[row[1]] = (row[2].strip(), row[3].strip())
    return found


SECTIONS = sections()


def values(document: Any, path: str) -> list[tuple[dict[str, Any], str]]:
    """The objects that may hold the path's last field, each with that field's name."""
    holders: list[Any] = [document]
    *parents, last = path.split(".")
    for part in parents:
        name = part.removesuffix("[]")
        holders = [h[name] for h in holders if isinstance(h, dict) and h.get(name) is not None]
        if part.endswith("[]"):
            holders = [item for h in holders for item in h]
    return [(h, last) for h in holders if isinstance(h, dict)]


def fits(value: Any, types: str) -> bool:
    names = [types] if types == "true or false" else types.split(" or ")
    return any(isinstance(value, TYPES[n]) and not (isinstance(value, bool) and n == "number") for n in names)


def check(section: str, document: Any) -> None:
    """Every documented field is there and of its type; every field there is documented."""
    fields = SECTIONS[section]
    for path, (types, text) in fields.items():
        for holder, name in values(document, path):
            found = list(holder) if name == "*" else [name]
            for each in found:
                if each not in holder:
                    assert "absent" in text, f"{section}: {path} is missing in {holder}"
                    continue
                assert fits(holder[each], types), f"{section}: {path} is {holder[each]!r}, not {types}"
    for path in undocumented(document, "", fields):
        raise AssertionError(f"{section}: {path} is not documented")


def undocumented(value: Any, path: str, fields: dict[str, tuple[str, str]]) -> list[str]:
    """Paths below `path` that the page does not have. What has no fields listed below it is looked at elsewhere."""
    if isinstance(value, list):
        return [p for item in value for p in undocumented(item, f"{path}[]", fields)]
    if not isinstance(value, dict) or (path and not any(f.startswith(f"{path}.") for f in fields)):
        return []
    found = []
    for name, below in value.items():
        here = f"{path}.{name}" if path else name
        if f"{path}.*" in fields:
            continue
        if here not in fields:
            found.append(here)
        found += undocumented(below, here, fields)
    return found


@pytest.fixture
def full(lake: Lake) -> Lake:
    """A lake with a bit of everything; see cli_lake.py."""
    make_lake(lake)
    lake.run("config", "set", "user.name", "Ada Lovelace")
    return lake


COMMANDS = [
    ("version", ["version"]),
    ("info", ["info"]),
    ("init", ["init", "new"]),
    ("init --bare", ["init", "--bare", "other", "--shared=group"]),
    ("config set", ["config", "set", "api_key", "x"]),
    ("config get", ["config", "get", "user.name"]),
    ("config unset", ["config", "unset", "user.name"]),
    ("config ls", ["config", "ls"]),
    ("branch ls", ["branch", "ls", "--all"]),
    ("branch create", ["branch", "create", "new"]),
    ("branch create", ["branch", "create", "dev", "--if-not-exists"]),
    ("branch rm", ["branch", "rm", "dev"]),
    ("branch rm", ["branch", "rm", "none", "--if-exists"]),
    ("branch merge", ["branch", "merge", "dev", "--dry-run"]),
    ("branch merge", ["branch", "merge", "dev"]),
    ("branch merge", ["branch", "merge", "main"]),
    ("checkout", ["checkout", "dev"]),
    ("checkout", ["checkout", "-b", "new"]),
    ("log", ["log", "-n", "1"]),
    ("log", ["log", "dev"]),
    ("diff", ["diff", "main~1", "dev"]),
    ("diff", ["branch", "diff", "dev"]),
    ("diff", ["diff", "main~1", "dev", "--schema", "--rows", "2", "--merge-base"]),
    ("show", ["show", "dev"]),
    ("show", ["show"]),
    ("reflog", ["reflog"]),
    ("reflog", ["reflog", "dev", "-n", "1"]),
    ("status", ["status"]),
    ("branch get", ["branch", "get", "dev"]),
    ("branch rename", ["branch", "rename", "dev", "new"]),
    ("branch reset", ["branch", "reset", "dev", "main"]),
    ("branch reset", ["branch", "reset", "main", "main"]),
    ("branch rm", ["tag", "rm", "none", "--if-exists"]),
    ("branch create", ["tag", "create", "v1"]),
    ("branch ls", ["tag", "ls"]),
    ("branch ls", ["branch", "ls", "-n", "1"]),
    ("branch merge", ["merge", "dev", "--no-ff"]),
    ("cherry-pick", ["cherry-pick", "dev"]),
    ("cherry-pick", ["cherry-pick", "dev", "--dry-run"]),
    ("revert", ["revert", "dev", "--branch", "dev"]),
    ("table history", ["table", "history", "shop.customers"]),
    ("table history", ["table", "history", "shop.customers", "--ref", "dev", "--max-count", "1"]),
    ("table rm", ["table", "rm", "shop.customers"]),
    ("table files", ["table", "files", "shop.customers"]),
    ("query", ["table", "sample", "shop.customers", "--rows", "1"]),
    ("query --to", ["table", "export", "shop.customers", "--to", "all.csv"]),
    ("table compact", ["table", "compact", "shop.customers", "--branch", "dev"]),
    ("table compact", ["table", "compact", "shop.customers", "--dry-run"]),
    ("table expire", ["table", "expire", "shop.customers", "--branch", "dev", "--older-than", "0"]),
    ("table rm", ["table", "rm", "shop.none", "--if-exists"]),
    ("table rename", ["table", "rename", "shop.customers", "shop.people"]),
    ("table revert", ["table", "revert", "shop.customers", "main", "--branch", "dev"]),
    ("table revert", ["table", "revert", "shop.customers", "main"]),
    ("namespace rm", ["namespace", "rm", "none", "--if-exists"]),
    ("log", ["commit", "ls"]),
    ("namespace ls", ["namespace", "ls"]),
    ("namespace create", ["namespace", "create", "new"]),
    ("table ls", ["table", "ls"]),
    ("table get", ["table", "get", "shop.customers"]),
    ("import", ["import", "sales.csv", "new"]),
    ("import", ["import", "customers.csv", "shop.customers"]),
    ("import", ["table", "create", "new", "--from", "sales.csv"]),
    ("table create-plan", ["table", "create-plan", "new", "--from", "sales.csv"]),
    ("import", ["table", "import", "shop.customers", "--from", "customers.csv", "--replace"]),
    ("query", ["query", "SELECT *, [1] AS l, {'a': 1} AS s, 'nan'::FLOAT AS f FROM shop.customers"]),
    ("query", ["query", "SELECT * FROM shop.customers", "--max-rows", "1"]),
    ("query", ["query", "SELECT * FROM shop.customers WHERE false"]),
    ("explain", ["explain", "SELECT name FROM shop.customers WHERE since > DATE '2026-01-15'"]),
    ("explain --project-dir", ["explain", "--project-dir", "project"]),
    ("lineage", ["lineage", "counted.n", "-p", "project"]),
    ("lineage", ["lineage", "shop.customers.name", "-p", "project", "--down"]),
    ("query --to", ["query", "SELECT 1 AS a", "--to", "a.csv"]),
    ("sql", ["sql", "UPDATE shop.customers SET name = 'eve' WHERE name = 'bob'", "--dry-run"]),
    ("sql", ["sql", "CREATE NAMESPACE extra; CREATE TABLE IF NOT EXISTS shop.customers (a INT); "
             "DELETE FROM shop.customers WHERE false", "--branch", "dev"]),
    ("run", ["run", "-p", "project", "--dry-run"]),
    ("run", ["run", "-p", "project"]),
    ("env ls", ["env", "ls", "-p", "project"]),
    ("env lock", ["env", "lock", "-p", "project"]),
    ("env clean", ["env", "clean", "--dry-run"]),
    ("parameter ls", ["parameter", "ls", "-p", "project"]),
    ("parameter set", ["parameter", "set", "least", "2", "-p", "project"]),
    ("parameter set", ["parameter", "set", "new", "--description", "x", "-p", "project"]),
    ("parameter rm", ["parameter", "rm", "least", "-p", "project"]),
    ("job ls", ["job", "ls", "-n", "1"]),
    ("job ls", ["job", "ls"]),
    ("job get", ["job", "get", "last"]),
    ("job logs", ["job", "logs", "last"]),
    ("fsck", ["fsck"]),
]


@pytest.mark.parametrize(("section", "command"), COMMANDS, ids=[" ".join(c) for _, c in COMMANDS])
def test_fields_are_those_of_the_page(full: Lake, section: str, command: list[str]) -> None:
    check(section, full.json(*command))


def test_the_page_has_all_verbs(lake: Lake) -> None:
    """A verb whose document nobody described would be an interface by accident."""
    markdown = lake.run("help", "--markdown").stdout
    verbs = re.findall(r"^### (.*)$", markdown, re.M)
    others = {"help", "table create", "table import", "table create-plan-apply", "table create-external",
              "table sample", "table export", "completion", "branch checkout", "branch diff", "merge", "commit ls",
              "tag ls", "tag get", "tag create", "tag rm"}  # nothing, or another's
    assert set(verbs) - others == set(SECTIONS) - {"an error", "query --to", "init --bare", "explain --project-dir",
                                                    "run --detach"}


def test_several_imports_are_one_document(full: Lake) -> None:
    done = full.json("import", "sales.csv", "parts/a.csv")
    assert list(done) == ["imports"]
    for each in done["imports"]:
        check("import", each)
    assert [d["table"] for d in done["imports"]] == ["sales", "a"]


def test_a_run_and_its_logs(full: Lake) -> None:
    full.run("run", "-p", "project")
    logs = full.json("job", "logs", "last")
    check("job logs", logs)
    check("job get", full.json("job", "get", "last"))
    assert {"job", "start", "log", "done", "publish"} <= {entry["kind"] for entry in logs["logs"]}


def test_what_comes_back(full: Lake) -> None:
    full.run("branch", "rm", "dev")
    check("branch restore", full.json("branch", "restore", "dev"))
    full.run("tag", "create", "v1")
    check("branch get", full.json("tag", "get", "v1"))
    check("branch rm", full.json("tag", "rm", "v1"))
    full.run("namespace", "create", "trial")
    check("namespace rm", full.json("namespace", "rm", "trial"))
    full.run("table", "rename", "shop.customers", "shop.people")
    check("diff", full.json("diff", "main~1", "main"))
    full.run("table", "rm", "shop.people")
    check("table history", full.json("table", "history", "shop.people", "--ref", "main~1"))


def test_status_with_something_to_tell(full: Lake) -> None:
    full.run("run", "-p", "project")
    full.run("import", "more.csv", "shop.customers")
    models = full.home / "project/models.py"
    models.write_text(models.read_text() + FAILING)
    full.run("run", "-p", "project", status=1)
    left = next(r["name"] for r in full.json("branch", "ls", "-a")["refs"] if r["kind"] == "tx")
    full.run("merge", left, "--accept-taint")
    document = full.json("status")
    check("status", document)
    assert document["tainted"] and document["left"]


def test_conflicts_are_a_report(full: Lake) -> None:
    full.run("import", "customers.csv", "shop.customers", "--replace")
    document = json.loads(full.run("merge", "dev", "-o", "json", status=4).stdout)
    check("an error", document)
    report = json.loads(document["error"]["context"]["detail"])
    assert set(report) == {"base", "ours", "theirs", "conflicts"}
    assert {"kind", "name", "key", "base", "ours", "theirs", "reason"} == set(report["conflicts"][0])


@pytest.mark.parametrize(("command", "status", "kind"), [
    (["branch", "lst"], 2, "usage"),
    (["table", "get", "shop.custmers"], 3, "not_found"),
    (["branch", "create", "dev"], 4, "exists"),
    (["query", "SELEC 1"], 1, "bad_project"),
    (["import", "none.csv"], 3, "not_found"),
    (["--lake", "parts", "info"], 3, "not_found"),
])
def test_errors_are_documents_on_standard_output(full: Lake, command: list[str], status: int, kind: str) -> None:
    done = full.run(*command, "-o", "json", status=status)
    document = json.loads(done.stdout)
    check("an error", document)
    assert document["error"]["type"] == kind
    assert "error" not in done.stderr


def test_a_failure_among_rows_keeps_one_document(full: Lake) -> None:
    """A program that reads the result must be able to parse it, and must see that it is not whole."""
    done = full.run("query", "SELECT CAST(CASE WHEN range < 2500000 THEN '1' ELSE 'x' END AS INTEGER) AS n "
                    "FROM range(3000000)", "-o", "json", status=1)
    document = json.loads(done.stdout)
    check("an error", {"error": document["error"]})
    assert "more" not in document


def test_damage_is_a_document_too(full: Lake) -> None:
    full.unreadable = "a file of it is gone"
    victim = next(full.root.glob("data/**/*.parquet"))
    victim.unlink()
    document = json.loads(full.run("fsck", "-o", "json", status=6).stdout)
    check("fsck", document)
    assert any(victim.name in p["what"] or victim.name in p["where"] for p in document["problems"])


def test_json_lines(full: Lake, tmp_path: Path) -> None:
    lines = full.run("table", "ls", "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["customers"]
    lines = full.run("query", "SELECT range AS n FROM range(3)", "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert json.loads(full.run("info", "-o", "jsonl").stdout)["root"] == str(full.root)
