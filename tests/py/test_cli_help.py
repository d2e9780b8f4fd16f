"""Help is what a newcomer types first: all of it is there, and every example in it runs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cli_lake import make_lake
from conftest import BIN, ROOT, TIMEOUT, Lake, clean_environment

PAGE = ROOT / "docs/reference/cli.md"


def examples() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    return [line for block in blocks for line in block.splitlines() if line]


def verbs() -> list[str]:
    return re.findall(r"^### (.*)$", PAGE.read_text(), re.M)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    (folder / "home").mkdir()
    lake = Lake(folder / "lake", folder / "home", clean_environment(folder / "home"))
    lake.env["CORRIE_LAKE"] = str(lake.root)
    make_lake(lake)
    return folder


def test_the_reference_page_is_up_to_date(lake: Lake) -> None:
    assert lake.run("help", "--markdown").stdout == PAGE.read_text(), "corrie help --markdown > docs/reference/cli.md"


def test_every_verb_has_an_example() -> None:
    for verb in verbs():
        assert any(re.search(rf"\bcorrie {verb}\b", e) for e in examples()), verb


@pytest.mark.parametrize("line", examples())
def test_examples_run(prepared: Path, tmp_path: Path, line: str) -> None:
    """Each in a copy of its own, from a shell, as a reader would paste it."""
    shutil.copytree(prepared, tmp_path / "copy")
    home = tmp_path / "copy/home"
    env = clean_environment(home)
    env.update(CORRIE_LAKE=str(tmp_path / "copy/lake"), PATH=f"{BIN}:{env['PATH']}")
    done = subprocess.run(["bash", "-c", line], cwd=home, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=TIMEOUT)
    if line.startswith("corrie job stop"):  # no job goes on here: the newest is over
        assert done.returncode == 4 and "is over: done" in done.stderr
        return
    assert done.returncode == 0, done.stdout + done.stderr
    assert "error" not in done.stderr


@pytest.mark.parametrize("verb", verbs())
def test_help_of_each_verb(lake: Lake, verb: str) -> None:
    """The three ways to ask say the same, and need no lake."""
    env = {"CORRIE_LAKE": "/nonexistent/lake"}
    asked = lake.run("help", *verb.split(), env=env).stdout
    assert lake.run(*verb.split(), "--help", env=env).stdout == asked
    assert lake.run("-h", *verb.split(), env=env).stdout == asked
    assert asked.startswith(f"corrie {verb}: ")
    assert "Usage" in asked and "Examples" in asked


def test_the_overview(lake: Lake) -> None:
    overview = lake.run().stdout
    assert overview == lake.run("help").stdout == lake.run("--help").stdout
    for verb in verbs():
        assert re.search(rf"^  {verb} ", overview, re.M), verb
    group = lake.run("help", "branch").stdout
    assert group == lake.run("branch", "--help").stdout
    assert "branch merge" in group and "table ls" not in group
    assert lake.run(program="bauplan").stdout.startswith("bauplan: ")


def test_help_of_what_is_not_there(lake: Lake) -> None:
    lake.error("help", "bransh", status=2)
    lake.error("help", "branch", "crate", status=2)


def test_no_promises() -> None:
    """What this version cannot do is not in the help: an unknown command says so honestly."""
    for verb in ("serve", "login", "ui", "bundle open"):
        assert verb not in verbs()
