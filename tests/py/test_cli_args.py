"""The command line: flags where people put them, spellings of the other system, mistakes answered with the nearest."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_lake import make_lake
from conftest import Lake


@pytest.fixture
def full(lake: Lake) -> Lake:
    make_lake(lake)
    return lake


@pytest.mark.parametrize("command", [
    ["table", "get", "customers", "--namespace", "shop", "--ref", "dev", "-o", "json"],
    ["-o", "json", "--ref", "dev", "--namespace", "shop", "table", "get", "customers"],
    ["-ojson", "table", "--ref=dev", "get", "-n", "shop", "customers"],
    ["table", "-nshop", "-rdev", "get", "--output=json", "--", "customers"],
    ["table", "get", "--name", "shop.customers", "-r", "dev", "-O", "json"],
    ["table", "get", "--name=customers", "--namespace=shop", "-r", "dev", "-o", "csv", "-o", "json"],
    ["-xojson", "table", "get", "shop.customers", "--ref", "dev"],
])
def test_flags_in_any_order(full: Lake, command: list[str]) -> None:
    import json

    assert json.loads(full.run(*command).stdout)["records"] == 3


def test_spellings_of_the_other_system(full: Lake) -> None:
    """Commands of its documentation, word for word."""
    full.run("checkout", "-b", "ada.trial", program="bauplan")
    full.run("branch", "checkout", "main", program="bauplan")
    full.run("table", "get", "shop.customers", program="bauplan")
    assert "customers" in full.run("table", "--namespace", "shop", program="bauplan").stdout
    full.run("namespace", "create", "adventure", program="bauplan")
    full.run("table", "create", "--branch", "ada.trial", "--name", "adventure.sales", "--search-uri", "sales.csv",
             program="bauplan")
    full.run("table", "import", "--branch", "ada.trial", "--name", "adventure.sales", "--search-uri", "sales.csv",
             program="bauplan")
    assert full.json("table", "get", "adventure.sales", "--ref", "ada.trial")["records"] == 2
    full.run("commit", "--max-count", "3", program="bauplan")
    full.run("run", "--project-dir", "project", "--namespace", "adventure", "--dry-run", "--strict", "on",
             program="bauplan")
    full.run("run", "-p", "project", "--dry-run", "--strict=off", "--cache", "off", program="bauplan")
    full.run("branch", "delete", "ada.trial", program="bauplan")


def test_the_name_sets_the_default_namespace(full: Lake) -> None:
    full.run("import", "sales.csv", program="bauplan")
    full.run("import", "sales.csv")
    assert [(t["namespace"], t["name"]) for t in full.json("table", "ls")["tables"]] == [
        ("bauplan", "sales"), ("public", "sales"), ("shop", "customers")]
    assert full.run("query", "SELECT count(*) AS n FROM sales", "-o", "csv", program="bauplan").stdout == "n\n2\n"
    assert full.run("version", program="bauplan").stdout.startswith("bauplan")


def test_jobs_of_the_other_system_run_with_their_options(full: Lake) -> None:
    """Places in a server's queue and features of it mean nothing here, and stop no script."""
    server = ["-a", "query_concurrency=2", "--arg=flight-python=on", "--priority", "7", "--client-timeout", "1800"]
    full.run("table", "create", "shop.sales", "--search-uri", "sales.csv", *server, program="bauplan")
    full.run("table", "import", "shop.sales", "--search-uri", "sales.csv", *server, program="bauplan")
    plan = full.run("table", "create-plan", "shop.more", "--search-uri", "sales.csv", *server, program="bauplan").stdout
    full.run("table", "create-plan-apply", *server, program="bauplan", stdin=plan)
    assert "2" in full.run("query", "SELECT count(*) FROM shop.sales", *server, program="bauplan").stdout
    planned = full.run("run", "-p", "project", "--dry-run", *server, "-t", "on", "--runner-node", "n1",
                       "--summary-no-trunc", program="bauplan")
    assert planned.stdout
    full.run("job", "logs", "last", "--system", program="bauplan")
    full.run("namespace", "create", "gone", program="bauplan")
    full.run("namespace", "drop", "gone", program="bauplan")


@pytest.mark.parametrize(("command", "field", "n"), [
    (["table", "ls"], "tables", 3),
    (["namespace", "ls"], "namespaces", 2),
    (["table", "files", "shop.customers"], "files", 2),
    (["parameter", "ls", "-p", "project"], "parameters", 2),
    (["config", "ls"], "settings", 2),
])
def test_every_listing_can_be_cut(full: Lake, command: list[str], field: str, n: int) -> None:
    if command[:2] == ["table", "files"]:
        full.run("import", "customers.csv", "shop.customers", "--import-duplicate-files")
    if command[0] == "table" or command[0] == "namespace":
        full.run("import", "sales.csv", "one")
        full.run("import", "sales.csv", "two")
    if command[0] == "parameter":
        full.run("parameter", "set", "second", "2", "-p", "project")
    if command[0] == "config":
        full.run("config", "set", "user.name", "Ada")
        full.run("config", "set", "api_key", "x")
    whole = full.json(*command)
    assert len(whole[field]) == n and "more" not in whole
    assert full.json(*command, "--limit", "1") == {**whole, field: whole[field][:1], "more": True}
    assert full.json(*command, "--limit", str(n)) == whole
    assert full.json(*command, "--max-count", "0") == whole
    for output in ("table", "csv", "jsonl"):
        lines = full.run(*command, "-o", output).stdout.splitlines()
        cut = full.run(*command, "--limit", "1", "-o", output)
        assert len(cut.stdout.splitlines()) == len(lines) - n + 1 and "--limit 0 shows all" in cut.stderr


@pytest.mark.parametrize(("command", "expected"), [
    (["bransh", "ls"], "branch"),
    (["tabel"], "table"),
    (["branch", "lst"], "ls"),
    (["branch", "crate", "x"], "create"),
    (["table", "ls", "--namespce", "x"], "--namespace"),
    (["run", "--projct-dir", "x"], "--project-dir"),
    (["query", "SELECT 1", "-o", "xml"], "json"),
    (["query", "SELECT 1", "--max-rows", "many"], "number"),
    (["query", "SELECT 1", "--max-rows", "-1"], "number"),
    (["query", "SELECT 1", "SELECT 2"], "SELECT 2"),
    (["query", "SELECT 1", "-f", "report.sql"], "either"),
    (["query", "SELECT 1", "--to", "result"], "format"),
    (["table", "ls", "-o", "parquet"], "parquet"),
    (["branch", "create"], "NAME"),
    (["branch", "create", "a", "b"], "b"),
    (["table", "create", "x"], "--from"),
    (["table", "get", "x", "--ref"], "--ref"),
    (["table", "get", "--name", "x", "y"], "y"),
    (["branch", "ls", "--all=yes"], "--all"),
    (["run", "--strict=maybe"], "on or off"),
    (["checkout", "main", "--from-ref", "dev"], "-b"),
    (["import", "sales.csv", "x", "--append", "--replace"], "either"),
    (["import", "parts/*.csv"], "NAME"),
    (["import", "a.b.csv"], "NAME"),
    (["login", "x"], "login"),
    (["-z", "branch", "ls"], "-z"),
    (["--api-key", "k", "branch", "ls"], "--api-key"),
    (["--profile", "work", "branch", "ls"], "--lake"),
    (["table", "ls", "--client-timeout", "0"], "-1"),
    (["query", "SELECT 1", "--color", "blue"], "auto"),
])
def test_wrong_usage_is_said_and_changes_nothing(full: Lake, command: list[str], expected: str) -> None:
    before = full.head()
    assert expected in full.error(*command, status=2)
    assert full.head() == before
    assert full.json("job", "ls", "-n", "1")["jobs"][0]["kind"] == "import"


@pytest.mark.parametrize(("command", "nearest"), [
    (["table", "get", "shop.custmers"], "shop.customers"),
    (["query", "SELECT * FROM shop.custmers"], "shop.customers"),
    (["query", "SELECT nam FROM shop.customers"], "name"),
    (["table", "ls", "--ref", "mian"], "main"),
    (["branch", "rm", "dve"], "dev"),
    (["checkout", "dve"], "dev"),
    (["branch", "merge", "dve"], "dev"),
    (["diff", "dve"], "dev"),
    (["log", "dve"], "dev"),
    (["table", "import", "shop.custmers", "--from", "sales.csv"], "shop.customers"),
    (["import", "sales.csv", "x", "--branch", "dve"], "dev"),
])
def test_what_does_not_exist(full: Lake, command: list[str], nearest: str) -> None:
    said = full.error(*command, status=3)
    assert nearest in said.split("hint:")[1]


@pytest.mark.parametrize(("command", "status"), [
    (["branch", "create", "dev"], 4),
    (["checkout", "-b", "dev"], 4),
    (["namespace", "create", "shop"], 4),
    (["branch", "rm", "main"], 7),
    (["job", "get", "ffffffff"], 3),
    (["run", "-p", "parts"], 3),
    (["run", "-p", "project", "--param", "lest=1"], 2),
    (["query", "SELEC 1"], 1),
    (["query", "DROP TABLE shop.customers"], 1),
    (["query", "-f", "none.sql"], 3),
])
def test_exit_statuses(full: Lake, command: list[str], status: int) -> None:
    full.error(*command, status=status)


def test_conflict_is_4_and_names_the_table(full: Lake, tmp_path: Path) -> None:
    full.run("import", "customers.csv", "shop.customers", "--replace")
    said = full.error("branch", "merge", "dev", status=4)
    assert "customers" in said and "{" not in said
    assert full.error("branch", "merge", "dev", "--dry-run", status=4)


def test_statement_from_anywhere(full: Lake) -> None:
    expected = "n\n7\n"
    (full.home / "seven.sql").write_text("-- comment\nSELECT 7 AS n\n")
    assert full.run("query", "SELECT 7 AS n", "-o", "csv").stdout == expected
    assert full.run("query", "-f", "seven.sql", "-o", "csv").stdout == expected
    assert full.run("query", "-o", "csv", stdin="SELECT 7 AS n").stdout == expected
    assert full.run("query", "-o", "csv", "-f", "-", stdin="SELECT 7 AS n").stdout == expected
    assert full.run("query", "-", "-o", "csv", stdin="SELECT 7 AS n").stdout == expected
    assert "no SQL" in full.error("query", status=2, stdin=" \n")
    (full.home / "bad.sql").write_text("SELECT 1;\nSELEC 2\n")
    (full.home / "bad.sql").write_text("SELECT 1,\n       nope\n")
    said = full.run("query", "-f", "bad.sql", status=None).stderr
    assert "bad.sql:2:8" in said and "^^^^" in said


def test_names_of_tables_from_files(full: Lake) -> None:
    (full.home / "plain").mkdir()
    full.run("import", "sales.csv", "parts/b.csv")
    full.run("import", "sales.csv", "plain")  # a folder of that name does not matter
    full.run("import", "parts/a.csv", "parts/b.csv", "pair")
    full.run("import", "sales.csv", "--name", "named", "--namespace", "other")
    names = [f"{t['namespace']}.{t['name']}" for t in full.json("table", "ls")["tables"]]
    assert names == ["other.named", "public.b", "public.pair", "public.plain", "public.sales",
                     "shop.customers"]
    assert full.rows("SELECT count(*) FROM pair") == [["3"]]


def test_import_options_arrive(full: Lake) -> None:
    full.run("import", "us.csv", "us", "--date-format", "%m/%d/%Y", "--delimiter", ";")
    assert full.rows("SELECT day FROM us ORDER BY n") == [["2026-12-31"], ["2026-01-02"]]
    full.run("import", "parts/a.csv", "nulls", "--null", "NA", "--null", "x")
    assert full.rows("SELECT count(s) FROM nulls") == [["0"]]
    (full.home / "tabs.txt").write_text("1\t'a b'\n2\t'c'\n")
    full.run("import", "tabs.txt", "tabs", "--format", "csv", "--delimiter", "\\t", "--quote", "'", "--header", "off")
    assert [row[1] for row in full.rows("SELECT * FROM tabs")] == ["a b", "c"]


def test_the_environment_and_its_overrides(full: Lake) -> None:
    env = {"CORRIE_REF": "dev"}
    assert full.json("table", "get", "shop.customers", env=env)["records"] == 3
    assert full.json("table", "get", "shop.customers", "--ref", "main", env=env)["records"] == 2
    assert "CORRIE_REF" in full.run("checkout", "main", env=env).stderr
    other = full.home / "other"
    assert full.json("--lake", other, "table", "ls")["tables"] == []
    assert other.is_dir()


def test_a_lake_is_made_on_first_use_and_said(lake: Lake) -> None:
    done = lake.run("branch", "ls", "-o", "csv")
    assert "made a lake" in done.stderr and "made a lake" not in done.stdout
    assert "made a lake" not in lake.run("branch", "ls").stderr


def test_in_a_projects_folder_names_are_of_its_namespace(full: Lake) -> None:
    project = full.home / "at"
    project.mkdir()
    file = project / "corrie.yaml"
    file.write_text("project: {id: 5f3a3c9e-6d0e-4a58-9df5-6a1a3f2b7c11, name: at}\ndefaults: {namespace: shop}\n")
    count = ["query", "SELECT count(*) AS n FROM customers"]
    assert full.json(*count, cwd=project)["rows"] == [{"n": 2}]
    assert full.json("table", "get", "customers", cwd=project)["records"] == 2
    assert full.json("log", "--table", "customers", cwd=project)["commits"]
    assert "public.customers does not exist" in full.error(*count, status=3)
    assert "public.customers does not exist" in full.error(*count, "-n", "public", cwd=project, status=3)
    file.write_text(file.read_text() + "odd: 1\n")
    assert "corrie.yaml:3:1" in full.error(*count, cwd=project, status=1), "which namespace is meant cannot be known"
    full.run("branch", "ls", cwd=project)
    full.run(*count, "-n", "shop", cwd=project)
