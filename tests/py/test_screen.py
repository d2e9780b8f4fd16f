"""What a run looks like on a terminal: the plan, a line a function in place, what functions print above those."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN, ROOT, TIMEOUT, Lake
from screen import MARKS, SPINNER, Terminal
from waiting import stops

PROJECT = "project: {id: 550e8400-e29b-41d4-a716-446655440000, name: scene}\n"
FUNCTION = '''
@corrie.model(materialization_strategy="{strategy}")
@corrie.python("3.11")
def {name}({inputs}):
    import pyarrow as pa
    import time
    {body}
    return pa.table({{"n": [1, 2, 3]}})
'''
# The test says when it goes on: nothing here depends on how long things take.
WAIT = "import os\n    while not os.path.exists({gate!r}):\n        time.sleep(0.02)"


def function(name: str, *reads: str, body: str = "pass", strategy: str = "NONE") -> str:
    inputs = ", ".join(f'i{n}=corrie.Model("{table}")' for n, table in enumerate(reads))
    return FUNCTION.format(name=name, inputs=inputs, body=body, strategy=strategy)


# A shell that starts its arguments in the background.
BACKGROUND = """
import os, sys
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    os.execv(sys.argv[1], sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


class Stage:
    """A project on a lake with the table `seed`, run on terminals; `gate` holds functions back until it is open."""

    def __init__(self, lake: Lake, folder: Path) -> None:
        self.lake, self.folder, self.gate = lake, folder, folder / "gate"
        (folder / "corrie.yaml").write_text(PROJECT)
        (folder / "seed.csv").write_text("n\n1\n")
        lake.run("import", "seed.csv", cwd=folder)

    @property
    def wait(self) -> str:
        return WAIT.format(gate=str(self.gate))

    def models(self, *functions: str) -> None:
        (self.folder / "models.py").write_text("import corrie\n" + "".join(functions))

    def run(self, *arguments: str, env: dict[str, str] | None = None, **size: Any) -> Terminal:
        full = {k: v for k, v in self.lake.env.items() if k not in ("NO_COLOR", "TERM")}
        return Terminal([BIN / "corrie", "run", *arguments], self.folder, {**full, **(env or {})}, **size)

    def open(self) -> None:
        self.gate.touch()


@pytest.fixture
def stage(lake: Lake, tmp_path: Path) -> Stage:
    folder = tmp_path / "scene"
    folder.mkdir()
    return Stage(lake, folder)


def colour(terminal: Terminal, mark: str) -> str:
    buffer = terminal.screen.buffer
    return next(str(buffer[y][0].fg) for y in range(terminal.screen.lines) if buffer[y][0].data == mark)


def test_success(stage: Stage) -> None:
    stage.models(function("first", "seed", body=stage.wait), function("second", "first", strategy="REPLACE"))
    terminal = stage.run()
    terminal.until(lambda: terminal.seen(f"^[{SPINNER}] first +0"))
    assert terminal.block[1:] == ["· second  after first"]
    stage.open()
    assert terminal.end() == 0
    lines = terminal.all
    assert lines[0] == "scene at main, namespace public"
    assert lines[2].startswith("second · model, python 3.11") and "└─ table public.seed [*]" in lines[4]
    assert re.fullmatch(r"✓ first +3 rows +\d.*s", terminal.block[0])
    assert re.fullmatch(r"✓ second +3 rows +\d.*s", terminal.block[1])
    assert any(re.search(r"│ public +│ second │ +3 │ +3 │", line) for line in lines)
    assert re.match(r"published on main as [0-9a-f]{12}, job ", lines[-1])
    assert not set(SPINNER) & set("".join(lines))
    assert colour(terminal, "✓") == "green"
    assert not terminal.screen.cursor.hidden and terminal.screen.cursor.x == 0


def test_failure(stage: Stage) -> None:
    stage.models(function("good", "seed"), function("slow", "seed", body=stage.wait),
                 function("bad", "good", body='raise ValueError("no such\\nthing")'), function("never", "bad", "slow"))
    terminal = stage.run()
    assert terminal.end() == 1
    of = {line.split()[1]: line for line in terminal.block}
    assert len(of) == len(terminal.block) == 4
    assert of["good"].startswith("✓") and of["never"] == "· never  not run"
    assert re.fullmatch(r"✗ bad .* s  ValueError: no such", of["bad"])
    assert re.fullmatch(r"■ slow .* s  another function failed", of["slow"])
    after = terminal.all[terminal.all.index(of["never"]) + 1:]
    assert after[0].startswith("error: bad: ValueError: no such") and any("models.py:" in line for line in after)
    assert colour(terminal, "✗") == "red"


def test_ctrl_c(stage: Stage) -> None:
    before = stage.lake.head()
    stage.models(function("held", "seed", body=stage.wait, strategy="REPLACE"), function("next", "held"))
    terminal = stage.run()
    terminal.until(lambda: terminal.seen(f"^[{SPINNER}] held"))
    terminal.type("\x03")
    assert terminal.end() == 130
    assert re.fullmatch(r"■ held .* s  interrupted", terminal.block[0])
    assert terminal.block[1:] == ["· next  not run"]
    assert re.fullmatch("error: (held: )?interrupted", terminal.all[-1]) and "^C" not in "".join(terminal.all)
    assert stage.lake.head() == before
    assert not terminal.screen.cursor.hidden


def test_stopped_and_continued(stage: Stage) -> None:
    """Ctrl-Z and fg: what was written on the terminal meanwhile stays, and the block comes below it."""
    stage.models(function("held", "seed", body=stage.wait), function("next", "held"))
    terminal = stage.run()
    terminal.until(lambda: terminal.seen(f"^[{SPINNER}] held"))
    assert stops(terminal.child)
    while select.select([terminal.master], [], [], 0)[0]:
        terminal.read()
    shell = ["^Z", "[1]+  Stopped", "$ ls", "of the shell", "$ fg"]
    terminal.stream.feed("".join(f"{line}\r\n" for line in shell).encode())
    assert not terminal.screen.cursor.hidden
    terminal.child.send_signal(signal.SIGCONT)
    time.sleep(1)
    stage.open()
    assert terminal.end() == 0
    at = terminal.all.index(shell[0])
    assert terminal.all[at:at + len(shell)] == shell
    below = terminal.all[at + len(shell):]
    assert [line[:6] for line in below if line[:1] in MARKS and line] == ["✓ held", "✓ next"]


def test_in_the_background_nothing_is_drawn(stage: Stage) -> None:
    """bg: the terminal is somebody else's."""
    stage.models(function("held", "seed", body=stage.wait), function("next", "held"))
    shell = [sys.executable, "-c", BACKGROUND, str(BIN / "corrie"), "run"]
    full = {k: v for k, v in stage.lake.env.items() if k not in ("NO_COLOR", "TERM")}
    terminal = Terminal(list(shell), stage.folder, full)
    terminal.until(lambda: "└─" in "".join(terminal.all))
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        terminal.read()
    assert not terminal.block
    stage.open()
    assert terminal.end() == 0
    assert [line[:6] for line in terminal.block] == ["✓ held", "✓ next"]


def test_narrow_and_narrower(stage: Stage) -> None:
    """What does not fit is cut: a line that wrapped would be left behind at each redraw."""
    long = "a_name_that_is_longer_than_the_whole_terminal"
    stage.models(function(long, "seed", body=stage.wait), function("second", long), function("third", "second"))
    terminal = stage.run(columns=40)
    terminal.until(lambda: terminal.seen(f"^[{SPINNER}] a_name"))
    assert all(len(line) < 40 for line in terminal.visible)
    seen = len(terminal.pictures)
    terminal.narrow(24, 30)
    terminal.until(lambda: len(terminal.pictures) > seen + 3)
    stage.open()
    assert terminal.end() == 0
    assert [line[:4] for line in terminal.block] == ["✓ a_", "✓ se", "✓ th"]
    assert all("…" in line for line in terminal.all if "table public.seed" in line)


def test_what_functions_print(stage: Stage) -> None:
    """It stands above the block, in order; nothing in it acts on the terminal."""
    evil = [r"\x1b[2J\x1b]0;title\x07\x9b31m", r"a\tb 日本語\u202e", r"\r10%\r20%"]
    body = "\n    ".join(f'print("{text}", flush=True)' for text in evil)
    body += '\n    os.write(1, b"\\xff bytes\\n")\n    for i in range(40): print("line", i, flush=True)'
    stage.models(function("loud", "seed", body=f"{stage.wait}\n    {body}"), function("after", "loud"))
    stage.open()
    terminal = stage.run(lines=12)
    assert terminal.end() == 0
    logs = [re.sub(r"^loud( @ models.py:\d+)? \| ?", "", line) for line in terminal.all if line.startswith("loud ")]
    logs.remove("\ufffd bytes")  # not by print: they come when they come
    assert logs[0] == r"\x1b[2J\x1b]0;title\x07\x9b31m" and terminal.screen.title == ""
    assert logs[1].replace(" ", "") == r"ab日本語\u202e" and {"10%", "20%"} <= set(logs)
    assert [line for line in logs if line.startswith("line")] == [f"line {i}" for i in range(40)]
    assert [line[:4] for line in terminal.block] == ["✓ lo", "✓ af"]
    for picture in terminal.pictures:  # of the block nothing is ever left behind among the rest
        assert sum(line[:1] != "" and line[0] in MARKS for line in picture) <= 2


def test_more_functions_than_lines(stage: Stage) -> None:
    for n in range(200):
        source = "seed" if n == 0 else f"m{n - 1}"
        (stage.folder / f"m{n}.sql").write_text(f"SELECT n + 1 AS n FROM {source}\n")
    terminal = stage.run(columns=60, lines=12)
    assert terminal.end() == 0
    assert terminal.seen(rf"^[{SPINNER}] \d+ of 200 done · .*\d+ waiting$")
    names = [line.split()[1] for line in terminal.block]
    assert names == [f"m{n}" for n in range(200)]
    assert all(line.startswith("✓") for line in terminal.block)
    assert not terminal.seen("└─")  # a plan longer than the screen is not shown


def test_a_dumb_terminal_is_a_pipe(stage: Stage) -> None:
    stage.models(function("first", "seed", body='print("hello")'), function("second", "first"))
    terminal = stage.run(env={"TERM": "dumb"})
    assert terminal.end() == 0
    piped = stage.lake.run("run", cwd=stage.folder).stderr
    assert b"\x1b" not in terminal.raw

    def steady(text: str) -> list[str]:
        return re.sub(r"[\d.]+ s\b", "N s", text.replace("\r\n", "\n")).splitlines()

    shown = steady(terminal.raw.decode())
    assert shown[:len(steady(piped))] == steady(piped)
    assert "start first" in shown and "done second  3 rows  N s" in shown


def test_no_colour(stage: Stage) -> None:
    stage.models(function("first", "seed"))
    terminal = stage.run(env={"NO_COLOR": "1"})
    assert terminal.end() == 0
    assert b"\x1b[" in terminal.raw and not re.search(rb"\x1b\[[0-9;]*m", terminal.raw)


def test_the_recorded_session_is_of_the_present_look() -> None:
    """The README's picture is made by a script; it must show what the program shows."""
    done = subprocess.run([sys.executable, ROOT / "tools/record-session", "--check"], capture_output=True, text=True,
                          timeout=TIMEOUT, env={**os.environ, "CORRIE_BIN": str(BIN)})
    assert done.returncode == 0, done.stderr
