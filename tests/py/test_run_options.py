"""Options of `run`: a part of the project, previews, no transaction, one thread."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Lake, import_numbers, write_project
from waiting import TIMEOUT


@pytest.fixture
def project(lake: Lake, tmp_path: Path) -> Path:
    """numbers → a → b → c and a → d, all of them tables; an expectation on b and one on c and d."""
    import_numbers(lake, 30)
    project = write_project(tmp_path / "project")
    for name, reads in ("a", "numbers"), ("b", "a"), ("c", "b"), ("d", "a"):
        (project / f"{name}.sql").write_text(f"-- corrie: materialization_strategy=REPLACE\n"
                                            f"SELECT n + 1 AS n, s FROM {reads}\n")
    (project / "checks.py").write_text("""
import corrie


@corrie.expectation()
@corrie.python('3.11')
def b_is_there(rows=corrie.Model('b')):
    return rows.num_rows == 30


@corrie.expectation()
@corrie.python('3.11')
def c_and_d(c=corrie.Model('c'), d=corrie.Model('d')):
    return c.num_rows == d.num_rows
""")
    return project


@pytest.mark.parametrize(("terms", "expected"), [
    (["a"], "a"),
    (["b+"], "b c b_is_there c_and_d"),
    (["+b"], "a b b_is_there"),
    (["+b+"], "a b c b_is_there c_and_d"),
    (["c,d"], "c d c_and_d"),
    (["c", "d"], "c d c_and_d"),
    (["a+"], "a b c d b_is_there c_and_d"),
    (["+c_and_d"], "a b c d b_is_there c_and_d"),
    (["public.d"], "d"),
])
def test_a_part_of_the_project(lake: Lake, project: Path, terms: list[str], expected: str) -> None:
    lake.run("run", cwd=project)
    before = lake.head()
    select = [word for term in terms for word in ("--select", term)]
    done = lake.json("run", *select, cwd=project)
    assert {n["name"] for n in done["nodes"]} == set(expected.split())
    assert {t["name"] for t in done["tables"]} == set(expected.split()) - {"b_is_there", "c_and_d"}
    assert lake.json("log")["commits"][0]["parents"] == [before]
    assert lake.json("job", "get", "last")["args"]["select"] == terms


def test_a_function_is_all_its_outputs(lake: Lake, tmp_path: Path) -> None:
    """… by its own name; and a table that it reads twice is one input."""
    import_numbers(lake, 10)
    outputs = "outputs={'x': {'materialization_strategy': 'REPLACE'}, 'y': {'materialization_strategy': 'REPLACE'}}"
    folder = write_project(tmp_path / "outputs", {"models.py": (
        f"import corrie\n\n\n@corrie.model({outputs})\n@corrie.python('3.11')\n"
        "def split(rows=corrie.Model('numbers'), again=corrie.Model('numbers', columns=['n'])):\n"
        "    return {'x': rows, 'y': again}\n"),
        "z.sql": "-- corrie: materialization_strategy=REPLACE\nSELECT * FROM x\n"})
    done = lake.json("run", "--select", "split", cwd=folder)
    assert {t["name"] for t in done["tables"]} == {"x", "y"}
    assert {n["name"] for n in lake.json("run", "--select", "split+", cwd=folder)["nodes"]} == {"x", "y", "z"}
    lake.run("sql", "DELETE FROM numbers WHERE n = 1")
    assert [i["name"] for i in lake.json("table", "get", "x")["made_by"]["inputs"]] == ["public.numbers"]


def test_what_is_not_selected_is_read_as_it_was_published(lake: Lake, project: Path) -> None:
    lake.run("run", cwd=project)
    (project / "a.sql").write_text("-- corrie: materialization_strategy=REPLACE\nSELECT n + 100 AS n, s FROM numbers\n")
    lake.run("run", "--select", "b", cwd=project)
    assert lake.rows("SELECT min(n) FROM b") == [["2"]]
    lake.run("run", "--select", "+b", cwd=project)
    assert lake.rows("SELECT min(n) FROM b") == [["101"]]


def test_a_selection_that_makes_no_sense(lake: Lake, project: Path) -> None:
    assert "'+'" in lake.error("run", "--select", "+", cwd=project, status=2)
    assert "names nothing" in lake.error("run", "--select", " ,", cwd=project, status=2)
    assert "names nothing" in lake.error("run", "--select", "", cwd=project, status=2)
    said = lake.error("run", "--select", "bb", cwd=project, status=3)
    assert "no model or expectation bb" in said and "b" in said
    said = lake.error("run", "--select", "b", cwd=project, status=3)
    assert "b reads a, which is not selected" in said and "--select +b" in said and "b.sql:2" in said


@pytest.mark.parametrize(("mode", "first"), [("on", "0"), ("head", "0"), ("tail", "20")])
def test_previews(lake: Lake, project: Path, mode: str, first: str) -> None:
    (project / "a.sql").write_text("-- corrie: materialization_strategy=REPLACE\n"
                                   "SELECT n, CASE WHEN n <> 20 THEN s END AS s, [n, 1] AS l FROM numbers\n")
    done = lake.json("run", "--select", "a", "--preview", mode, cwd=project)
    [shown] = done["previews"]
    assert shown["name"] == "a" and shown["total_rows"] == 30
    assert [c["name"] for c in shown["columns"]] == ["n", "s", "l"]
    assert len(shown["rows"]) == 10
    assert shown["rows"][0] == {"n": first, "s": None if first == "20" else "s0", "l": f"[{first},1]"}
    text = lake.run("run", "--select", "a", "--preview", mode, cwd=project).stdout
    assert "10 of 30 rows" in text and f"s{int(first) + 9}" in text


def test_no_preview_unless_asked_for(lake: Lake, project: Path) -> None:
    assert lake.json("run", cwd=project)["previews"] == []
    assert lake.json("run", "--preview", "off", cwd=project)["previews"] == []
    lake.error("run", "--preview", "sideways", cwd=project, status=2)


def test_without_a_transaction_each_table_is_a_commit(lake: Lake, project: Path) -> None:
    before = len(lake.json("log")["commits"])
    done = lake.run("run", "--no-transaction", cwd=project)
    assert "no transaction" in done.stderr
    commits = lake.json("log")["commits"]
    assert len(commits) == before + 4
    assert {c["message"].split(": ")[1] for c in commits[:4]} == {"public.a", "public.b", "public.c", "public.d"}
    assert [b["kind"] for b in lake.json("branch", "ls", "-a")["refs"]] == ["branch"]
    job = lake.json("job", "get", "last")
    assert job["commit_out"] == lake.head() and job["tx"] is None
    lake.fsck()


def test_without_a_transaction_a_failure_leaves_what_was_published(lake: Lake, project: Path) -> None:
    (project / "c.sql").write_text("-- corrie: materialization_strategy=REPLACE\n"
                                   "SELECT CAST(s AS INTEGER) AS i FROM b\n")
    before = len(lake.json("log")["commits"])
    said = lake.error("run", "--no-transaction", cwd=project, status=1)
    published = len(lake.json("log")["commits"]) - before
    assert f"{published} table{'s' * (published != 1)} had been published" in said
    names = {t["name"] for t in lake.json("table", "ls")["tables"]}
    assert {"a", "b", "numbers"} <= names and "c" not in names
    job = lake.json("job", "get", "last")
    assert job["status"] == "failed" and job["commit_out"] == lake.head()
    assert "tx/" not in str(lake.json("branch", "ls", "-a"))
    lake.fsck()


def test_one_thread_gives_the_same_sums(lake: Lake, project: Path) -> None:
    (project / "a.sql").write_text("-- corrie: materialization_strategy=REPLACE\n"
                                   "SELECT sum(sin(range)) AS s FROM range(3000000)\n")
    sums = set()
    for _ in range(4):
        lake.run("run", "--select", "a", "--deterministic", cwd=project)
        sums.add(lake.rows("SELECT s FROM a")[0][0])
    assert len(sums) == 1
    assert lake.json("job", "get", "last")["args"]["deterministic"] is True


def test_status_says_which_models_were_edited(lake: Lake, project: Path) -> None:
    lake.run("run", cwd=project)
    assert lake.json("status", cwd=project)["edited"] == []
    (project / "a.sql").write_text("-- corrie: materialization_strategy=REPLACE\nSELECT n, s FROM numbers\n")
    [edited] = lake.json("status", cwd=project)["edited"]
    assert edited["name"] == "public.a" and edited["file"] == "a.sql"
    assert edited["job"] == lake.json("job", "get", "last")["job"]
    assert lake.json("status")["edited"] == []  # no project there
    assert lake.json("status", "-p", project)["edited"] == [edited]
    assert "a.sql" in lake.run("status", cwd=project).stdout
    lake.error("status", "-p", project.parent / "nowhere", status=3)
    lake.run("run", cwd=project)
    assert lake.json("status", cwd=project)["edited"] == []
    lake.run("sql", "DELETE FROM a WHERE n = 1")  # who wrote it last was not the model
    (project / "a.sql").write_text("-- corrie: materialization_strategy=REPLACE\nSELECT n FROM numbers\n")
    assert lake.json("status", cwd=project)["edited"] == []
    (project / "a.sql").write_text("SELECT FROM\n")
    lake.json("status", cwd=project)  # a project that is broken is no reason to say nothing of the lake


def test_status_sees_edits_of_models_between_and_of_inputs(lake: Lake, tmp_path: Path) -> None:
    """An edit of a model that is no table, or of an input's filter, is an edit; a value given by --param is none."""
    import_numbers(lake, 30)
    project = write_project(tmp_path / "project", more="parameters:\n  least: {type: int, required: true}\n")
    (project / "between.sql").write_text("SELECT n + 1 AS n FROM numbers WHERE n > $least\n")
    (project / "top.sql").write_text("-- corrie: materialization_strategy=REPLACE\nSELECT n FROM between\n")
    model = ("import corrie\n@corrie.model(materialization_strategy='REPLACE')\n@corrie.python('3.11')\n"
             "def kept(rows=corrie.Model('numbers', columns=['n'], filter='n > 3')):\n    return rows\n")
    (project / "models.py").write_text(model)

    def edited() -> list[str]:
        return [table["name"] for table in lake.json("status", cwd=project)["edited"]]

    lake.run("run", "--param", "least=2", cwd=project)
    assert edited() == []
    lake.run("run", "--param", "least=2", "--select", "+top", cwd=project)
    assert edited() == []
    (project / "between.sql").write_text("SELECT n + 2 AS n FROM numbers WHERE n > $least\n")
    assert edited() == ["public.top"]
    (project / "models.py").write_text(model.replace("n > 3", "n > 4"))
    assert sorted(edited()) == ["public.kept", "public.top"]
    lake.run("run", "--param", "least=3", cwd=project)
    assert edited() == []
    (project / "top.sql").write_text("-- corrie: materialization_strategy=REPLACE\nSELECT n FROM nowhere\n")
    said = lake.run("status", cwd=project)
    assert "nowhere" in said.stderr and "Edited" not in said.stdout


def test_a_table_says_what_it_was_made_of(lake: Lake, project: Path) -> None:
    job = lake.json("run", cwd=project)["job"]
    assert lake.json("table", "get", "numbers")["made_by"] is None
    assert lake.json("table", "get", "a")["made_by"] == {"job": job, "inputs": []}
    assert "stale" not in lake.run("table", "get", "a").stdout
    lake.run("sql", "DELETE FROM numbers WHERE n = 1")
    [stale] = lake.json("table", "get", "a")["made_by"]["inputs"]
    assert stale["name"] == "public.numbers" and stale["read"] != stale["now"]
    assert "stale: made of what is another now: public.numbers" in lake.run("table", "get", "b").stdout
    lake.run("run", cwd=project)
    assert lake.json("table", "get", "a")["made_by"]["inputs"] == []


@pytest.mark.parametrize("how", ["APPEND", "MERGE keys=n", "OVERWRITE_PARTITIONS partitioned_by=n"])
def test_a_run_without_rows_leaves_nothing_outdated(lake: Lake, tmp_path: Path, how: str) -> None:
    """No row comes, but the table says what it is made of now, and by which code; where that has not changed either,
    nothing is written."""
    pytest.importorskip("pyiceberg")
    from pyiceberg.table import StaticTable

    import_numbers(lake, 30)
    project = write_project(tmp_path / "project")

    def model(condition: str) -> None:
        (project / "late.sql").write_text(f"-- corrie: materialization_strategy={how}\n"
                                          f"SELECT n FROM numbers WHERE {condition}\n")

    def outdated() -> list[str]:
        status = lake.json("status", cwd=project)
        return [table["name"] for table in status["stale"] + status["edited"]]

    def run(rows_written: int) -> str | None:
        done = lake.json("run", cwd=project)
        assert [(t["records"], t["rows_written"]) for t in done["tables"]] == [(2, rows_written)]
        assert outdated() == []
        commit: str | None = done["commit"]
        return commit

    model("n >= 28")
    assert run(2)
    model("n < 0")
    assert outdated() == ["public.late"]
    assert run(0)
    assert run(0) is None
    lake.run("sql", "INSERT INTO numbers VALUES (100, 'new')")
    assert outdated() == ["public.late"]
    assert run(0) == lake.head()
    assert run(0) is None
    read = StaticTable.from_metadata(lake.json("table", "get", "late")["metadata_location"])
    assert sorted(read.scan().to_arrow()["n"].to_pylist()) == [28, 29]
    assert [s.summary.operation.value for s in read.metadata.snapshots if s.summary][-2:] == ["append", "append"]
    assert len(read.metadata.snapshots) == 3
    lake.fsck()


def test_records_are_those_of_the_branch(lake: Lake, tmp_path: Path) -> None:
    """Of two runs that append at once the second to publish counts the rows of the first too."""
    import_numbers(lake, 4)
    marks = tmp_path / "marks"
    marks.mkdir()
    project = write_project(tmp_path / "project", {"models.py": """
import corrie


@corrie.model(materialization_strategy='APPEND')
@corrie.python('3.11')
def grown(rows=corrie.Model('numbers', columns=['n'])):
    import pathlib
    import time
    import uuid

    marks = pathlib.Path("MARKS")
    (marks / uuid.uuid4().hex).touch()
    while len(list(marks.iterdir())) % 2 > 0:
        time.sleep(0.01)
    return rows
""".replace("MARKS", str(marks))})
    (marks / "of the first").touch()
    lake.run("run", cwd=project)
    both = [lake.start("run", "-o", "json", cwd=project) for _ in range(2)]  # which wait for each other
    said = [json.loads(run.communicate(timeout=TIMEOUT)[0])["tables"][0] for run in both]
    assert sorted(table["records"] for table in said) == [8, 12]
    assert [table["rows_written"] for table in said] == [4, 4]
    assert lake.rows("SELECT count(*) FROM grown") == [["12"]]
