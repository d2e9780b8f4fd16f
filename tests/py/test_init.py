"""A new project: what `init` writes runs, and it takes nothing away."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Lake


@pytest.fixture
def nobody(lake: Lake) -> Lake:
    """Somebody who has chosen no lake."""
    del lake.env["CORRIE_LAKE"]
    return lake


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and "lake" not in p.parts}


@pytest.mark.parametrize("program", ["corrie", "bauplan"])
def test_what_it_writes_runs_in_a_lake_of_its_own(nobody: Lake, program: str) -> None:
    said = nobody.run("init", "first", program=program)
    folder = nobody.home / "first"
    project_file = "corrie.yaml" if program == "corrie" else "bauplan_project.yml"
    assert files(folder) == {project_file, "models.py", "levels.csv", ".gitignore", ".corrie/config.yaml"}
    assert f"cd first && {program} run" in said.stderr
    assert f"import {program}\n" in (folder / "models.py").read_text()
    nobody.run("run", "--strict", program=program, cwd=folder)
    rows = nobody.run("query", "SELECT gauge, days FROM gauges ORDER BY gauge", "-o", "csv", program=program,
                      cwd=folder).stdout
    assert rows.splitlines() == ["gauge,days", "Blea Water,14", "Red Tarn,13", "Small Water,14", "Stickle Tarn,13"]
    assert not (nobody.home / ".local/share/corrie").exists()


def test_a_lake_that_was_chosen_is_left_alone(lake: Lake) -> None:
    document = lake.json("init", "first")
    assert (document["lake"], document["table"]) == (None, None)
    assert not (lake.home / "first/.corrie").exists() and not lake.root.exists()
    assert "corrie import levels.csv && corrie run" in lake.run("init", "second").stderr


def test_files_that_are_there_stay(nobody: Lake) -> None:
    folder = nobody.home / "mine"
    folder.mkdir()
    (folder / "models.py").write_text("# mine\n")
    document = nobody.json("init", cwd=folder)
    assert document["kept"] == ["models.py"] and (folder / "models.py").read_text() == "# mine\n"
    assert document["name"] == "mine"


def test_a_project_is_not_made_twice(nobody: Lake) -> None:
    nobody.run("init", "first")
    before = (nobody.home / "first/corrie.yaml").read_bytes()
    assert "is a project already" in nobody.error("init", "first", status=4)
    assert (nobody.home / "first/corrie.yaml").read_bytes() == before


def test_what_was_begun_is_finished(nobody: Lake) -> None:
    """The project file comes last: what was cut off before it is done again, and nothing twice."""
    nobody.run("init", "first")
    folder = nobody.home / "first"
    (folder / "corrie.yaml").unlink()
    document = nobody.json("init", "first", "--name", "a: b # c")
    assert document["written"] == ["corrie.yaml"] and document["table"] is None
    assert nobody.json("table", "get", "levels", cwd=folder)["records"] == 56
    done = nobody.run("run", "--dry-run", cwd=folder)
    assert "a: b # c" in done.stdout + done.stderr


def test_mistakes(nobody: Lake) -> None:
    assert "--bare" in nobody.error("init", "x", "--shared=group", status=2)
    assert "name" in nobody.error("init", "--bare", "x", "--name", "y", status=2)
    (nobody.home / "file").write_text("")
    assert "file" in nobody.error("init", "file", status=4)
    assert not (nobody.home / "x").exists()
