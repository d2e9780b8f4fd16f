"""What the end-to-end tests share: a lake of their own, the program, the generated shop data."""

from __future__ import annotations

import contextlib
import ctypes
import getpass
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from readers import Readers
from waiting import TIMEOUT as TIMEOUT

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
BIN = Path(os.environ.get("CORRIE_BIN", ROOT / "build" / "bin"))
collect_ignore = [] if os.environ.get("CORRIE_SPARK") else ["spark"]
PASSED = pytest.StashKey[bool]()
# Who starts the tests in the background of a script has them ignore Ctrl-C, and every program that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass
class Lake:
    """A lake in a directory of its own, and the program called on it."""

    root: Path
    home: Path
    env: dict[str, str] = field(default_factory=dict)
    # Why no other reader is to look at what the test leaves; None: they are, see readers.py.
    unreadable: str | None = None

    def start(self, *arguments: str | Path, program: str = "corrie", cwd: Path | None = None,
              env: dict[str, str] | None = None, stdin: int = subprocess.DEVNULL, before: tuple[str, ...] = (),
              **more: Any) -> subprocess.Popen[str]:
        """Starts the program, by the command `before` if there is one (prlimit …)."""
        return subprocess.Popen([*before, BIN / program, *map(str, arguments)], cwd=cwd or self.home,
                                env={**self.env, **(env or {})}, stdin=stdin,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)

    def run(self, *arguments: str | Path, program: str = "corrie", cwd: Path | None = None, status: int | None = 0,
            env: dict[str, str] | None = None, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Calls the program and checks its exit status (None: any)."""
        done = subprocess.run([BIN / program, *map(str, arguments)], cwd=cwd or self.home,
                              env={**self.env, **(env or {})}, input=stdin if stdin is not None else "",
                              capture_output=True, text=True, timeout=TIMEOUT)
        if status is not None:
            assert done.returncode == status, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str | Path, **more: Any) -> Any:
        return json.loads(self.run(*arguments, "-o", "json", **more).stdout)

    def error(self, *arguments: str | Path, status: int, **more: Any) -> str:
        """Calls the program, which must fail with that status; returns what it says."""
        done = self.run(*arguments, status=status, **more)
        assert "error" in done.stderr
        return done.stderr

    def rows(self, sql: str, *arguments: str) -> list[list[str]]:
        """The rows of a query as text, without the header."""
        import csv
        import io

        text = self.run("query", sql, "-o", "csv", *arguments).stdout
        return list(csv.reader(io.StringIO(text)))[1:]

    def head(self, branch: str = "main") -> str:
        branches = self.json("branch", "ls")["refs"]
        return str(next(b["commit"] for b in branches if b["name"] == branch))

    def fsck(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json("fsck")
        assert found["problems"] == []
        return found


def clean_environment(home: Path) -> dict[str, str]:
    """The tester's environment without their lake, settings and colours. Environments of functions are shared."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("CORRIE_LAKE", "CORRIE_REF", "CORRIE_USER", "CORRIE_FAULT"))}
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    env.update(HOME=str(home), XDG_CACHE_HOME=cache, XDG_CONFIG_HOME=str(home / ".config"),
               XDG_DATA_HOME=str(home / ".local/share"), XDG_STATE_HOME=str(home / ".local/state"),
               NO_COLOR="1", USER=env.get("USER") or getpass.getuser())
    return env


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Under the sanitizers a test of many cases runs every third: what they look for is in all of them, or in none.

    In CI each commit runs a third of the tests there, and the next two the others ($CORRIE_TURN, .ci/run).
    """
    if not os.environ.get("CORRIE_SANITIZED"):
        return
    cases: dict[tuple[Path, str], list[pytest.Item]] = {}
    for item in items:
        cases.setdefault((item.path, getattr(item, "originalname", item.name)), []).append(item)
    left_out = {item for group in cases.values() if len(group) >= 4
                for turn, item in enumerate(group) if turn % 3 > 0}
    if turn_of_ci := os.environ.get("CORRIE_TURN"):
        left = [item for item in items if item not in left_out]
        left_out |= {item for turn, item in enumerate(left) if (turn + int(turn_of_ci)) % 3 > 0}
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[PASSED] = report.passed
    return report


@pytest.fixture(scope="session")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readers | None]:
    """Other readers of Iceberg; None where only memory is looked at."""
    if os.environ.get("CORRIE_SANITIZED"):
        yield None
        return
    found = Readers(tmp_path_factory.mktemp("readers"))
    yield found
    found.close()


@pytest.fixture
def lake(tmp_path: Path, request: pytest.FixtureRequest, readers: Readers | None) -> Iterator[Lake]:
    home = tmp_path / "home"
    home.mkdir()
    env = clean_environment(home)
    env["CORRIE_LAKE"] = str(tmp_path / "lake")
    made = Lake(tmp_path / "lake", home, env)
    yield made
    if readers and request.node.stash.get(PASSED, False) and (made.root / "lake.json").exists() and not made.unreadable:
        readers.agree(made)


YAML = "project:\n  id: 550e8400-e29b-41d4-a716-446655440000\n  name: t\n"


def write_project(folder: Path, files: dict[str, str] | None = None, more: str = "") -> Path:
    """A project: its file (with `more` at its end) and these files."""
    for name, text in {"corrie.yaml": YAML + more, **(files or {})}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def import_numbers(lake: Lake, rows: int) -> None:
    """A table `numbers`: n = 0, 1, …; s = 's0', 's1', …"""
    path = lake.home / "numbers.csv"
    path.write_text("n,s\n" + "".join(f"{i},s{i}\n" for i in range(rows)))
    lake.run("import", path, "numbers")


@pytest.fixture
def project(lake: Lake, tmp_path: Path) -> Path:
    """A project without functions, and a lake with a table `numbers` of 10 rows."""
    import_numbers(lake, 10)
    return write_project(tmp_path / "project")


def children() -> set[int]:
    """Processes whose parent is this one."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == os.getpid():
                found.add(int(stat.parent.name))
    return found


@pytest.fixture
def orphans() -> Iterator[Callable[[], None]]:
    """Checks that nothing which a killed program had started goes on: what loses its parent comes to this process."""
    prctl = ctypes.CDLL(None).prctl
    set_child_subreaper = 36
    assert prctl(set_child_subreaper, 1, 0, 0, 0) == 0
    others = children()

    def gone() -> None:
        deadline = time.monotonic() + TIMEOUT  # functions of these tests sleep far longer
        while left := children() - others:
            for pid in left:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            if time.monotonic() > deadline:
                commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]  # nobody else waits for them
                for pid in left:
                    os.kill(pid, signal.SIGKILL)
                raise AssertionError(f"still running: {commands}")
            time.sleep(0.01)

    yield gone
    prctl(set_child_subreaper, 0, 0, 0, 0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that all users may enter: pytest's own are the tester's alone, and it sees to that again and again."""
    with tempfile.TemporaryDirectory(prefix="corrie-users-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The generated shop data: events.parquet (1 M rows) and users.parquet (100 k)."""
    folder = tmp_path_factory.mktemp("shop")
    env = clean_environment(folder)
    env["CORRIE_LAKE"] = str(folder / "lake")
    for name in ("events", "users"):
        subprocess.run([BIN / "corrie", "query", "-f", ROOT / f"examples/ecommerce/data/{name}.sql", "-o", "parquet",
                        "--to", folder / f"{name}.parquet"], check=True, env=env, timeout=TIMEOUT,
                       capture_output=True)
    yield folder


@pytest.fixture
def shared() -> Path:
    """The seeds and data that lie beside the checkout on machines that have them."""
    if not SHARED.is_dir():
        pytest.skip("shared/ does not lie beside the checkout")
    return SHARED
