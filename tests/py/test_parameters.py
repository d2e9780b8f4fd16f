"""Parameters of a project: changed in the text of its file, of which everything else stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Lake

PROJECT = """# mine
project: {id: 550e8400-e29b-41d4-a716-446655440000, name: x}   # in braces
parameters:
  least: {type: int, default: 1}
  # the rate
  rate:
    type: float
    default: 1.5   # usual
include_paths: ["a/*.sql"]
"""


@pytest.fixture
def project(lake: Lake) -> Path:
    path = lake.home / "project"
    path.mkdir()
    (path / "corrie.yaml").write_text(PROJECT)
    return path


def change(lake: Lake, project: Path, verb: str, *arguments: str, status: int = 0) -> str:
    done = lake.run("parameter", verb, "-p", project, *arguments, status=status)
    return done.stdout + done.stderr


def listed(lake: Lake, project: Path) -> dict[str, dict[str, object]]:
    return {p["name"]: p for p in lake.json("parameter", "ls", "-p", project)["parameters"]}


def test_only_what_was_asked_changes(lake: Lake, project: Path) -> None:
    file = project / "corrie.yaml"
    change(lake, project, "set", "rate", "2.5")
    assert file.read_text() == PROJECT.replace("default: 1.5   #", "default: 2.5   #")
    change(lake, project, "set", "least", "7", "--description", 'at "least"', "--required")
    assert 'least: {type: int, default: 7, required: true, description: "at \\"least\\""}' in file.read_text()
    change(lake, project, "rm", "rate")
    assert "rate:" not in file.read_text() and "# mine" in file.read_text()
    change(lake, project, "rm", "least")
    assert listed(lake, project) == {} and 'include_paths: ["a/*.sql"]' in file.read_text()


@pytest.mark.parametrize("value, looks", [
    ("10", "int"), ("-3", "int"), ("1.5", "float"), ("1e3", "float"), ("true", "bool"), ("007", "str"),
    ("", "str"), ("10", "str"), ("a: b # c", "str"), ("'\\\"", "str"), ("null", "str"), ("- x", "str"),
    ("New York", "str"), ("ü\t", "str")])
def test_values_come_back_as_they_went_in(lake: Lake, project: Path, value: str, looks: str) -> None:
    kind = [] if (value, looks) != ("10", "str") else ["--type", "str"]
    change(lake, project, "set", *kind, "p", "--", value)
    assert (listed(lake, project)["p"]["type"], listed(lake, project)["p"]["default"]) == (looks, value)
    (project / "model.sql").write_text("-- corrie: materialization_strategy=REPLACE\nSELECT $p AS p")
    lake.run("run", "-p", project)
    [[got]] = lake.rows("SELECT p FROM model")
    assert got == value if looks == "str" else float(got.replace("true", "1")) == float(value.replace("true", "1"))


def test_a_file_or_standard_input_gives_the_value(lake: Lake, project: Path) -> None:
    (lake.home / "text").write_text("one\ntwo\n")
    change(lake, project, "set", "p", "--file", str(lake.home / "text"))
    assert listed(lake, project)["p"]["default"] == "one\ntwo"


def test_secrets_are_references(lake: Lake, project: Path) -> None:
    change(lake, project, "set", "key", "env:API_KEY", "--type", "secret")
    said = change(lake, project, "set", "key", "hunter2", status=2)
    assert "env:NAME" in said and "hunter2" not in (project / "corrie.yaml").read_text()


def test_mistakes_change_nothing(lake: Lake, project: Path) -> None:
    for arguments, status, word in (
        (["set", "least", "many"], 2, "integer"), (["set", "a.b", "1"], 2, "parameter name"),
        (["rm", "none"], 3, "parameter ls"),
        (["set", "rate", "--type", "int"], 1, "1.5"), (["set", "p", "1", "--type", "date"], 2, "secret"),
        (["set", "p", "--required", "--optional"], 2, "either"), (["set", "p", "1", "--file", "x"], 2, "either"),
    ):
        assert word in change(lake, project, arguments[0], *arguments[1:], status=status), arguments
    assert (project / "corrie.yaml").read_text() == PROJECT
    assert "corrie.yaml" in lake.error("parameter", "ls", status=3)


def test_a_link_stays_one(lake: Lake, project: Path) -> None:
    real = lake.home / "real.yaml"
    (project / "corrie.yaml").rename(real)
    (project / "corrie.yaml").symlink_to(real)
    real.chmod(0o640)
    change(lake, project, "set", "rate", "3")
    assert (project / "corrie.yaml").is_symlink() and "default: 3" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640
