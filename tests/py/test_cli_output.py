"""What people see, on a terminal and in a pipe, and that nothing that others wrote reaches a terminal raw."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from cli_lake import make_lake, on_terminal
from conftest import Lake

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WIDE = "SELECT i, repeat('long ', 30) AS words, i * 1.5 AS half FROM range(3) AS r(i)"


@pytest.fixture
def full(lake: Lake) -> Lake:
    make_lake(lake)
    return lake


def plain(text: str) -> str:
    return COLOUR.sub("", text)


def test_boxes_on_a_terminal(full: Lake) -> None:
    status, out = on_terminal(full, "query", WIDE, columns=60)
    lines = plain(out).splitlines()
    assert status == 0
    assert lines[0].startswith("┌") and lines[-1] == "3 rows"
    assert all(len(line) <= 60 for line in lines)
    assert "…" in out
    header, types = lines[1], lines[2]
    assert "words" in header and "string" in types and "decimal" in types
    # numbers end where their column ends, text starts where it starts
    assert re.search(r"│ +0 │ long", lines[4]) and re.search(r" 0\.0 │$", lines[4])


def test_nothing_is_cut_when_asked(full: Lake) -> None:
    _, out = on_terminal(full, "query", WIDE, "--no-trunc", columns=60)
    assert "…" not in out and "long " * 30 in out
    _, out = on_terminal(full, "query", WIDE, "-x", columns=60)
    assert "long " * 30 in out and "─ row 3 " in out


def test_columns_that_do_not_fit_are_said(full: Lake) -> None:
    sql = "SELECT " + ", ".join(f"'value {i}' AS column_{i}" for i in range(30))
    _, out = on_terminal(full, "query", sql, columns=80)
    assert re.search(r"1 row, \d+ of 30 columns", plain(out))
    assert all(len(line) <= 80 for line in plain(out).splitlines())


def test_wide_characters_keep_the_columns_straight(full: Lake) -> None:
    _, out = on_terminal(full, "query", "SELECT * FROM (VALUES ('日本'), ('né'), ('e\u0301'), ('🙂')) AS t(s)")
    rows = plain(out).splitlines()[4:8]
    assert rows == ["│ 日本   │", "│ né     │", "│ e\u0301      │", "│ 🙂     │"]


def test_a_pipe_gets_plain_columns(full: Lake) -> None:
    done = full.run("query", WIDE)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["i", "words", "half"]
    assert len(lines) == 4 and "long " * 30 in lines[1]
    assert "\x1b" not in done.stdout and "│" not in done.stdout and done.stderr == ""


def test_colour_is_chosen(full: Lake) -> None:
    assert "\x1b[" in on_terminal(full, "branch", "ls")[1]
    assert "\x1b" not in on_terminal(full, "branch", "ls", env={"NO_COLOR": "1"})[1]
    assert "\x1b" not in on_terminal(full, "branch", "ls", env={"TERM": "dumb"})[1]
    assert "\x1b" not in on_terminal(full, "branch", "ls", "--color", "never")[1]
    assert "\x1b[" in full.run("branch", "ls", "-o", "tty", "--color", "always").stdout
    assert "\x1b" not in full.run("branch", "ls", "-o", "tty").stdout


def test_rows_are_limited_on_a_terminal_only(full: Lake) -> None:
    sql = "SELECT range AS n FROM range(250)"
    _, out = on_terminal(full, "query", sql)
    assert "100 rows" in out and "--max-rows" in out
    assert "250 rows" in on_terminal(full, "query", sql, "--all-rows")[1]
    assert "250 rows" in on_terminal(full, "query", sql, "--max-rows", "0")[1]
    assert len(full.run("query", sql).stdout.splitlines()) == 251
    cut = full.run("query", sql, "--max-rows", "7")
    assert len(cut.stdout.splitlines()) == 8 and "first 7 rows" in cut.stderr
    exact = full.run("query", sql, "--max-rows", "250")
    assert exact.stderr == ""


def test_csv_is_rfc_4180_and_null_differs_from_empty(full: Lake) -> None:
    sql = "SELECT * FROM (VALUES ('a,b', 1), ('say \"hi\"', 2), (e'two\\nlines', 3), ('', 4), (NULL, 5)) AS t(s, n)"
    text = full.run("query", sql, "-o", "csv").stdout
    assert text == 's,n\n"a,b",1\n"say ""hi""",2\n"two\nlines",3\n"",4\n,5\n'
    assert [row[0] for row in csv.reader(io.StringIO(text))][1:4] == ["a,b", 'say "hi"', "two\nlines"]


def test_values_of_every_type(full: Lake) -> None:
    sql = """SELECT true AS b, -5 AS i, 9223372036854775807 AS l, 0.1::FLOAT AS f, 1e300 AS d, 100000.0::DOUBLE AS w,
        -12.50::DECIMAL(10,2) AS dec, 0.00000000000000000001::DECIMAL(38,20) AS small, DATE '1969-12-31' AS day,
        TIME '23:59:59.5' AS t, TIMESTAMP '2026-11-20 10:00:00.25' AS ts, TIMESTAMPTZ '2026-11-20 10:00:00Z' AS tz,
        'x' AS s, '\\x00\\xFF'::BLOB AS bin, 'f79c3e09-677c-4bbd-a479-3f349cb785e7'::UUID AS u,
        [1, NULL] AS list, {'a': 1, 'b': ['x']} AS st, MAP {'k': 1} AS m, NULL::INTEGER AS n,
        'nan'::DOUBLE AS nan, '-inf'::DOUBLE AS inf"""
    names, values = csv.reader(io.StringIO(full.run("query", sql, "-o", "csv").stdout))
    got = dict(zip(names, values, strict=True))
    assert got == {
        "b": "true", "i": "-5", "l": "9223372036854775807", "f": "0.1", "d": "1e+300", "w": "100000.0", "dec": "-12.50",
        "small": "0.00000000000000000001", "day": "1969-12-31", "t": "23:59:59.5", "ts": "2026-11-20T10:00:00.25",
        "tz": "2026-11-20T10:00:00+00:00", "s": "x", "bin": "00ff", "u": "f79c3e09-677c-4bbd-a479-3f349cb785e7",
        "list": "[1,null]", "st": '{"a":1,"b":["x"]}', "m": '{"k":1}', "n": "", "nan": "NaN", "inf": "-Infinity"}
    row = full.json("query", sql)["rows"][0]
    assert (row["b"], row["i"], row["l"], row["dec"], row["n"]) == (True, -5, 9223372036854775807, -12.5, None)
    assert (row["list"], row["st"], row["m"]) == ([1, None], {"a": 1, "b": ["x"]}, {"k": 1})
    assert (row["nan"], row["inf"], row["bin"]) == ("NaN", "-Infinity", "00ff")


def test_doubles_read_back_the_same(full: Lake) -> None:
    """A number that changes on its way through CSV is a wrong result."""
    value = "(hash(range) / 1e7 * (CASE WHEN range % 2 = 0 THEN 1e-9 ELSE 1 END))::DOUBLE"
    for x, text in full.rows(f"SELECT {value} AS x, {value}::VARCHAR AS text FROM range(2000)"):
        assert float(x) == float(text)


def test_names_that_repeat(full: Lake) -> None:
    assert full.run("query", "SELECT 1 AS id, 2 AS id", "-o", "csv").stdout == "id,id\n1,2\n"
    assert full.json("query", "SELECT 1 AS id, 2 AS id")["rows"] == [{"id": 1, "id_2": 2}]


@pytest.mark.parametrize("name", ["r.csv", "r.json", "r.jsonl", "r.parquet", "r.arrow"])
def test_results_to_files(full: Lake, name: str) -> None:
    import duckdb
    import pyarrow.ipc

    done = full.json("query", "SELECT range AS n, 'x' || range AS s FROM range(1000)", "--to", name)
    path = full.home / name
    assert (done["path"], done["rows"], done["bytes"]) == (str(path), 1000, path.stat().st_size)
    if name == "r.arrow":
        with pyarrow.ipc.open_stream(path) as reader:
            rows = reader.read_all().num_rows
    else:
        rows = duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchall()[0][0]
    assert rows == 1000
    assert not [p for p in full.home.iterdir() if p.name.startswith(".corrie")]


def test_the_format_of_a_file_whose_name_tells_none(full: Lake) -> None:
    assert "wrote 1 row" in full.run("query", "SELECT 1 AS n", "--to", "out.txt", "-o", "csv").stdout
    assert (full.home / "out.txt").read_text() == "n\n1\n"
    full.error("query", "SELECT 1 AS n", "--to", "out.csv", "-o", "parquet", status=2)


def test_control_characters_do_not_reach_the_terminal(full: Lake) -> None:
    """A cell or a line of a function must not clear the screen or change what is read elsewhere."""
    sql = "SELECT e'\\x1b[2Jgone\\r\\n\\t\u202e' AS evil, 'x' AS e"
    for arguments in ([], ["-o", "tty"], ["-x"]):
        out = full.run("query", sql, *arguments).stdout
        assert "\\x1b[2Jgone\\r\\n\\t\\u202e" in out and "\x1b" not in out
    done = full.run("run", "-p", "project")
    assert "\x1b" not in done.stdout + done.stderr and "\\x1b[2Jcustomers 2" in done.stderr
    _, out = on_terminal(full, "run", "-p", "project")
    assert "\x1b[2J" not in out and "\\x1b[2J" in out
    assert "\x1b" not in full.run("job", "logs", "last").stdout
    assert "\x1b" not in full.run("branch", "create", "\x1b[2J", status=None).stderr


def test_errors_show_the_place(full: Lake) -> None:
    said = full.run("query", "SELECT name,\n       nmae\nFROM shop.customers", status=None).stderr
    assert said.splitlines()[1:4] == ["  SQL:2:8", "           nmae", "           ^^^^"]
    assert said.splitlines()[4].startswith("hint: ")
    long = "SELECT " + "1, " * 5000 + "nmae FROM shop.customers"
    lines = full.run("query", long, status=None, env={"COLUMNS": "80"}).stderr.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[2][lines[3].index("^"):].startswith("nmae")


def test_a_run_in_a_pipe_is_a_line_an_event(full: Lake) -> None:
    done = full.run("run", "-p", "project", "--param", "least=3")
    lines = done.stderr.splitlines()
    assert "start counted" in lines
    assert any(line.startswith("counted @ models.py:10 | ") for line in lines)
    assert any(re.match(r"done counted  2 rows  \d+\.\d+ s  read \d+ B$", line) for line in lines)
    assert re.search(r"public +counted +2 +2", done.stdout)
    assert re.search(r"published on main as [0-9a-f]{12}, job [0-9a-f]{8}, ", done.stdout)
    assert full.rows("SELECT DISTINCT n FROM counted") == [["3"]]


def test_a_run_on_a_terminal_leaves_its_lines(full: Lake) -> None:
    models = full.home / "project/models.py"
    models.write_text(models.read_text().replace("    print(", "    import time; time.sleep(1.2)\n    print("))
    status, out = on_terminal(full, "run", "-p", "project")
    assert status == 0
    assert re.search("[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏].{0,10} counted", out)  # something moved while it went on
    assert "✓" in out and "published on main" in out
    after = plain(out[out.rindex("\x1b[J"):])
    assert not re.search("[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]", after)


def test_a_dry_run_shows_the_plan(full: Lake) -> None:
    done = full.run("run", "-p", "project", "--dry-run")
    assert "counted" in done.stdout and "shop.customers" in done.stdout and "nothing was run" in done.stdout


def test_events_are_json_lines(full: Lake) -> None:
    import json

    done = full.run("run", "-p", "project", "--events")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [e["kind"] for e in events]
    assert kinds[0] == "plan" and kinds[-1] == "publish" and "job" in kinds
    assert events[0]["plan"]["nodes"][0]["name"] == "counted"
    assert events[-1]["text"] == full.head()
    log = next(e for e in events if e["kind"] == "log")
    assert (log["node"], log["stream"], log["file"], log["text"]) == ("counted", "stdout", "models.py",
                                                                       "\x1b[2Jcustomers 2")
    assert done.stderr == ""
    last = full.run("run", "-p", "project", "--events", "-o", "json").stdout.splitlines()[-1]
    assert json.loads(last)["tables"][0]["name"] == "counted"


def test_removing_asks_on_a_terminal(full: Lake) -> None:
    status, out = on_terminal(full, "branch", "rm", "dev", keys="n\n")
    assert status == 130 and "Remove the branch dev?" in out
    assert "dev" in full.run("branch", "ls").stdout
    status, out = on_terminal(full, "branch", "rm", "dev", keys="y\n")
    assert status == 0
    back = re.search(r"corrie (branch create dev .*)", out)
    assert back
    full.run(*back[1].split())
    assert full.json("table", "get", "shop.customers", "--ref", "dev")["records"] == 3
    assert "?" not in on_terminal(full, "branch", "rm", "dev", "--yes")[1]


def test_listings_as_csv(full: Lake) -> None:
    rows = list(csv.DictReader(io.StringIO(full.run("log", "dev", "-o", "csv").stdout)))
    assert len(rows[0]["commit"]) == 64 and rows[-1]["message"] == "Make the lake"
    rows = list(csv.DictReader(io.StringIO(full.run("table", "get", "shop.customers", "-o", "csv").stdout)))
    assert [(r["name"], r["type"]) for r in rows] == [("name", "string"), ("since", "date")]
    for command in (["info"], ["branch", "ls"], ["namespace", "ls"], ["table", "ls"], ["job", "ls"], ["diff", "dev"],
                    ["job", "get", "last"], ["job", "logs", "last"], ["version"], ["fsck"]):
        lines = full.run(*command, "-o", "csv").stdout.splitlines()
        assert lines[0].replace(",", "").replace("_", "").isalpha(), command


def test_empty_listings_say_so(lake: Lake, tmp_path: Path) -> None:
    for command, said in ((["table", "ls"], "no tables"), (["namespace", "ls"], "no namespaces"),
                          (["job", "ls"], "no jobs"), (["diff", "main"], "nothing differs")):
        done = lake.run(*command)
        assert said in done.stderr and done.stdout == ""
    assert lake.run("table", "ls", "-o", "csv").stdout == "namespace,name,kind,records,bytes,files\n"
