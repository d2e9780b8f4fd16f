"""The harness' Python side, without a function process: it must work on every Python that users run functions with."""

from __future__ import annotations

import doctest
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[2] / "worker" / "python"


def test_declarations_do_what_their_examples_say() -> None:
    spec = importlib.util.spec_from_file_location("corrie_declare", HARNESS / "corrie_declare.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["corrie_declare"] = module
    spec.loader.exec_module(module)
    result = doctest.testmod(module)
    assert result.attempted >= 8
    assert result.failed == 0


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
        "import corrie_channel, corrie_declare, corrie_harness, corrie_project\n"
    )
    files = sorted(str(file) for file in HARNESS.glob("*.py"))
    assert len(files) >= 5
    subprocess.run([python, "-I", "-c", program, str(HARNESS), *files], check=True)
