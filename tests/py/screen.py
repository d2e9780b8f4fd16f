"""A terminal for tests: the program runs on it, and what a person would see there can be looked at."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyte
from waiting import TIMEOUT

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
MARKS = SPINNER + "·✓!✗■"
HISTORY = 5000


@dataclass(frozen=True)
class Cell:
    data: str
    colour: str
    bold: bool


class Terminal:
    """Columns by lines, with the program as the leader of its session, so that Ctrl-C is typed as a person does it."""

    def __init__(self, command: list[str | Path], cwd: Path, env: dict[str, str], columns: int = 100,
                 lines: int = 30) -> None:
        self.screen = pyte.HistoryScreen(columns, lines, history=HISTORY, ratio=0.5)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.pictures: list[list[str]] = []  # what was visible whenever something had changed
        self.master, slave = pty.openpty()
        self.size(columns, lines)
        self.child = subprocess.Popen(["setsid", "--ctty", *map(str, command)], cwd=cwd,
                                      env={"TERM": "xterm-256color", **env}, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)

    def size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def narrow(self, columns: int, lines: int) -> None:
        """The screen becomes narrower. What was written for the old width, and is on its way, is read before."""
        self.size(columns, lines)
        self.until(lambda: all(len(line) < columns for line in self.block))
        self.screen.resize(lines, columns)

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def read(self) -> bool:
        """Takes what has come, waiting a little; False: the program has left the terminal."""
        if not select.select([self.master], [], [], 0.05)[0]:
            return True
        piece = b""
        with contextlib.suppress(OSError):
            piece = os.read(self.master, 65536)
        self.raw += piece
        self.stream.feed(piece.replace(b"\x1b[2m", b"\x1b[90m"))  # dim, which the screen does not know
        if piece and (not self.pictures or self.pictures[-1] != self.visible):
            self.pictures.append(self.visible)
        return bool(piece)

    def until(self, there: Callable[[], object]) -> None:
        """Goes on until something is to be seen."""
        deadline = time.monotonic() + TIMEOUT
        while not there():
            assert time.monotonic() < deadline and self.read(), "\n".join(self.all)

    def end(self) -> int:
        """Goes on until the program ends; its exit status."""
        deadline = time.monotonic() + TIMEOUT
        while self.read():
            assert time.monotonic() < deadline, "\n".join(self.all)
        os.close(self.master)
        return self.child.wait(TIMEOUT)

    @property
    def visible(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    @property
    def all(self) -> list[str]:
        """What is visible, with what has left the screen at the top before it; nothing below the last line."""
        above = ["".join(line[column].data for column in range(self.screen.columns)).rstrip()
                 for line in self.screen.history.top]
        return "\n".join(above + self.visible).rstrip("\n").split("\n")

    @property
    def cells(self) -> list[list[Cell]]:
        """The same with colours."""
        rows = [*self.screen.history.top, *(self.screen.buffer[y] for y in range(self.screen.lines))]
        return [[Cell(row[x].data, row[x].fg, row[x].bold) for x in range(len(line))]
                for row, line in zip(rows, self.all, strict=False)]

    @property
    def block(self) -> list[str]:
        """The lines of the progress, wherever they are."""
        return [line for line in self.all if line[:1] and line[0] in MARKS]

    def seen(self, pattern: str) -> bool:
        """Whether some line of some picture was like that."""
        return any(re.search(pattern, line) for picture in self.pictures for line in picture)
