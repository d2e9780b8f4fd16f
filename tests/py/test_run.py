"""Runs of projects: what they publish, what they refuse, what a failure leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT, YAML, Lake
from waiting import TIMEOUT, until

DOUBLE = '''
import corrie


@corrie.model(columns=['n', 'twice'], materialization_strategy='REPLACE')
@corrie.python('3.11')
def doubled(rows=corrie.Model('numbers', columns=['n'])):
    import pyarrow as pa
    import pyarrow.compute as pc
    print('got', rows.num_rows)
    return pa.table({'n': rows['n'], 'twice': pc.multiply(rows['n'], 2)})
'''


@pytest.fixture
def numbers(lake: Lake, tmp_path: Path) -> Lake:
    """A lake with a table `numbers` of 10 rows."""
    path = tmp_path / "numbers.csv"
    path.write_text("n,s\n" + "".join(f"{i},s{i}\n" for i in range(10)))
    lake.run("import", path, "numbers")
    return lake


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "corrie.yaml").write_text(YAML)
    (folder / "models.py").write_text(DOUBLE)
    return folder


def test_a_run_publishes_one_commit(numbers: Lake, project: Path) -> None:
    before = numbers.head()
    done = numbers.json("run", cwd=project)
    assert done["commit"] == numbers.head() != before
    assert done["tables"] == [{"namespace": "public", "name": "doubled", "records": 10, "rows_written": 10}]
    assert numbers.rows("SELECT n, twice FROM doubled ORDER BY n")[9] == ["9", "18"]
    commit = numbers.json("log")["commits"][0]
    assert commit["job"] == done["job"] and commit["parents"] == [before]
    assert all(not b["name"].startswith("tx/") for b in numbers.json("branch", "ls", "-a")["refs"])
    logs = numbers.json("job", "logs", done["job"])["logs"]
    line = next(entry for entry in logs if entry.get("stream") == "stdout")
    assert (line["text"], line["node"], line["file"], line["line"]) == ("got 10", "doubled", "models.py", 10)
    numbers.fsck()


def test_a_dry_run_changes_nothing(numbers: Lake, project: Path) -> None:
    before = numbers.head()
    done = numbers.json("run", "--dry-run", cwd=project)
    assert done["job"] is None and done["commit"] is None
    assert numbers.head() == before
    assert {j["kind"] for j in numbers.json("job", "ls")["jobs"]} == {"import"}


def test_sql_models_at_start_middle_and_end(numbers: Lake, project: Path) -> None:
    (project / "small.sql").write_text("SELECT n, s FROM numbers WHERE n < 6\n")
    kept = DOUBLE.replace(", materialization_strategy='REPLACE'", "")
    (project / "models.py").write_text(kept.replace("'numbers'", "'small'"))
    (project / "summed.sql").write_text("-- corrie: materialization_strategy=REPLACE\n"
                                        "SELECT sum(twice)::BIGINT AS total, count(*) AS rows FROM doubled\n")
    done = numbers.json("run", cwd=project)
    assert [n["name"] for n in done["nodes"]] == ["small", "doubled", "summed"]
    assert numbers.rows("SELECT total, rows FROM summed") == [["30", "6"]]
    assert [t["name"] for t in numbers.json("table", "ls")["tables"]] == ["numbers", "summed"]


def test_a_filter_on_another_model_is_applied(numbers: Lake, project: Path) -> None:
    (project / "few.py").write_text("""
import corrie


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11')
def few(rows=corrie.Model('doubled', columns=['n'], filter='twice > 10 AND n != 7')):
    return rows
""")
    numbers.run("run", cwd=project)
    assert numbers.rows("SELECT n FROM few ORDER BY n") == [["6"], ["8"], ["9"]]


def test_append_adds_and_replace_replaces(numbers: Lake, project: Path) -> None:
    models = project / "models.py"
    models.write_text(DOUBLE.replace("REPLACE", "APPEND"))
    numbers.run("run", cwd=project)
    numbers.run("run", cwd=project)
    assert numbers.rows("SELECT count(*) FROM doubled") == [["20"]]
    models.write_text(DOUBLE)
    numbers.run("run", cwd=project)
    assert numbers.rows("SELECT count(*) FROM doubled") == [["10"]]


def test_a_function_that_raises(numbers: Lake, project: Path) -> None:
    (project / "models.py").write_text(DOUBLE + '''

@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11')
def broken(rows=corrie.Model('doubled')):
    return fail(rows)


def fail(rows):
    raise ValueError('no luck with %d rows' % rows.num_rows)
''')
    before = numbers.head()
    said = numbers.error("run", cwd=project, status=1)
    assert "ValueError: no luck with 10 rows" in said
    assert "models.py" in said and "in fail" in said
    assert "site-packages" not in said and "harness" not in said
    assert numbers.head() == before
    assert "does not exist" in numbers.error("table", "get", "doubled", status=3)
    job = numbers.json("job", "get", "last")
    assert job["status"] == "failed" and job["commit_out"] is None
    states = {n["name"]: n["status"] for n in job["nodes"]}
    assert states["broken"] == "failed"
    tx = [b["name"] for b in numbers.json("branch", "ls", "-a")["refs"] if b["name"].startswith("tx/")]
    assert tx == [f"tx/{job['job']}"]
    numbers.fsck()


def test_a_failure_leaves_what_was_finished_on_tx(numbers: Lake, project: Path) -> None:
    (project / "a_last.py").write_text("""
import corrie


@corrie.expectation()
@corrie.python('3.11')
def holds(rows=corrie.Model('doubled')):
    return 'yes'
""")
    before = numbers.head()
    said = numbers.error("run", cwd=project, status=1)
    assert "holds returned str" in said and "holds: holds" not in said, said
    assert numbers.head() == before


@pytest.mark.parametrize(("body", "expected"), [
    ("return pa.table({'m': rows['n']})", "missing n, twice"),
    ("return None", "None"),
    ("return 7", "int"),
    ("import sys; sys.exit(3)", "exit"),
    ("import os; os._exit(4)", "4"),
    ("import os; os.abort()", "SIGABRT"),
    ("import os; os.kill(os.getpid(), 9)", "SIGKILL"),
])
def test_what_a_function_may_not_do(numbers: Lake, project: Path, body: str, expected: str) -> None:
    (project / "models.py").write_text(f"""
import corrie


@corrie.model(columns=['n', 'twice'], materialization_strategy='REPLACE')
@corrie.python('3.11')
def doubled(rows=corrie.Model('numbers', columns=['n'])):
    import pyarrow as pa
    {body}
""")
    before = numbers.head()
    said = numbers.error("run", cwd=project, status=1)
    assert "doubled" in said and expected in said
    assert numbers.head() == before


@pytest.mark.parametrize(("declared", "returned", "says", "fields"), [
    # more than declared is left out; the order is the declared one
    ("['twice', 'n']", "n more twice", "not declared: more (left out)", ["twice", "n"]),
    # less than declared is published as it is
    ("['n', 'twice']", "n more", "missing twice; not declared: more (left out)", ["n"]),
    # "*" allows more, not less
    ("['twice', '*']", "n more", "missing twice", ["n", "more"]),
    ("['twice', '*']", "n twice", "", ["n", "twice"]),
])
def test_other_columns_warn_and_fail_when_strict(numbers: Lake, project: Path, declared: str, returned: str,
                                                 says: str, fields: list[str]) -> None:
    head, _ = DOUBLE.split("    return")
    table = ", ".join(f"'{name}': rows['n']" for name in returned.split())
    head = head.replace("['n', 'twice']", declared)
    (project / "models.py").write_text(f"{head}    return pa.table({{{table}}})\n")
    before = numbers.head()
    if says:
        said = numbers.error("run", "--strict", cwd=project, status=1)
        assert f"returned other columns than it declares: {says}" in said and "models.py:5:23" in said
    assert numbers.head() == before
    done = numbers.run("run", cwd=project)
    assert says in done.stderr
    assert "than it declares" in done.stderr or not says
    assert [f["name"] for f in numbers.json("table", "get", "doubled")["fields"]] == fields


def test_a_declared_column_that_a_reader_needs(numbers: Lake, project: Path) -> None:
    """That it is missing is a warning where it is declared, and a failure where it is needed."""
    (project / "models.py").write_text(DOUBLE.replace("'twice': pc", "'twise': pc") + """

@corrie.model(materialization_strategy='REPLACE')
def reader(rows=corrie.Model('doubled', columns=['twice'])):
    return rows
""")
    before = numbers.head()
    said = numbers.error("run", cwd=project, status=1)
    assert "missing twice; not declared: twise (left out)" in said and "there is no column twice" in said
    assert "models.py:15:" in said and "hint: there are: n\n" in said.replace("; nothing", "\n")
    assert numbers.head() == before
    source = (project / "models.py").read_text()
    (project / "models.py").write_text(source.replace("columns=['twice'])):", "filter='twice > 1')):"))
    said = numbers.error("run", cwd=project, status=3)
    assert "error: reader: filter of rows: column \"twice\" does not exist\n" in said and "models.py:15:" in said
    (project / "models.py").write_text(DOUBLE.replace("'n': rows['n'], 'twice': pc", "'other': pc"))
    assert "none of the columns it declares: missing n, twice" in numbers.error("run", cwd=project, status=1)


def test_declared_columns_of_sql_are_what_it_gives(numbers: Lake, project: Path) -> None:
    """As of Python: in the declared order, others left out, what is missing told of; found when planned, where types
    are known, and else in the run."""
    head = "-- corrie: materialization_strategy=REPLACE columns='s, none, n'\n"
    (project / "models.py").write_text(DOUBLE.replace("columns=['n', 'twice'], ", "")
                                       .replace("{'n'", "{'s': rows['n'], 'n'"))
    (project / "planned.sql").write_text(f"{head}SELECT n, n + 1 AS more, s FROM numbers ORDER BY more DESC\n")
    (project / "found.sql").write_text(f"{head}SELECT n, n + 1 AS more, s FROM doubled\n")
    before = numbers.head()
    for model, says in (("planned", "planned declares the column none"),
                        ("+found", "missing none; not declared: more")):
        said = numbers.error("run", "--strict", "--select", model, cwd=project, status=1)
        assert says in said and f"{model.strip('+')}.sql:1:54" in said
    assert numbers.head() == before
    said = numbers.run("run", cwd=project).stderr
    assert "planned gives the column more, but does not declare it: it is left out" in said
    assert "found: it returned other columns than it declares: missing none; not declared: more (left out)" in said
    assert numbers.rows("SELECT * FROM planned")[:2] == [["s9", "9"], ["s8", "8"]]
    for table in ("planned", "found"):
        assert [f["name"] for f in numbers.json("table", "get", table)["fields"]] == ["s", "n"]


def test_expectations_warn_and_fail_when_strict(numbers: Lake, project: Path) -> None:
    (project / "checks.py").write_text("""
import corrie


@corrie.expectation()
@corrie.python('3.11')
def small(rows=corrie.Model('doubled', columns=['n'])):
    return rows.num_rows < 5
""")
    before = numbers.head()
    assert "small" in numbers.error("run", "--strict", "on", cwd=project, status=1)
    assert numbers.head() == before
    done = numbers.run("run", "--strict", "off", cwd=project)
    assert "small" in done.stdout + done.stderr
    assert numbers.head() != before


def test_plan_errors_have_positions(numbers: Lake, project: Path) -> None:
    models = project / "models.py"
    models.write_text(DOUBLE.replace("'numbers'", "'numbrs'"))
    said = numbers.error("run", cwd=project, status=3)
    assert "models.py:7" in said and "numbers" in said and "^" in said
    models.write_text(DOUBLE.replace("columns=['n'])", "columns=['m'])"))
    said = numbers.error("run", cwd=project, status=3)
    assert "models.py:7" in said and "m" in said
    models.write_text(DOUBLE + "\n\ndef oops(:\n    pass\n")
    said = numbers.error("run", cwd=project, status=1)
    assert "models.py:14" in said and "^" in said
    models.write_text(DOUBLE + DOUBLE)
    assert "doubled" in numbers.error("run", cwd=project, status=1)
    models.write_text(DOUBLE.replace("'numbers'", "'b'") +
                      DOUBLE.replace("def doubled", "def b").replace("'numbers'", "'doubled'"))
    said = numbers.error("run", cwd=project, status=1)
    assert "doubled" in said and " b" in said and "models.py" in said


def test_a_pin_that_does_not_exist(numbers: Lake, project: Path) -> None:
    (project / "models.py").write_text(DOUBLE.replace("'3.11'", "'3.11', pip={'polars': '999.0.0'}"))
    said = numbers.error("run", cwd=project, status=1)
    assert "polars" in said and "999" in said


def test_sql_may_not_read_files(numbers: Lake, project: Path) -> None:
    (project / "models.py").unlink()
    sql = project / "peek.sql"
    for text in ("SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'",
                 "SELECT * FROM glob('/*')", "SELECT * FROM read_text('/etc/passwd')"):
        sql.write_text(f"-- corrie: materialization_strategy=REPLACE\n{text}\n")
        done = numbers.run("run", cwd=project, status=None)
        assert done.returncode in (1, 7) and "peek.sql:2" in done.stderr, done.stderr
    sql.write_text("-- corrie: materialization_strategy=REPLACE\nDROP TABLE numbers\n")
    assert "peek.sql" in numbers.error("run", cwd=project, status=1)


def test_the_branch_that_moved_is_rebased(numbers: Lake, project: Path, tmp_path: Path) -> None:
    begun, moved = tmp_path / "begun", tmp_path / "moved"
    wait = (f"    import pathlib, time\n    pathlib.Path({str(begun)!r}).touch()\n"
            f"    while not pathlib.Path({str(moved)!r}).exists():\n        time.sleep(0.01)\n    print(")
    (project / "models.py").write_text(DOUBLE.replace("    print(", wait))
    under_way = numbers.start("run", cwd=project)
    other = tmp_path / "other.csv"
    other.write_text("x\n1\n")
    until(begun.exists, under_way)
    numbers.run("import", other, "other")
    moved.touch()
    assert under_way.wait(TIMEOUT) == 0, under_way.communicate()
    names = [t["name"] for t in numbers.json("table", "ls")["tables"]]
    assert names == ["doubled", "numbers", "other"]
    numbers.fsck()


def test_parameters(numbers: Lake, project: Path) -> None:
    (project / "corrie.yaml").write_text(YAML + "parameters:\n  least: {type: int, default: 3}\n")
    (project / "kept.sql").write_text("-- corrie: materialization_strategy=REPLACE\n"
                                      "SELECT n FROM numbers WHERE n >= $least\n")
    numbers.run("run", cwd=project)
    assert numbers.rows("SELECT count(*) FROM kept") == [["7"]]
    numbers.run("run", "--param", "least=8", cwd=project)
    assert numbers.rows("SELECT count(*) FROM kept") == [["2"]]
    numbers.error("run", "--param", "least=many", cwd=project, status=2)
    numbers.error("run", "--param", "lest=1", cwd=project, status=2)


def test_a_float_is_a_double_wherever_it_stands(lake: Lake, project: Path) -> None:
    lake.run("sql", "CREATE TABLE t (f REAL, v DOUBLE); INSERT INTO t VALUES (0.1, 0.1), (0.5, 0.5), (2, 2)")
    (project / "corrie.yaml").write_text(YAML + "parameters:\n  at: {type: float, default: 0.1}\n")
    condition = "f = $at OR f + $at = 2.5"
    (project / "sql.sql").write_text(f"-- corrie: materialization_strategy=REPLACE\nFROM t WHERE {condition}\n")
    (project / "models.py").write_text(DOUBLE.replace("return pa.table({'n': rows['n'], 'twice': "
                                                      "pc.multiply(rows['n'], 2)})", "return rows")
                                       .replace("columns=['n', 'twice'], ", "").replace("doubled", "python")
                                       .replace("'numbers', columns=['n']", f"'t', filter='{condition}'"))
    for at, rows in [("0.1", []), ("5e-1", [["0.5", "0.5"], ["2.0", "2.0"]]), ("+2", [["0.5", "0.5"], ["2.0", "2.0"]])]:
        lake.run("run", "--param", f"at={at}", cwd=project)
        assert lake.rows("SELECT f, v FROM sql ORDER BY v") == lake.rows("SELECT f, v FROM python ORDER BY v") == rows


def test_sql_over_a_function_asks_for_some_of_its_rows(numbers: Lake, project: Path) -> None:
    # whose types are known only now: conditions of all kinds that leave files of tables out leave nothing out here
    few = "n IN (2, 3) AND twice > 4 AND n IS NOT NULL AND (n = 3 OR n = 2)"
    (project / "models.py").write_text(DOUBLE.replace("columns=['n', 'twice'], materialization_strategy='REPLACE'", ""))
    (project / "few.sql").write_text(f"-- corrie: materialization_strategy=REPLACE\nSELECT n FROM doubled WHERE {few}\n"
                                     "UNION ALL SELECT n FROM numbers WHERE n IN (7, 8)\n")
    numbers.run("run", cwd=project)
    assert numbers.rows("SELECT n FROM few ORDER BY n") == [["3"], ["7"], ["8"]]


def test_the_example(lake: Lake, shop: Path) -> None:
    import duckdb

    lake.run("import", shop / "events.parquet", "shop.ecommerce_sessions")
    lake.run("import", shop / "users.parquet", "shop.ecommerce_users")
    done = lake.json("run", "--project-dir", ROOT / "examples/ecommerce", "--strict")
    assert [t["name"] for t in done["tables"]] == ["segment_days"]
    expected = duckdb.sql(f"""
        SELECT event_time[:10]::DATE::VARCHAR AS day, customer_segment, count(*)::VARCHAR AS purchases,
               printf('%.2f', round(sum(price), 2)), printf('%.2f', round(avg(price), 2))
        FROM '{shop}/events.parquet' JOIN '{shop}/users.parquet' USING (user_id)
        WHERE event_type = 'purchase' AND price > 0 GROUP BY ALL ORDER BY ALL""").fetchall()
    got = lake.rows("SELECT day, customer_segment, purchases, printf('%.2f', revenue), printf('%.2f', average) "
                    "FROM shop.segment_days ORDER BY ALL")
    assert [tuple(r) for r in got] == expected


def test_steps_read_only_files_that_they_need(numbers: Lake, project: Path) -> None:
    # data that a filter rules out is not touched: of a table of many files a run reads what a query would
    numbers.run("sql", "INSERT INTO numbers VALUES (100, 'more')")
    hidden = list((numbers.root / "data").rglob("*.parquet"))  # n from 0 to 9, and 100
    numbers.run("sql", ";".join(f"INSERT INTO numbers VALUES ({100 + i}, 'more')" for i in range(1, 5)))
    some = "columns=['n'], filter='n BETWEEN 101 AND 102')"
    (project / "models.py").write_text(DOUBLE.replace("columns=['n'])", some))
    (project / "joined.sql").write_text(
        "-- corrie: materialization_strategy=REPLACE\n"
        "SELECT d.twice, a.s FROM doubled AS d JOIN numbers AS a ON a.n = d.n AND a.n > 100 AND a.n < 103\n")
    for path in hidden:
        path.rename(path.with_suffix(".hidden"))
    numbers.run("run", cwd=project)
    assert numbers.rows("SELECT n FROM doubled") == [["101"], ["102"]]
    assert numbers.rows("SELECT twice, s FROM joined ORDER BY 1") == [["202", "more"], ["204", "more"]]
    for path in hidden:
        path.with_suffix(".hidden").rename(path)
