"""Functions of several outputs, MERGE by keys, and inputs by annotation, in a run."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from conftest import Lake

SPLIT = """
import corrie
import pyarrow.compute as pc


@corrie.model(outputs={
    'even': {'materialization_strategy': 'REPLACE', 'columns': ['n']},
    'odd': {'materialization_strategy': 'REPLACE'},
    'few': {},
})
@corrie.python('3.11')
def split(rows=corrie.Model('numbers')):
    print('splitting')
    odd = pc.equal(pc.bit_wise_and(rows['n'], 1), 1)
    return {'odd': rows.filter(odd), 'even': rows.filter(pc.invert(odd)).select(['n']), 'few': rows.slice(0, 3)}
"""


def test_a_function_of_one_output_by_name(lake: Lake, project: Path) -> None:
    """What is true of several outputs is true of one: a dictionary is returned."""
    one = "@corrie.model(outputs={'few': {'materialization_strategy': 'REPLACE'}})\n@corrie.python('3.11')\n"
    body = "def split(rows=corrie.Model('numbers')):\n    return {'few': rows.slice(0, 3)}\n"
    (project / "models.py").write_text(f"import corrie\n\n\n{one}{body}")
    lake.run("run", cwd=project)
    assert lake.rows("SELECT count(*) FROM few") == [["3"]]
    table = body.replace("{'few': rows.slice(0, 3)}", "rows")
    (project / "models.py").write_text(f"import corrie\n\n\n{one}{table}")
    assert "split" in lake.error("run", cwd=project, status=1)


def test_a_function_of_several_outputs(lake: Lake, project: Path) -> None:
    (project / "models.py").write_text(SPLIT)
    (project / "both.sql").write_text("-- corrie: materialization_strategy=REPLACE\n"
                                      "SELECT (SELECT sum(n) FROM even) AS even, (SELECT sum(n) FROM odd) AS odd, "
                                      "(SELECT count(*) FROM few) AS few\n")
    done = lake.json("run", "--preview", "on", cwd=project)
    assert {n["name"]: (n["status"], n["rows"]) for n in done["nodes"]} == {
        "even": ("done", 5), "odd": ("done", 5), "few": ("done", 3), "both": ("done", 1)}
    assert {t["name"]: t["records"] for t in done["tables"]} == {"even": 5, "odd": 5, "both": 1}
    assert lake.rows('SELECT even, odd, few FROM "both"') == [["20", "25", "3"]]
    assert [f["name"] for f in lake.json("table", "get", "even")["fields"]] == ["n"]
    assert {p["name"] for p in done["previews"]} == {"even", "odd", "few", "both"}
    logs = lake.json("job", "logs", done["job"])["logs"]
    assert [e["text"] for e in logs if e["kind"] == "log"] == ["splitting"]  # it was called once
    lake.fsck()


@pytest.mark.parametrize(("was", "now", "expected"), [
    ("'few': rows.slice(0, 3)", "'fewer': rows", "few"),
    ("return {", "return rows, {", "split"),
    ("'few': rows.slice(0, 3)", "'few': 3", "few"),
    ("print('splitting')", "raise ValueError('no')", "split: ValueError: no"),
])
def test_outputs_that_are_not_what_was_declared(lake: Lake, project: Path, was: str, now: str, expected: str) -> None:
    assert was in SPLIT
    (project / "models.py").write_text(SPLIT.replace(was, now))
    before = lake.head()
    assert expected in lake.error("run", cwd=project, status=1)
    assert lake.head() == before
    assert {n["status"] for n in lake.json("job", "get", "last")["nodes"]} == {"failed"}


def test_merge_by_keys(lake: Lake, project: Path) -> None:
    # random changes by key, beside a dictionary that is changed in the same way
    dice = random.Random(3)
    kept: dict[tuple[int, str], str] = {}
    for turn in range(6):
        keys = {(dice.randrange(40), dice.choice("abc")) for _ in range(dice.randrange(1, 30))}
        rows = ", ".join(f"({k}, '{g}', 'v{turn}')" for k, g in keys)
        (project / "latest.sql").write_text(f"-- corrie: materialization_strategy=MERGE keys='k,g'\n"
                                            f"SELECT * FROM (VALUES {rows}) AS t(k, g, v)\n")
        done = lake.json("run", cwd=project)
        kept.update(dict.fromkeys(keys, f"v{turn}"))
        assert done["tables"][0]["rows_written"] == len(keys)
        assert done["tables"][0]["records"] == len(kept)
    found = {(int(k), g): v for k, g, v in lake.rows("SELECT k, g, v FROM latest")}
    assert found == kept
    lake.fsck()


def test_merge_from_python(lake: Lake, project: Path) -> None:
    text = """
import corrie
import pyarrow as pa


@corrie.model(materialization_strategy='MERGE', keys=['n'])
@corrie.python('3.11')
def latest(rows=corrie.Model('numbers')):
    return pa.table({'n': NUMBERS, 's': ['new'] * len(NUMBERS)})
"""
    (project / "models.py").write_text(text.replace("NUMBERS", "[1, 2, 3]"))
    lake.run("run", cwd=project)
    (project / "models.py").write_text(text.replace("NUMBERS", "[3, 4]").replace("'new'", "'newer'"))
    lake.run("run", cwd=project)
    assert lake.rows("SELECT n, s FROM latest ORDER BY n") == [["1", "new"], ["2", "new"], ["3", "newer"],
                                                               ["4", "newer"]]
    before = lake.head()
    (project / "models.py").write_text(text.replace("NUMBERS", "[3, None]"))
    said = lake.error("run", cwd=project, status=1)
    assert "1 of the new rows has no value in the key n" in said and "models.py" in said
    (project / "models.py").write_text(text.replace("NUMBERS", "[7, 3, 7]"))
    assert "2 of the new rows have the same keys: n = 7" in lake.error("run", cwd=project, status=1)
    assert lake.head() == before


def test_inputs_by_annotation(lake: Lake, project: Path) -> None:
    (project / "models.py").write_text("""
import corrie
import pyarrow as pa


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11')
def counted(rows: pa.RecordBatchReader = corrie.Model('numbers')):
    assert isinstance(rows, pa.RecordBatchReader)
    return pa.table({'c': [sum(batch.num_rows for batch in rows)]})
""")
    lake.run("run", cwd=project)
    assert lake.rows("SELECT c FROM counted") == [["10"]]
    models = project / "models.py"
    models.write_text(models.read_text().replace("pa.RecordBatchReader =", "pa.ChunkedArray ="))
    assert "models.py:" in lake.error("run", cwd=project, status=1)


def test_outputs_of_one_call_count_together(lake: Lake, project: Path) -> None:
    """If one is not what was declared, none was finished, and there is nothing to keep a ref for."""
    (project / "models.py").write_text(SPLIT.replace("'odd': {'materialization_strategy': 'REPLACE'}",
                                                     "'odd': {'columns': ['other']}"))
    said = lake.error("run", cwd=project, status=1)
    assert "odd returned none of the columns it declares: missing other" in said and "tx/" not in said
    job = lake.json("job", "get", "last")
    assert {n["name"]: n["status"] for n in job["nodes"]} == {"even": "failed", "odd": "failed", "few": "failed"}
    assert job["tables"] == []
    assert [r["name"] for r in lake.json("branch", "ls", "-a")["refs"]] == ["main"]
    (project / "models.py").write_text(SPLIT.replace("'odd': {", "'odd': {'columns': ['other', '*'], "))
    said = lake.error("run", "--strict", cwd=project, status=1)
    assert "odd: it returned other columns than it declares: missing other" in said and "even: odd" not in said
    assert "missing other" in lake.run("run", cwd=project).stderr
    assert lake.rows("SELECT count(*) FROM odd") == [["5"]]


def test_two_merges_do_not_both_bring_a_key(lake: Lake, project: Path) -> None:
    """Neither sees the other's row: had both their way, the key would be there twice."""
    latest = project / "latest.sql"
    text = "-- corrie: materialization_strategy=MERGE keys=k partitioned_by=v\nSELECT {} AS k, '{}' AS v\n"
    latest.write_text(text.format(1, "old"))
    lake.run("run", cwd=project)
    for branch in ("a", "b", "c"):
        lake.run("branch", "create", branch)
    for branch in ("a", "b"):
        latest.write_text(text.format(2, branch))
        lake.run("run", "--ref", branch, cwd=project)
    lake.run("sql", "INSERT INTO latest VALUES (2, 'c')", "--branch", "c")
    lake.run("merge", "a", "--no-ff")
    for branch in ("b", "c"):
        assert "merged rows by what the table held" in lake.error("merge", branch, status=4)
    merge = "MERGE INTO latest USING (SELECT 9 AS k, 'x' AS v) AS new USING (k) WHEN NOT MATCHED THEN INSERT *"
    for branch in ("d", "e"):
        lake.run("branch", "create", branch)
    for branch in ("d", "e"):
        lake.run("sql", merge, "--branch", branch)
    lake.run("merge", "d", "--no-ff")
    lake.error("merge", "e", status=4)
    assert lake.rows("SELECT k, v FROM latest ORDER BY k") == [["1", "old"], ["2", "a"], ["9", "x"]]
    lake.fsck()


def test_a_merge_brings_all_columns(lake: Lake, project: Path) -> None:
    latest = project / "latest.sql"
    head = "-- corrie: materialization_strategy=MERGE keys=k\n"
    latest.write_text(head + "SELECT 1 AS k, 'kept' AS v\n")
    lake.run("run", cwd=project)
    latest.write_text(head + "SELECT 1 AS k\n")
    assert "the new rows have no column v" in lake.error("run", cwd=project, status=1)
    assert lake.rows("SELECT v FROM latest") == [["kept"]]


def test_numbers_that_json_has_not(lake: Lake, project: Path) -> None:
    (project / "odd.sql").write_text("-- corrie: materialization_strategy=REPLACE\n"
                                     "SELECT 1e400 AS high, -1e400 AS low, 'Infinity NaN' AS s, 9e18 AS big\n")
    lake.run("run", cwd=project)
    assert lake.rows("SELECT high, low, s FROM odd") == [["Infinity", "-Infinity", "Infinity NaN"]]


def test_names_that_differ_in_case(lake: Lake, project: Path) -> None:
    """A lake has both, SQL takes them for one: it must not read the one for the other."""
    for name, value in (("Twin", 1), ("twin", 2)):
        (project / f"{name}.sql").write_text(f"-- corrie: materialization_strategy=REPLACE\nSELECT {value} AS x\n")
    lake.run("run", cwd=project)
    assert lake.rows("SELECT x FROM Twin") == [["1"]] and lake.rows("SELECT x FROM twin") == [["2"]]
    both = "SELECT (SELECT x FROM Twin) AS a, (SELECT x FROM public.twin) AS b"
    assert "differ only in case" in lake.error("query", both, status=1)
    (project / "both.sql").write_text(f"{both}\n")
    assert "both.sql:1:50" in lake.error("run", cwd=project, status=1)
