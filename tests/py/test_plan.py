"""What a run would do is told before it does it: `explain -p`, `lineage`, and everything that planning refuses."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from conftest import Lake, write_project

FILES = {
    "staged.sql": "SELECT id, kind, price, user_id, price * 2 AS doubled\nFROM events\nWHERE price > 0;\n",
    "known.sql": "SELECT s.*, u.segment FROM staged AS s JOIN users AS u USING (user_id)\n",
    "spent.sql": "-- corrie: materialization_strategy=REPLACE\n"
                 "SELECT segment, sum(price) AS spent, count(*) AS n FROM known GROUP BY ALL\n",
    "models.py": """import corrie


@corrie.model(columns=["segment", "share"])
@corrie.python("3.11")
def shares(rows=corrie.Model("spent", columns=["segment", "spent"])):
    return rows


@corrie.expectation(on="shares")
@corrie.python("3.11")
def whole(table):
    return True
""",
    "listed.sql": "SELECT upper(segment) AS segment, share * 100 AS percent FROM shares\n",
}


@pytest.fixture
def project(lake: Lake, tmp_path: Path) -> Path:
    lake.run("sql", "CREATE TABLE events AS SELECT range AS id, 'k' || range % 3 AS kind, range * 0.5 AS price, "
                    "range % 7 AS user_id, md5(range::VARCHAR) || sha1(range::VARCHAR) AS padding FROM range(20000); "
                    "CREATE TABLE users AS SELECT range AS user_id, 's' || range % 2 AS segment FROM range(7)")
    return write_project(tmp_path / "project", FILES)


def nodes(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in document["nodes"]}


def stored(lake: Lake, table: str, columns: list[str] | None = None) -> int:
    """Bytes that the columns (all of them) take in the table's files: what a scan of them reads."""
    total = 0
    for file in lake.json("table", "files", table)["files"]:
        metadata = parquet.read_metadata(file["path"])
        for group in range(metadata.num_row_groups):
            for i in range(metadata.num_columns):
                column = metadata.row_group(group).column(i)
                total += column.total_compressed_size if not columns or column.path_in_schema in columns else 0
    return total


# ---- explain ----


def test_the_plan_in_every_form(lake: Lake, project: Path) -> None:
    document = lake.json("explain", "-p", project)
    assert set(nodes(document)) == {"staged", "known", "spent", "shares", "whole", "listed"}
    tree = lake.run("explain", "--project-dir", project).stdout
    assert "└─ table public.events [price, user_id]" in tree and "steps" in tree
    dot = lake.run("explain", "-p", project, "-o", "dot").stdout
    assert dot.startswith("digraph") and dot.count("->") == 7 and 'label="public.events"' in dot
    svg = ET.fromstring(lake.run("explain", "-p", project, "-o", "svg").stdout)
    space = "{http://www.w3.org/2000/svg}"
    drawn = svg.findall(f"{space}g")
    assert len(drawn) == 8 and len(svg.findall(f"{space}path")) == 7
    assert [r.get("class") for r in drawn].count("table") == 2
    width, height = float(svg.get("width", "0")), float(svg.get("height", "0"))
    boxes = []
    for rect in svg.iter(f"{space}rect"):
        x, y, w, h = (float(rect.get(name, "")) for name in ("x", "y", "width", "height"))
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
        boxes.append((x, y, x + w, y + h))
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert not any(left < o[2] and o[0] < right and top < o[3] and o[1] < bottom for o in boxes[:i]), "overlap"


def test_what_cannot_be_drawn(lake: Lake, project: Path) -> None:
    assert "--project-dir" in lake.error("explain", "SELECT 1", "-o", "svg", status=2)
    assert "no output as dot" in lake.error("table", "ls", "-o", "dot", status=2)
    assert "not both" in lake.error("explain", "SELECT 1", "-p", project, status=2)
    assert "no output as csv" in lake.error("explain", "-p", project, "-o", "csv", status=2)
    assert "not a project" in lake.error("explain", "-p", project.parent, status=3)


def test_columns_that_nobody_asks_for_are_not_read(lake: Lake, project: Path) -> None:
    """The plan says which columns of the table are needed; the run reads no others, and its results are the same."""
    found = nodes(lake.json("explain", "-p", project))
    assert found["staged"]["inputs"][0]["columns"] == ["price", "user_id"]
    assert found["staged"]["wanted"] == ["price", "user_id"]
    assert found["known"]["wanted"] == ["price", "segment"] and found["spent"]["wanted"] is None
    assert stored(lake, "events", found["staged"]["inputs"][0]["columns"]) * 3 < stored(lake, "events")
    (project / "models.py").unlink()
    (project / "listed.sql").unlink()
    lake.run("run", "-p", project)
    told = lake.rows("SELECT * FROM spent ORDER BY 1")
    assert told == lake.rows(
        "SELECT segment, sum(price), count(*) FROM events JOIN users USING (user_id) WHERE price > 0 "
        "GROUP BY 1 ORDER BY 1")


def test_statements_that_end_oddly_are_narrowed_too(lake: Lake, project: Path, tmp_path: Path) -> None:
    endings = (";", " ; -- the end", "\n;\n\n/* really */ ;", " -- no newline", "\n--")
    for i, end in enumerate(endings):
        folder = write_project(tmp_path / f"p{i}", {
            "a.sql": f"-- corrie: name=inner_{i}\nSELECT id, 'a;b -- c' AS t, price FROM events{end}",
            "b.sql": f"-- corrie: name=outer_{i}, materialization_strategy=REPLACE\n"
                     f"SELECT max(t) AS t FROM inner_{i}\n"})
        lake.run("run", "-p", folder)
        assert lake.rows(f"SELECT t FROM outer_{i}") == [["a;b -- c"]], end


def test_names_that_are_not_needed_may_stay(lake: Lake, project: Path, tmp_path: Path) -> None:
    """A model may name columns that nobody needs of one that no longer gives them."""
    folder = write_project(tmp_path / "p", {
        "a.sql": "SELECT id, kind, price, user_id::DECIMAL(10, 2) AS d, [kind] AS l, {'k': kind} AS s FROM events\n",
        "b.sql": "SELECT a.*, d + 1 AS more, l[1] AS first, s.k AS k, kind || 'x' AS kinds FROM a WHERE price > 1\n",
        "c.sql": "-- corrie: materialization_strategy=REPLACE\nSELECT count(*) AS n, max(id) AS top FROM b\n",
    })
    assert nodes(lake.json("explain", "-p", folder))["a"]["inputs"][0]["columns"] == ["id", "price"]
    lake.run("run", "-p", folder)
    assert lake.rows("SELECT * FROM c") == [["19997", "19999"]]


# ---- bytes ----

WIDE = ["id", *(f"c{i}" for i in range(39))]
DEMANDS = {
    "everything.sql": "SELECT * FROM wide\n",
    "two.sql": "-- corrie: materialization_strategy=REPLACE\nSELECT c7, max(c3) AS s FROM everything GROUP BY c7\n",
    "late.sql": "-- corrie: materialization_strategy=REPLACE\nSELECT id, c5 FROM wide WHERE id >= 2000000\n",
    "models.py": """import corrie


@corrie.model(columns=["n"])
@corrie.python("3.11")
def late_rows(rows=corrie.Model("wide", columns=["c1", "c2"], filter="id >= $first"),
              all=corrie.Model("everything", columns=["c7"])):
    return [{"n": rows.num_rows}]
""",
    # bound only when it runs: the types of late_rows are not known before
    "after.sql": "-- corrie: materialization_strategy=REPLACE\n"
                 "SELECT max(w.c9) AS top FROM wide AS w, late_rows AS l WHERE w.id >= 2000000\n",
}


@pytest.fixture
def wide(lake: Lake, tmp_path: Path) -> Path:
    """40 columns in three files, id from 0, 1 000 000 and 2 000 000; the second model of DEMANDS needs two."""
    columns = ", ".join(f"(hash(range * {i + 3}) >> 2)::BIGINT AS {name}" for i, name in enumerate(WIDE[1:]))
    lake.run("sql", f"CREATE TABLE wide AS SELECT range AS id, {columns} FROM range(4000)")
    for first in (1000000, 2000000):
        lake.run("sql", f"INSERT INTO wide SELECT range + {first} AS id, {columns} FROM range(1000)")
    return write_project(tmp_path / "wide", DEMANDS, "parameters: {first: {type: int, default: 2000000}}\n")


def newest(lake: Lake, columns: list[str]) -> int:
    """Bytes of the columns in the one file whose rows have the greatest ids."""
    [file] = [f["path"] for f in lake.json("table", "files", "wide")["files"]
              if parquet.read_table(f["path"], columns=["id"])["id"][0].as_py() == 2000000]
    group = parquet.read_metadata(file).row_group(0)
    return sum(group.column(i).total_compressed_size for i in range(group.num_columns)
               if group.column(i).path_in_schema in columns)


def test_bytes_of_columns_and_files_that_are_needed(lake: Lake, wide: Path) -> None:
    """What is read is told before a run, while it goes on and afterwards: two of forty columns are a twentieth, files
    without such rows do not count, and it is what the files themselves say."""
    plan = lake.json("explain", "-p", wide)
    scans = {tuple(step["columns"] or ["*"]): step for step in plan["steps"] if step["step"] == "scan"}
    two = stored(lake, "wide", ["c3", "c7"])
    assert two * 18 < stored(lake, "wide") < two * 22
    expected = {("c3", "c7"): (3, 0, two),
                ("id", "c5"): (1, 2, newest(lake, ["id", "c5"])),
                ("c1", "c2"): (1, 2, newest(lake, ["id", "c1", "c2"])),
                ("*",): (3, 0, stored(lake, "wide"))}  # of `after`, until it runs
    assert {columns: (s["files"], s["files_pruned"], s["bytes"]) for columns, s in scans.items()} == expected
    inputs = nodes(plan)["late_rows"]["inputs"]
    assert [i["bytes"] for i in inputs] == [expected["c1", "c2"][2], None]
    tree = lake.run("explain", "-p", wide).stdout
    assert f"table public.wide [c3, c7] · {two / 1000:.{0 if two >= 100000 else 1}f} kB\n" in tree
    assert "kB, 1 of 3 files" in tree
    done = nodes(lake.json("run", "-p", wide))
    read = {"everything": two, "two": 0, "late": expected["id", "c5"][2], "late_rows": expected["c1", "c2"][2],
            "after": newest(lake, ["id", "c9"])}
    assert {name: node["bytes_read"] for name, node in done.items()} == read
    assert {n["name"]: n["bytes_read"] for n in lake.json("job", "get", "last")["nodes"]} == read
    logged = lake.json("job", "logs", "last")["logs"]
    assert {e["node"]: e["bytes_read"] for e in logged if e["kind"] == "done"} == read
    lines = lake.run("run", "-p", wide, "--events").stdout.splitlines()
    told = {e["node"]: e["bytes_read"] for e in map(json.loads, lines) if e["kind"] == "done"}
    assert told == read
    asked = lake.json("explain", "SELECT c5 FROM wide WHERE id >= 2000000")["tables"][0]
    assert asked["column_bytes"] == newest(lake, ["id", "c5"])


def test_files_are_left_out_by_partition_as_a_read_does(lake: Lake, tmp_path: Path) -> None:
    """Many scans of one table read its manifests once: each leaves out what a statement of its own would."""
    lake.run("sql", "CREATE TABLE spread PARTITIONED BY (bucket(8, kind), day(seen)) AS SELECT range AS id, "
                    "'k' || range % 40 AS kind, TIMESTAMP '2026-01-01' + INTERVAL (range % 3) DAY AS seen "
                    "FROM range(2000)")
    conditions = ["kind = 'k7'", "kind IN ('k1', 'k2')", "seen >= TIMESTAMP '2026-01-03'", "id = 3",
                  "kind = 'k3' AND seen < TIMESTAMP '2026-01-02'", "kind = 'k1' OR id > 1990", "kind <> 'k1'"]
    folder = write_project(tmp_path / "p", {f"m{i}.sql": f"SELECT id FROM spread WHERE {c}\n"
                                            for i, c in enumerate(conditions)})
    scans = [s for s in lake.json("explain", "-p", folder)["steps"] if s["step"] == "scan"]
    asked = [lake.json("explain", f"SELECT id FROM spread WHERE {c}")["tables"][0] for c in conditions]
    said = sorted((s["files"], s["files_pruned"], s["bytes"]) for s in scans)
    assert said == sorted((t["files"] - t["files_pruned"], t["files_pruned"], t["column_bytes"]) for t in asked)
    assert said[0][1] > 0 and said[-1][0] == 24


def test_bytes_of_a_column_that_came_later(lake: Lake, tmp_path: Path) -> None:
    """A file from before a column came has none of it; who counts rows asks for none."""
    lake.run("sql", "CREATE TABLE old AS SELECT range AS id FROM range(100); ALTER TABLE old ADD COLUMN late BIGINT")
    folder = write_project(tmp_path / "p", {
        "a.sql": "-- corrie: materialization_strategy=REPLACE\nSELECT id, late FROM old\n",
        "b.sql": "-- corrie: materialization_strategy=REPLACE\nSELECT count(*) AS n FROM old\n"})
    found = nodes(lake.json("explain", "-p", folder))
    assert found["a"]["inputs"][0]["bytes"] == stored(lake, "old", ["id"])
    assert found["b"]["inputs"][0]["bytes"] == 0


def test_notes_of_a_plan_are_told_once(lake: Lake, tmp_path: Path) -> None:
    lake.run("sql", "CREATE TABLE kept AS SELECT 1 AS n")
    folder = write_project(tmp_path / "p", {
        "kept.sql": "SELECT 2 AS n\n", "made.sql": "-- corrie: materialization_strategy=REPLACE\nSELECT n FROM kept\n"})
    for more in ([], ["--dry-run"]):
        done = lake.run("run", "-p", folder, *more)
        assert (done.stdout + done.stderr).count("kept stays as it is") == 1, more


# ---- lineage ----


def ends(lake: Lake, project: Path, column: str, *more: str) -> set[tuple[str, str | None, bool]]:
    document = lake.json("lineage", column, "-p", project, *more)
    return {(e["from"]["name"], e["from"]["column"], e["exact"]) for e in document["up"]} | \
           {(e["to"]["name"], e["to"]["column"], e["exact"]) for e in document["down"]}


def test_what_a_column_is_made_of(lake: Lake, project: Path) -> None:
    assert ends(lake, project, "spent.spent", "--up") == {
        ("known", "price", True), ("staged", "price", True), ("events", "price", True)}
    assert ends(lake, project, "known.doubled", "--up") == {("staged", "doubled", True), ("events", "price", True)}
    assert ends(lake, project, "spent.n", "--up") == set()
    assert ends(lake, project, "listed.percent", "--up") >= {
        ("shares", "share", True), ("spent", "segment", False), ("spent", "spent", False), ("users", "segment", True)}


def test_what_is_made_of_a_column(lake: Lake, project: Path) -> None:
    found = ends(lake, project, "users.segment", "--down")
    assert found == {("known", "segment", True), ("spent", "segment", True), ("shares", "segment", False),
                     ("shares", "share", False), ("listed", "segment", True), ("listed", "percent", True),
                     ("whole", None, False)}
    assert ends(lake, project, "events.kind", "--down") == {("staged", "kind", True), ("known", "kind", True)}
    said = lake.run("lineage", "public.events.kind", "-p", project).stdout
    assert "goes into" in said and "→ public.known.kind" in said


MADE = {
    "m.sql": """WITH c AS (SELECT id, p * 2 AS dbl FROM a), d AS (SELECT * FROM c UNION ALL SELECT id, q FROM b)
SELECT id, c.dbl AS cte, (SELECT max(d.dbl) FROM d WHERE d.id = a.id) AS sub,
  sum(a.p) OVER (PARTITION BY a.k ORDER BY b.q) AS win, b.k2 AS other, x.y AS lateral_, e AS element, s.u AS field
FROM a JOIN b USING (id) JOIN c USING (id), LATERAL (SELECT a.p + b.q AS y) AS x, unnest(a.l) AS t(e)""",
    "star.sql": "SELECT * EXCLUDE (p) REPLACE (upper(k) AS k), COLUMNS(c -> c = 'p') FROM a",
    "less.sql": "SELECT k FROM a EXCEPT SELECT k2 FROM b",
    "rec.sql": "WITH RECURSIVE r AS (SELECT id, p FROM a UNION ALL "
               "SELECT r.id + 1, r.p + b.q FROM r JOIN b ON r.id < 3) SELECT id, p FROM r",
    "agg.sql": "SELECT id, count(*) AS n, first(k ORDER BY q) AS f FROM a FULL JOIN b USING (id) GROUP BY ALL",
}


def test_lineage_through_every_kind_of_statement(lake: Lake, tmp_path: Path) -> None:
    lake.run("sql", "CREATE TABLE a AS SELECT 1 AS id, 'x' AS k, 2.0 AS p, [1, 2] AS l, {'u': 1} AS s; "
                    "CREATE TABLE b AS SELECT 1 AS id, 'y' AS k2, 3.0 AS q")
    folder = write_project(tmp_path / "p", MADE)
    for column, expected in {
        "m.id": "a.id", "m.cte": "a.p", "m.sub": "a.p b.q", "m.win": "a.k a.p b.q", "m.other": "b.k2",
        "m.lateral_": "a.p b.q", "m.element": "a.l", "m.field": "a.s", "star.k": "a.k", "star.p": "a.p",
        "less.k": "a.k", "rec.id": "a.id", "rec.p": "a.p b.q", "agg.id": "a.id b.id", "agg.n": "", "agg.f": "a.k b.q",
    }.items():
        found = {f"{table}.{name}" for table, name, _ in ends(lake, folder, column, "--up")}
        assert found == set(expected.split()), column


def test_lineage_of_what_is_not_there(lake: Lake, project: Path) -> None:
    assert "did you mean spent?" in lake.error("lineage", "spend.n", "-p", project, status=3)
    assert "did you mean spent?" in lake.error("lineage", "spent.spend", "-p", project, status=3)
    assert "TABLE.COLUMN" in lake.error("lineage", "spent", "-p", project, status=2)


# ---- secrets ----


SECRET = """import corrie


@corrie.model(columns=["n"], materialization_strategy="REPLACE")
@corrie.python("3.11")
def told(rows=corrie.Model("users"), token=corrie.Parameter("token")):
    import pyarrow as pa

    return pa.table({"n": [len(token)]})
"""


def test_secrets_are_read_where_they_are(lake: Lake, project: Path, tmp_path: Path) -> None:
    """The value reaches the function, and nothing else: not the record, the plan, the code or the log."""
    folder = write_project(tmp_path / "p", {"models.py": SECRET, "token.txt": "Wonderland-7\n"},
                   "parameters:\n  token: {type: secret, default: \"env:THE_TOKEN\"}\n")
    said = lake.error("run", "-p", folder, status=3)
    assert "THE_TOKEN is not set" in said and "corrie.yaml:5" in said and "export THE_TOKEN" in said
    assert lake.json("run", "-p", folder, "--dry-run")["dry_run"] is True
    lake.run("run", "-p", folder, env={"THE_TOKEN": "Wonderland-77"})
    assert lake.rows("SELECT n FROM told") == [["13"]]
    lake.run("run", "-p", folder, "--param", "token=file:token.txt")
    assert lake.rows("SELECT n FROM told") == [["12"]]
    kept = [file for file in lake.root.rglob("*") if file.is_file() and b"Wonderland" in file.read_bytes()]
    assert kept == []
    assert "none.txt" in lake.error("run", "-p", folder, "--param", "token=file:none.txt", status=3)
    assert "where it is to be found" in lake.error("run", "-p", folder, "--param", "token=Wonderland", status=2)


TELLS = """import corrie
import logging
import sys


@corrie.model(materialization_strategy="REPLACE")
@corrie.python("3.11")
def told(rows=corrie.Model("users"), token=corrie.Parameter("token"), again=corrie.Parameter("again")):
    print("here", token, "and", token, flush=True)
    logging.warning("logged %s", again)
    sys.stderr.write(token + "\\n")
    import os
    os.write(1, b"x" * (FILLED - 7) + token.encode() + b"y\\n")
    raise ValueError(f"it is {token}")
"""


@pytest.mark.parametrize("filled", [100, 8192, 32768, 65536, 131072])
def test_secrets_are_not_told(lake: Lake, project: Path, tmp_path: Path, filled: int) -> None:
    """What a function prints, logs and raises is told without them, wherever it is cut."""
    folder = write_project(tmp_path / "p", {"models.py": TELLS.replace("FILLED", str(filled))}, """parameters:
  token: {type: secret, default: "env:THE_TOKEN"}
  again: {type: secret, default: "env:ANOTHER"}
""")
    secrets = {"THE_TOKEN": "Wonderland!77", "ANOTHER": "-----BEGIN-----\nmany-lines\n-----END-----"}
    done = lake.run("run", "-p", folder, "--events", env=secrets, status=1)
    told = done.stdout + done.stderr + json.dumps(lake.json("job", "get", "last"))
    told += json.dumps(lake.json("job", "logs", "last"))
    assert "here *** and ***" in told and "it is ***" in told and "logged ***" in told
    assert not any(word in told for word in ("Wonderland", "many-lines", "!77"))
    kept = [file for file in lake.root.rglob("*") if file.is_file() and b"Wonderland" in file.read_bytes()]
    assert kept == []


# ---- statements ----


def test_pivots(lake: Lake, project: Path, tmp_path: Path) -> None:
    head = "-- corrie: materialization_strategy=REPLACE\n"
    pivot = ("PIVOT (SELECT kind, user_id % 2 AS odd FROM events) ON kind IN ('k0', 'k1', 'k2') USING count(*) "
             "GROUP BY odd")
    folder = write_project(tmp_path / "p", {"turned.sql": head + pivot,
                                            "inside.sql": f"{head}FROM ({pivot}) ORDER BY ALL"})
    lake.run("run", "-p", folder)
    assert lake.json("explain", "-p", folder)["tables"][0]["name"] == "events"
    for table in "turned", "inside":
        assert len(lake.rows(f"SELECT odd, k0, k1, k2 FROM {table}")) == 2
        assert lake.rows(f"SELECT sum(k0 + k1 + k2) FROM {table}") == [["20000"]]
    (folder / "turned.sql").write_text(head + "pivot events ON kind USING count(*)")
    said = lake.error("run", "-p", folder, status=1)
    assert "list of values" in said and "IN ('a', 'b')" in said and "turned.sql:2:1" in said


def test_explain_alone_is_about_the_project_here(lake: Lake, project: Path, tmp_path: Path) -> None:
    plan = lake.run("explain", "-p", project).stdout
    assert lake.run("explain", cwd=project).stdout == plan
    assert lake.run("explain", "-o", "dot", cwd=project).stdout.startswith("digraph")
    asked = lake.json("explain", cwd=project, stdin="SELECT id FROM events")
    assert [t["name"] for t in asked["tables"]] == ["events"] and "nodes" not in asked
    assert "holds no SQL" in lake.error("explain", cwd=tmp_path, status=2)


def test_columns_that_nothing_is_like(lake: Lake, project: Path, tmp_path: Path) -> None:
    wide = ", ".join(f"1 AS c{i}" for i in range(20))
    folder = write_project(tmp_path / "p", {"wide.sql": f"SELECT {wide}", "reads.sql": "SELECT quantity FROM wide"})
    said = lake.error("run", "-p", folder, "--dry-run", status=3)
    assert "there are: c0, c1, " in said and "c11 and 8 more" in said
    (folder / "reads.sql").unlink()
    (folder / "models.py").write_text("""import corrie


@corrie.model()
def reads(rows=corrie.Model("wide", columns=["quantity"])):
    return rows
""")
    said = lake.error("run", "-p", folder, "--dry-run", status=3)
    assert "there are: c0, c1, " in said and "c11 and 8 more" in said


# ---- size ----


def test_many_models_are_planned(lake: Lake, tmp_path: Path) -> None:
    """A long chain, and many beside each other: no recursion that ends in a crash, no list that has no room."""
    lake.run("sql", "CREATE TABLE events AS SELECT 1 AS id, 2 AS price")
    chain = {"m0.sql": "SELECT id, price FROM events\n"}
    chain |= {f"m{i}.sql": f"SELECT id, price + 1 AS price FROM m{i - 1}\n" for i in range(1, 400)}
    wide = {f"w{i}.sql": "SELECT id FROM events\n" for i in range(400)}
    folder = write_project(tmp_path / "p", {**chain, **wide})
    document = lake.json("explain", "-p", folder)
    assert len(document["nodes"]) == 800
    assert lake.json("lineage", "m399.price", "-p", folder, "--up")["up"][-1]["from"]["name"] == "events"
    ET.fromstring(lake.run("explain", "-p", folder, "-o", "svg").stdout)
    (folder / "m0.sql").write_text("SELECT id, price FROM m399\n")
    said = lake.error("explain", "-p", folder, status=1)
    assert "m399 (m399.sql:1) reads m398" in said and "more) reads" in said
    json.loads(lake.run("explain", "-p", folder, "-o", "json", status=1).stdout)


# Over `made(id, day, tags, place)`, whose types nobody knows, and the table `users`.
FITS = ["SELECT date_trunc('month', day) AS month, count(*) AS n FROM made GROUP BY ALL",
        "SELECT m.*, tag FROM made AS m, unnest(tags) AS u(tag)",
        "SELECT x FROM (SELECT unnest(place) FROM made)",
        "SELECT place.x, place['y'] AS y, tags[1] AS first FROM made",
        "PIVOT made ON id IN (1, 2) USING count(*)",
        "SELECT list_transform(tags, t -> t || '!') AS loud, id::BIGINT AS id FROM made "
        "WHERE id IN (SELECT user_id FROM users)",
        "SELECT * EXCLUDE (tags, user_id) FROM made JOIN users ON id = user_id ORDER BY day DESC",
        "SELECT place.* FROM made",
        "SELECT COLUMNS('x') FROM (SELECT unnest(place) FROM made)"]
# Statement, what is told, its hint, the exit status.
DOES_NOT_FIT = [("SELECT dya FROM made", "dya", "day", 3),
                ("SELECT dya, 'columns' AS \"unnest\" FROM made -- PIVOT", "dya", "day", 3),
                ("SELECT m.dya FROM made AS m", "dya", "day", 3),
                ("WITH a AS (SELECT id FROM made) SELECT day FROM a", "day", None, 3),
                ("SELECT id AS user_id, user_id FROM made JOIN users ON id = user_id", "two columns", "otherwise", 1),
                ("SELECT user_id FROM made, users, users AS more", "Ambiguous", None, 1)]


def test_sql_on_functions_that_declare_columns(lake: Lake, tmp_path: Path) -> None:
    lake.run("sql", "CREATE TABLE users AS SELECT range AS user_id, 's' || range % 2 AS segment FROM range(7)")
    made = ('import corrie\n\n\n@corrie.model(columns=["id", "day", "tags", "place"])\n@corrie.python("3.11")\n'
            'def made(users=corrie.Model("users")):\n    return users\n')
    fits = {f"fits_{i}.sql": sql + "\n" for i, sql in enumerate(FITS)}
    project = write_project(tmp_path / "project", {"models.py": made, **fits})
    planned = nodes(lake.json("explain", "-p", ".", cwd=project))
    assert [column["name"] for column in planned["fits_6"]["columns"]] == ["id", "day", "place", "segment"]
    for sql, at, hint, status in DOES_NOT_FIT:
        (project / "wrong.sql").write_text(sql + "\n")
        said = lake.error("run", "--dry-run", cwd=project, status=status)
        assert "wrong.sql:1:" in said and at in said and (hint or "") in said, said
    (project / "wrong.sql").unlink()
    (project / "reader.py").write_text(made.replace("def made", "def reader")
                                       .replace('"users")', '"fits_6", columns=["segmnt"])'))
    said = lake.error("run", "--dry-run", cwd=project, status=3)
    assert "reader.py:6:" in said and "segment" in said, said


# Header and statement of a model; what is told, at which line and column.
DOES_NOT_WRITE: dict[str, list[tuple[str, str, str | None, str]]] = {
    "goods": [("MERGE keys=tags", "[1] AS tags, 1::BIGINT AS id, 'a' AS name", "plain values", "1:48"),
              ("MERGE keys=id", "1::BIGINT AS id, 'a' AS name", "no column tags", "1:1"),
              ("APPEND", "'one' AS id", "id is string, wanted long", "1:1"),
              ("APPEND columns='id, more'", "1::BIGINT AS id, 2 AS more", None, ""),
              ("OVERWRITE_PARTITIONS partitioned_by=name", "'a' AS name", "otherwise", "1:73")],
    "days": [("APPEND partitioned_by=month(at)", "TIMESTAMP '2024-01-01' AS at", "by day(at)", "1:59"),
             ("APPEND partitioned_by=day(at)", "TIMESTAMP '2024-01-01' AS at", None, ""),
             ("REPLACE partitioned_by=at", "1 AS at", None, "")],
    "made": [("MERGE keys=tags", "[1] AS tags", "INTEGER[]", "1:48")],
}
# What a function declares of its output, whose types nobody knows.
DOES_NOT_WRITE_EITHER = [
    ('"MERGE", keys=["named"]', "did you mean name?"),
    ('"MERGE", keys=["tags"], columns=["id", "name", "tags"]', "plain values"),
    ('"MERGE", keys=["id"], columns=["id", "tags"]', "no column name"),
    ('"APPEND", partitioned_by="id"', "otherwise"),
    ('"OVERWRITE_PARTITIONS", overwrite_filter="nmae = 1"', "did you mean name?")]


def test_what_a_table_does_not_take_is_known_when_it_is_planned(lake: Lake, tmp_path: Path) -> None:
    """The run would find the same, when all has been computed."""
    lake.run("sql", "CREATE TABLE goods AS SELECT range AS id, 's' || range AS name, [1, 2] AS tags FROM range(3);"
             "CREATE TABLE days (at TIMESTAMP) PARTITIONED BY (day(at))")
    project = write_project(tmp_path / "project")
    for table, cases in DOES_NOT_WRITE.items():
        model = project / f"{table}.sql"
        for header, select, told, place in cases:
            model.write_text(f"-- corrie: materialization_strategy={header}\nSELECT {select}\n")
            if told is None:
                lake.run("run", "--dry-run", cwd=project)
            else:
                said = lake.error("run", "--dry-run", cwd=project, status=1)
                assert told in said and f"{model.name}:{place}" in said, said
        model.unlink()
    for declared, told in DOES_NOT_WRITE_EITHER:
        (project / "models.py").write_text(f"import corrie\n\n\n@corrie.model(materialization_strategy={declared})\n"
                                           "def goods(rows=corrie.Model('days')):\n    return rows\n")
        said = lake.run("explain", cwd=project, status=None).stderr
        assert told in said and "models.py:4:" in said, said


def test_ten_thousand_models(lake: Lake, tmp_path: Path) -> None:
    """A chain of a large project is run alone; so is what reads hundreds of models, without running out of anything."""
    tree = {f"m{i}.sql": f"SELECT n + 1 AS n FROM m{(i - 1) // 2}\n" for i in range(1, 7000)}
    wide = {f"w{i}.sql": f"SELECT {i} AS n\n" for i in range(2999)}
    last = {"m0.sql": "SELECT 1 AS n\n",
            "all.sql": "-- corrie: materialization_strategy=REPLACE\n"
                       + " UNION ALL ".join(f"SELECT n FROM w{i}" for i in range(0, 2999, 2)) + "\n"}
    folder = write_project(tmp_path / "p", {**tree, **wide, **last})
    assert len(lake.json("explain", "-p", folder)["nodes"]) == 10_000
    done = lake.json("run", "-p", folder, "--select", "+m6998")
    assert len([node for node in done["nodes"] if node["status"] == "done"]) == 13
    done = lake.json("run", "-p", folder, "--select", "+all")
    assert len([node for node in done["nodes"] if node["status"] == "done"]) == 1501
    assert lake.rows('SELECT count(*), sum(n) FROM "all"') == [["1500", str(sum(range(0, 2999, 2)))]]


@pytest.mark.parametrize(("sql", "at"), [
    ("SELECT * EXCLUDE (nope) FROM users", "2:19"),
    ("SELECT n FROM users JOIN (SELECT 1 AS n) USING (nope)", "2:49"),
    ("SELECT user_id.zz FROM users", "2:8"),
    ("SELECT 1 UNION SELECT 1, 2", "2:1"),
    ("SELECT segment FROM users GROUP BY 3", "2:1"),
])
def test_every_error_in_sql_has_a_place(lake: Lake, tmp_path: Path, sql: str, at: str) -> None:
    """By the name that is meant where the engine does not say where it stands, else where the statement begins."""
    lake.run("sql", "CREATE TABLE users AS SELECT range AS user_id, 's' || range % 2 AS segment FROM range(7)")
    project = write_project(tmp_path / "project", {"wrong.sql": f"-- a comment, \"nope\"\n{sql}\n"})
    assert f"wrong.sql:{at}\n" in lake.run("run", "--dry-run", cwd=project, status=None).stderr
