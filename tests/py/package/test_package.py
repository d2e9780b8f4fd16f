"""`pip install .` into an empty environment: the commands, the library beside them, `import corrie`. Compiles the
program once more, so it is not part of `make test`: `make package` runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, clean_environment

MODELS = '''
import corrie
from corrie import standard_expectations


@corrie.model(columns=['n', 'twice'], materialization_strategy='REPLACE')
@corrie.python('3.11')
def doubled(rows=corrie.Model('numbers', columns=['n'])):
    import pyarrow.compute as pc
    return rows.append_column('twice', pc.multiply(rows['n'], 2))


@corrie.expectation()
@corrie.python('3.11')
def unique(data=corrie.Model('doubled')):
    return standard_expectations.expect_column_all_unique(data, 'twice')
'''


class Installed:
    def __init__(self, folder: Path) -> None:
        self.bin = folder / "env" / "bin"
        self.home = folder / "home"
        self.home.mkdir()
        # nothing of the checkout, nor of the tester's own tools
        self.env = {**clean_environment(self.home), "PATH": f"{self.bin}:/usr/bin:/bin"}
        for name in ("CORRIE_UV", "CORRIE_DUCKDB", "CORRIE_BIN", "PYTHONPATH", "VIRTUAL_ENV"):
            self.env.pop(name, None)

    def run(self, *command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
        done = subprocess.run([*map(str, command)], cwd=cwd or self.home, env={**self.env, **(env or {})}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("package")
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    made = Installed(folder)
    # The build needs the tester's settings of pip and his cache, and finds `make` and compilers in his PATH.
    made.run(made.bin / "python", "-m", "pip", "install", ROOT, cwd=ROOT,
             env={name: os.environ[name] for name in ("PATH", "HOME")})
    return made


def test_the_commands(installed: Installed) -> None:
    for name in ("corrie", "bauplan"):
        assert (installed.bin / name).read_bytes()[:4] == b"\x7fELF"
        assert "0.1.0" in installed.run(name, "version")
    assert installed.run("bauplan", "--help") != installed.run("corrie", "--help")


def test_the_package(installed: Installed) -> None:
    program = ("import corrie, importlib.metadata as m; from corrie import Model, model, standard_expectations\n"
               "f = model(name='x')(lambda: 1)\n"
               "assert f() == 1 and len(standard_expectations.__all__) == 11\n"
               "print(m.version('corrie'), Model('t', filter='a > 1'))")
    assert installed.run("python", "-c", program) == "0.1.0 Model('t', filter='a > 1')\n"


def test_a_project_runs(installed: Installed, tmp_path: Path) -> None:
    env = {"CORRIE_LAKE": str(tmp_path / "lake")}
    (tmp_path / "numbers.csv").write_text("n\n" + "".join(f"{i}\n" for i in range(10)))
    installed.run("corrie", "import", tmp_path / "numbers.csv", "numbers", env=env)
    project = tmp_path / "project"
    project.mkdir()
    (project / "corrie.yaml").write_text("project:\n  id: 550e8400-e29b-41d4-a716-446655440000\n  name: t\n")
    (project / "models.py").write_text(MODELS)
    installed.run("corrie", "run", "--strict", cwd=project, env=env)
    assert "90" in installed.run("corrie", "query", "SELECT sum(twice) AS total FROM doubled", "-o", "csv", env=env)


def test_it_leaves_nothing(installed: Installed) -> None:
    assert (installed.bin.parent / "lib" / "corrie" / "libduckdb.so").exists()
    installed.run("python", "-m", "pip", "uninstall", "--yes", "corrie")
    left = [path for path in installed.bin.parent.rglob("*") if "corrie" in path.name or "bauplan" in path.name]
    assert left == []
