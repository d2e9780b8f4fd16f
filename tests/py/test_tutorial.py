"""The tutorial of the first seed, word for word: its project from where it lies, its commands as it gives them."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
from conftest import Lake


@pytest.fixture
def tutorial(shared: Path, lake: Lake, shop: Path, tmp_path: Path) -> Path:
    """The seed's project in a folder of its own, and its source tables in the lake."""
    folder = tmp_path / "tutorial"
    shutil.copytree(shared / "seeds" / "tutorial", folder)
    lake.run("import", shop / "events.parquet", "ecommerce_sessions", program="bauplan")
    lake.run("import", shop / "users.parquet", "ecommerce_users", program="bauplan")
    return folder


def commands(shared: Path) -> list[str]:
    """The lines of the text that are commands."""
    text = (shared / "seeds" / "multi-stage-pipelines.txt").read_text()
    lines = [line.split("project:")[0].strip() for line in text.splitlines() if line.startswith("bauplan ")]
    return [line.replace("<username>", "ada") for line in lines]


def test_the_commands_are_those_of_the_text(shared: Path) -> None:
    assert commands(shared) == [
        "bauplan checkout -b ada.ecommerce-pipeline",
        "bauplan table get bauplan.ecommerce_sessions",
        "bauplan table get bauplan.ecommerce_users",
        "bauplan run --dry-run",
        "bauplan run --dry-run --strict on",
        "bauplan run",
        "bauplan table get bauplan.daily_segment_stats",
        'bauplan query "SELECT * FROM bauplan.daily_segment_stats LIMIT 5"',
    ]


def test_word_for_word(shared: Path, lake: Lake, shop: Path, tutorial: Path) -> None:
    import duckdb

    before = lake.head("main")
    out = {}
    for line in commands(shared):
        program, *arguments = shlex.split(line)
        out[line] = lake.run(*arguments, program=program, cwd=tutorial).stdout
    assert "event_time" in out["bauplan table get bauplan.ecommerce_sessions"]
    assert "customer_segment" in out["bauplan table get bauplan.daily_segment_stats"]
    assert "total_revenue" in out['bauplan query "SELECT * FROM bauplan.daily_segment_stats LIMIT 5"']

    # only the last model becomes a table, and only on the branch
    tables = [t["name"] for t in lake.json("table", "ls")["tables"]]
    assert tables == ["daily_segment_stats", "ecommerce_sessions", "ecommerce_users"]
    assert lake.head("main") == before

    expected = duckdb.sql(f"""
        SELECT event_time[:10] AS date, customer_segment, count(*)::VARCHAR,
               printf('%.2f', round(sum(price), 2)), printf('%.2f', round(avg(price), 2))
        FROM '{shop}/events.parquet' JOIN '{shop}/users.parquet' USING (user_id)
        WHERE event_type = 'purchase' AND price > 0 GROUP BY ALL ORDER BY ALL""").fetchall()
    got = lake.rows("SELECT date, customer_segment, total_purchases, printf('%.2f', total_revenue), "
                    "printf('%.2f', avg_order_value) FROM bauplan.daily_segment_stats ORDER BY ALL")
    assert [tuple(row) for row in got] == expected
    assert len(got) > 100
    lake.fsck()
