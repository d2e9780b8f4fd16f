"""The harness' Python side, without a function process: it must work on every Python that users run functions with."""

from __future__ import annotations

import doctest
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[2] / "worker" / "python"
PACKAGE = Path(__file__).parents[2] / "python"
sys.path.insert(0, str(PACKAGE))

import corrie  # noqa: E402


def test_declarations_do_what_their_examples_say() -> None:
    attempted = 0
    for module in (corrie, corrie._declare, corrie.standard_expectations):
        result = doctest.testmod(module)
        assert result.failed == 0
        attempted += result.attempted
    assert attempted >= 18


def test_the_package_needs_nothing_else() -> None:
    # a project's files can be imported, and their functions tested, where there is no pyarrow
    program = "import sys; sys.path.insert(0, sys.argv[1]); import corrie; print('pyarrow' in sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program, PACKAGE], capture_output=True, check=True)
    assert done.stdout == b"False\n"


def interpreters() -> list[str]:
    found = {}
    for minor in range(9, 16):
        for candidate in (
            shutil.which(f"python3.{minor}"),
            *map(str, Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python")),
        ):
            if candidate and subprocess.run([candidate, "-c", ""], capture_output=True).returncode == 0:
                found[minor] = candidate
    return list(found.values())


@pytest.mark.parametrize("python", interpreters())
def test_harness_compiles_and_declares_on(python: str) -> None:
    program = (
        "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, sys.argv[1])\n"
        "for file in sys.argv[2:]: compile(open(file).read(), file, 'exec')\n"
        "import corrie_channel, corrie_declare, corrie_expectations, corrie_harness, corrie_project\n"
    )
    files = sorted(str(file) for file in HARNESS.glob("*.py"))
    assert len(files) >= 5
    subprocess.run([python, "-I", "-c", program, str(HARNESS), *files], check=True)
