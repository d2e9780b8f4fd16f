"""The socket to corrie, and what the function prints on its way there (docs/formats/protocol.md)."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import sys
import threading
from importlib.machinery import ModuleSpec, PathFinder

TYPE_CHECKING = False  # what typing says; importing it costs 3 ms
if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Sequence
    from types import ModuleType
    from typing import Any

MAX_MESSAGE = 128 * 1024
MAX_LINE = 8000  # characters: at most 32 000 bytes, 48 000 where JSON escapes them


def clean(text: str) -> str:
    """The text as UTF-8 and C can carry it: bytes that came in as surrogates, and NUL, become U+FFFD."""
    text = text.replace("\0", "\ufffd")
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        try:
            return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        except UnicodeEncodeError:
            return text.encode("utf-8", "replace").decode("utf-8", "replace")


def cut(text: str, size: int) -> str:
    """At most `size` bytes of UTF-8, with a mark where something is missing."""
    text = clean(text)
    raw = text.encode("utf-8")
    if len(raw) <= size:
        return text
    return raw[: size - 3].decode("utf-8", "ignore") + "…"


def encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")


class Channel:
    """Sends messages, receives the call. Any thread may send; a child that the function forked may not."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._lock = threading.Lock()
        self._closed = False
        self._pid = os.getpid()

    def is_ours(self) -> bool:
        """Whether this is the process of the call, and no child that it forked."""
        return os.getpid() == self._pid

    def send(self, message: dict[str, Any], descriptors: Sequence[int] = (), last: bool = False) -> None:
        """A connection that is gone is not told to the function: corrie notices by itself. After the `last` message
        nothing is sent, whatever threads the function left behind."""
        packet = encode(message)
        if not self.is_ours():
            return  # and its copy of the lock may be held by a thread that it does not have
        with self._lock:
            if self._closed:
                return
            self._closed = last
            try:
                if descriptors:
                    socket.send_fds(self._socket, [packet], list(descriptors))
                else:
                    self._socket.sendall(packet)
            except OSError:
                self._closed = True

    def receive(self) -> tuple[dict[str, Any], list[int]]:
        packet, descriptors, _, _ = socket.recv_fds(self._socket, MAX_MESSAGE, 253)
        if not packet:
            os._exit(0)  # corrie is gone, or did not need this process
        return json.loads(packet), descriptors


class Log:
    """Lines on their way to corrie, each at once: a crash comes without warning, and takes with it what waits here.
    Lines of a child that the function forked go to the pipes, as those of any other process."""

    def __init__(self, channel: Channel, paths: dict[str, str]) -> None:
        self._channel = channel
        self._paths = paths

    def is_ours(self) -> bool:
        return self._channel.is_ours()

    def place(self, depth: int) -> tuple[str, int]:
        """The innermost line of the project's files that is running, as (file, line)."""
        frame = sys._getframe(depth)
        paths = self._paths
        for _ in range(200):
            path = paths.get(frame.f_code.co_filename)
            if path is not None:
                return path, frame.f_lineno
            if frame.f_back is None:
                break
            frame = frame.f_back
        return "", 0

    def add(self, stream: str, text: str, place: tuple[str, int], level: str | None = None) -> None:
        if len(text) > MAX_LINE:
            for start in range(0, len(text), MAX_LINE):
                self.add(stream, text[start : start + MAX_LINE], place, level)
            return
        if not self.is_ours():
            with contextlib.suppress(OSError):
                os.write(1 if stream == "stdout" else 2, clean(text + "\n").encode("utf-8"))
            return
        try:
            self._send(stream, clean(text) if "\0" in text else text, place, level)
        except UnicodeEncodeError:
            self._send(stream, clean(text), place, level)

    def _send(self, stream: str, text: str, place: tuple[str, int], level: str | None) -> None:
        line = [text, *place] if level is None else [text, *place, level]
        self._channel.send({"m": "log", "stream": stream, "lines": [line]})


class _Bytes(io.RawIOBase):
    """`sys.stdout.buffer`: bytes, which are text all the same."""

    def __init__(self, text: LineStream) -> None:
        self._text = text

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._text.fileno()

    def write(self, data: Any) -> int:
        raw = bytes(data)
        self._text.put(raw.decode("utf-8", "replace"), 2)
        return len(raw)


class LineStream(io.TextIOBase):
    """Stands for sys.stdout and sys.stderr: a line is sent when it is complete, with the place that printed its
    beginning. A carriage return ends a line too: progress bars write nothing else."""

    def __init__(self, log: Log, name: str, descriptor: int) -> None:
        self._log = log
        self._name = name
        self._descriptor = descriptor
        self._lock = threading.RLock()
        self._parts: list[str] = []
        self._length = 0
        self._place: tuple[str, int] = ("", 0)
        self.buffer = _Bytes(self)

    def after_fork(self) -> None:
        """In the child: what is half said is the parent's to say, a lock may be held by a thread that is not here."""
        self._lock = threading.RLock()
        self._parts = []
        self._length = 0

    def flush(self) -> None:
        """Whoever forks may end without further ado, and flushes before."""
        if not self._log.is_ours():
            self.finish()

    @property
    def name(self) -> str:
        return f"<{self._name}>"

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "replace"

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._descriptor

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.put(text, 2)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        for line in lines:
            self.put(line, 2)

    def put(self, text: str, depth: int) -> None:
        with self._lock:
            if not self._parts:
                self._place = self._log.place(depth + 1)
            if text == "\n":  # how print ends
                self.end_line()
                return
            if "\n" not in text and "\r" not in text:
                self._keep(text)
                return
            lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            last = lines.pop()
            for line in lines:
                self._keep(line)
                self.end_line()
            self._keep(last)

    def _keep(self, text: str) -> None:
        if text:
            self._parts.append(text)
            self._length += len(text)
            if self._length > MAX_LINE:
                self.end_line()

    def end_line(self) -> None:
        parts = self._parts
        text = parts[0] if len(parts) == 1 else "".join(parts)
        parts.clear()
        self._length = 0
        self._log.add(self._name, text, self._place)

    def finish(self) -> None:
        """Sends what has no newline yet."""
        with self._lock:
            if self._parts:
                self.end_line()


class LateLogging:
    """Has the records of `logging` sent as soon as somebody imports it: to do so for each function takes 7 ms.

    The standard library's is found, whatever the project has of that name.
    """

    def __init__(self, log: Log, paths: dict[str, str]) -> None:
        self._log = log
        self._paths = paths

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name) if name == "logging" else None
        if spec:
            spec.loader_state, spec.loader = spec.loader, self  # type: ignore[assignment]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        spec: Any = module.__spec__
        spec.loader = module.__loader__ = spec.loader_state
        spec.loader.exec_module(module)
        self.set_up(module)

    def set_up(self, module: Any) -> None:
        handler = module.Handler()
        handler.setFormatter(module.Formatter("%(message)s"))
        handler.emit = lambda record: self._emit(handler, record)
        module.basicConfig(level=module.INFO, handlers=[handler])
        module.captureWarnings(False)

    def _emit(self, handler: logging.Handler, record: logging.LogRecord) -> None:
        try:
            text = handler.format(record)
        except Exception as error:  # a wrong format string is the function's, and no reason to stop it
            text = f"{record.msg!r} (cannot be formatted: {error})"
        path = self._paths.get(record.pathname)
        place = (path, record.lineno) if path is not None else self._log.place(3)
        level = cut(record.levelname, 32) or "INFO"
        for line in text.splitlines() or [""]:
            self._log.add("logging", line, place, level)


class Capture:
    """Everything that Python code prints or logs, from `start` to `finish`."""

    def __init__(self, channel: Channel, paths: dict[str, str]) -> None:
        self.log = Log(channel, paths)
        self._streams = [LineStream(self.log, "stdout", 1), LineStream(self.log, "stderr", 2)]
        self._logging = LateLogging(self.log, paths)

    def start(self) -> None:
        sys.stdout, sys.stderr = self._streams
        sys.__stdout__, sys.__stderr__ = self._streams  # type: ignore[misc,assignment]
        if "logging" in sys.modules:
            self._logging.set_up(sys.modules["logging"])
        else:
            sys.meta_path.insert(0, self._logging)
        os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self) -> None:
        for stream in self._streams:
            stream.after_fork()

    def finish(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()  # whatever the function put there
        for stream in self._streams:
            stream.finish()
