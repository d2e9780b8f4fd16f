"""Jobs: what their records keep, who finds them, how they are stopped, followed, detached, and when they go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Lake

PROJECT = """project:
  id: 550e8400-e29b-41d4-a716-446655440000
  name: example
"""


def write_project(home: Path, **models: str) -> None:
    """In home/p: the project, and each text as the model of that name (NAME.sql)."""
    (home / "p").mkdir(exist_ok=True)
    (home / "p/corrie.yaml").write_text(PROJECT)
    for name, text in models.items():
        (home / "p" / f"{name}.sql").write_text(text)


def record(lake: Lake, job: str) -> Path:
    """The directory of a job's record."""
    (found,) = (lake.root / "jobs").glob(f"*/{job}*")
    return found


@pytest.fixture
def small(lake: Lake) -> Lake:
    """A table t (n: 1, 2, 3)."""
    (lake.home / "t.csv").write_text("n\n1\n2\n3\n")
    lake.run("import", "t.csv", "t")
    return lake


# ---- what a record keeps ----


def test_the_code_of_a_run_is_kept_as_it_was(small: Lake) -> None:
    """Who asks months later what made a table must not be shown what the file says today."""
    write_project(small.home, a="SELECT n FROM t", b="SELECT n + 1 AS n FROM a -- größer\n")
    done = small.json("run", "-p", "p")
    (small.home / "p/a.sql").write_text("SELECT 0 AS n")
    code = json.loads((record(small, done["job"]) / "code.json").read_text())
    assert code["format"] == 1
    assert {f["path"]: f["text"] for f in code["files"]} == {
        "corrie.yaml": PROJECT, "a.sql": "SELECT n FROM t", "b.sql": "SELECT n + 1 AS n FROM a -- größer\n"}
