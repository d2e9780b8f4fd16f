"""Conditions at inputs: the spellings that people use, and parameters that nobody gave a value."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Lake, write_project

MODEL = """import corrie


@corrie.model(materialization_strategy="REPLACE")
@corrie.python("3.11")
def kept(rows=corrie.Model("events", filter={!r})):
    return rows
"""
SINCE = "parameters: {since: {type: str}, least: {type: int, required: true}, key: {type: secret}}\n"
ROWS = ("SELECT range AS id, TIMESTAMP '2024-01-01 00:00:00' + INTERVAL (range) HOUR AS moment, "
        "moment::DATE AS day, moment::TIMESTAMPTZ AS zoned, [range, range * 2] AS l, {'a': range} AS s, "
        "MAP {'k': range} AS m, 'n' || range AS name FROM range(48)")


@pytest.fixture
def events(lake: Lake) -> Lake:
    lake.run("sql", f"CREATE TABLE events AS {ROWS}")
    return lake


def test_spellings_mean_what_sql_says(events: Lake, tmp_path: Path) -> None:
    """Each shape keeps the rows that DuckDB keeps by the same words, whatever files and row groups are left out."""
    shapes = {
        "day < current_date AND moment < current_timestamp": 48,
        "current_date - INTERVAL 1 DAY < day": 0,
        "moment >= TIMESTAMP '2024-01-02' + INTERVAL '3' HOURS": 21,
        "extract(hour FROM moment) = 5": 2,
        "zoned >= TIMESTAMP WITH TIME ZONE '2024-01-02 00:00:00Z'": 24,
        "l[2] = 6": 1,
        "s['a'] = 7 OR m['k'] = 8": 2,
        "l[-1] // 4 = 3": 2,
        "TRY_CAST(name AS INT) ISNULL AND id NOTNULL": 48,
        "TRY_CAST('12' AS INT) = id": 1,
        "if(id > 40, id, 0) > 45": 2,
        "like_escape(name, 'n4$%', '$') OR regexp_full_match(name, 'n4.')": 8,
        "timezone('UTC', zoned) = moment AND list_contains(list_value(1, 2), id)": 2,
    }
    models = "import corrie\n"
    for i, shape in enumerate(shapes):
        models += MODEL.format(shape).replace("import corrie\n", "").replace("kept", f"kept_{i}")
    lake = events
    lake.run("run", "-p", write_project(tmp_path / "p", {"models.py": models}))
    for i, (shape, rows) in enumerate(shapes.items()):
        [[found]] = lake.rows(f"SELECT count(*) FROM kept_{i}")
        assert int(found) == rows, shape
        assert lake.rows(f"SELECT count(*) FROM events WHERE {shape}") == [[found]], shape


def test_a_condition_over_nothing_is_refused(events: Lake, tmp_path: Path) -> None:
    """It would hold for no row, and REPLACE would publish an empty table."""
    lake = events
    folder = write_project(tmp_path / "p", {"models.py": MODEL.format("day >= $since")}, SINCE)
    for command in ("run", "explain"):
        said = lake.error(command, "-p", folder, "--param", "least=1", status=1)
        assert "parameter since has no value" in said and "models.py:6:" in said and "--param since=" in said
    assert lake.error("table", "get", "kept", status=3)
    given = ("run", "-p", folder, "--param", "least=1", "--param", "since=2024-01-02")
    lake.run(*given)
    assert lake.rows("SELECT count(*) FROM kept") == [["24"]]
    write_project(folder, {"models.py": MODEL.format("$since IS NULL OR day >= $since")}, SINCE)
    lake.run("run", "-p", folder, "--param", "least=1", "--strict")
    assert lake.rows("SELECT count(*) FROM kept") == [["48"]]
    lake.run(*given)
    assert lake.rows("SELECT count(*) FROM kept") == [["24"]]
    write_project(folder, {"models.py": MODEL.format("day >= $since AND events.id > 3")}, SINCE)
    assert "without their table: id" in lake.error(*given, status=3)


def test_statements_are_warned_of_parameters_without_value(events: Lake, tmp_path: Path) -> None:
    head = "-- corrie: materialization_strategy=REPLACE\n"
    folder = write_project(tmp_path / "p", {"kept.sql": f"{head}SELECT id FROM events WHERE day >= $since::DATE\n"},
                           "parameters: {since: {type: str}}\n")
    said = events.run("run", "-p", folder).stderr
    assert "parameter since has no value" in said and "(kept.sql:2)" in said
    assert "no value" in events.error("run", "-p", folder, "--strict", status=1)
    for condition in ("$since IS NULL OR day >= $since::DATE", "$since::DATE is null or day >= $since::DATE",
                      "day >= coalesce($since, '2024-01-01')::DATE", "CAST($since AS DATE) ISNULL"):
        write_project(folder, {"kept.sql": f"{head}SELECT id FROM events WHERE {condition}\n"},
                      "parameters: {since: {type: str}}\n")
        assert "no value" not in events.run("run", "-p", folder, "--strict").stderr, condition
        assert events.rows("SELECT count(*) FROM kept") == [["48"]], condition
