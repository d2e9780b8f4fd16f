"""One call of a function, from its specification to its result (docs/formats/protocol.md).

Order: `ready`, so that corrie knows that the interpreter works → the call → `import` → `call` → `output` → `result` or
`error` → exit without the interpreter's farewell, which could hang on a thread that the function left behind.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import importlib
import json
import os
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

from corrie_channel import Capture, Channel, clean, cut, encode
from corrie_project import Project

TYPE_CHECKING = False  # what typing says; importing it costs 3 ms
if TYPE_CHECKING:
    from typing import Any, NoReturn

PROTOCOL = 1
MAX_FRAMES = 100
NO_SPACE = (errno.ENOSPC, errno.ENOMEM, errno.EDQUOT, errno.EFBIG)


# What `import corrie` and `import bauplan` give in a run, and their submodules: each is a module of the harness.
ANSWERS = {"": "corrie_declare", ".standard_expectations": "corrie_expectations"}


class Answers:
    """Comes before everything, so that a file or package of that name is never met instead."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        root, dot, rest = fullname.partition(".")
        if root not in ("corrie", "bauplan"):
            return None
        if dot + rest not in ANSWERS:
            raise ModuleNotFoundError(
                f"there is no {fullname} inside a function: a run offers the decorators, Model, Parameter and "
                "standard_expectations",
                name=fullname,
            )
        return ModuleSpec(fullname, self, is_package=not rest)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        _, dot, rest = module.__name__.partition(".")
        answer = importlib.import_module(ANSWERS[dot + rest])
        for name in answer.__all__:
            setattr(module, name, getattr(answer, name))
        module.__all__ = list(answer.__all__)  # type: ignore[attr-defined]
        module.__doc__ = answer.__doc__
        module.__getattr__ = lambda name: missing(module.__name__, name)  # type: ignore[method-assign]


def missing(module: str, name: str) -> Any:
    """What a run's `corrie` has besides its declarations, which is not much."""
    if "." not in module and name == "standard_expectations":
        return importlib.import_module(f"{module}.standard_expectations")
    if name in ("Client", "Lake"):  # a file that models share with scripts may well import them
        return type(name, (), {"__module__": module, "__init__": refuse})
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


def refuse(self: Any, *arguments: Any, **keywords: Any) -> NoReturn:
    raise RuntimeError(
        f"{type(self).__module__}.{type(self).__name__} is not to be had inside a function: what a function reads are "
        "its inputs, what it writes is what it returns"
    )


class Files:
    """The inputs' files by number; each is mapped once, however many inputs want its columns."""

    def __init__(self, descriptors: list[int]) -> None:
        self._descriptors = descriptors
        self._columns: dict[int, Any] = {}

    def __call__(self, file: int) -> Any:
        import corrie_exchange

        if file not in self._columns:
            self._columns[file] = corrie_exchange.map_file(self._descriptors[file])
        return self._columns[file]

    def close(self) -> None:
        # A mapping holds its memory without the descriptor.
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []


class Call:
    def __init__(self, channel: Channel, spec: dict[str, Any], files: Files) -> None:
        self.channel = channel
        self.spec = spec
        self.files = files
        self.project = Project(spec["dir"], spec["sources"])
        self.capture = Capture(channel, self.project.paths)
        self.pid = os.getpid()
        self.kind = "import"  # of an error that comes now

    def end(self, message: dict[str, Any]) -> NoReturn:
        """Sends the last message. A child that the function forked and that came back here says nothing."""
        if os.getpid() == self.pid:
            self.capture.finish()
            if len(encode(message)) > 120_000:  # control characters take six bytes each
                message.update(message=cut(message["message"], 4000), traceback="")
            self.channel.send(message, last=True)
        os._exit(0)

    def phase(self, name: str) -> None:
        self.channel.send({"m": "phase", "name": name})

    def run(self) -> NoReturn:
        try:
            self._run()
        except BaseException as error:
            self.end(self._error(error))

    def _run(self) -> NoReturn:
        spec = self.spec
        self.phase("import")
        sys.meta_path.insert(0, Answers())
        self.project.install()
        self.capture.start()
        import corrie_exchange
        import corrie_tables

        module = self.project.load(spec["file"])
        function = getattr(module, spec["function"], None)
        if not callable(function):
            raise ImportError(f"{spec['file']} defines no function {spec['function']}")

        arguments: dict[str, Any] = dict(spec["parameters"])
        for given in spec["inputs"]:
            table = corrie_exchange.read_table(given["columns"], self.files)
            arguments[given["argument"]] = corrie_tables.as_form(table, given["form"], given["argument"])
            del table
        self.files.close()

        self.kind = "raised"
        self.phase("call")
        value = self._apply(function, arguments)
        del arguments
        if os.getpid() != self.pid:
            self.end({})  # a forked child that came back here: what it returns is nobody's

        self.kind = "return"
        self.phase("output")
        if spec["kind"] == "expectation":
            if not isinstance(value, dict):
                value = {"passed": corrie_tables.as_bool(value)}
            self.end({"m": "result", **value})
        tables = corrie_tables.split(value, spec["outputs"])
        del value
        room = corrie_exchange.Room(spec["memory"])
        while tables:
            output = corrie_tables.as_output(tables.pop(0))
            corrie_tables.check_names(output.schema.names)
            corrie_tables.check_types(output.schema)
            rows, columns, files = corrie_exchange.write(output, self._send_columns, room)
            del output
            message = {"m": "table" if tables else "result", "rows": rows, "columns": columns, "files": files}
            if tables:
                self.channel.send(message)
        self.end(message)

    def _apply(self, function: Any, arguments: dict[str, Any]) -> Any:
        if self.spec["kind"] != "expectation":
            return function(**arguments)
        try:
            return function(**arguments)
        except AssertionError as error:
            frames = self._frames(error)
            if not frames:
                raise
            reason = clean(str(error)) or frames[-1][3] or "assertion failed"
            return {"passed": False, "reason": cut(reason, 16000), "file": frames[-1][0], "line": frames[-1][1]}

    def _send_columns(self, columns: list[list[Any]], descriptors: list[int]) -> None:
        # Names may be long: as many as fit safely a message. The files go with the first.
        part: list[list[Any]] = []
        size = 0
        for column in columns:
            length = len(encode({"c": column}))
            if part and size + length > 100_000:
                self.channel.send({"m": "columns", "columns": part}, descriptors)
                part, size, descriptors = [], 0, []
            part.append(column)
            size += length
        self.channel.send({"m": "columns", "columns": part}, descriptors)

    # ---- errors

    def _frames(self, error: BaseException) -> list[list[Any]]:
        """The project's frames of the traceback, outermost first."""
        import traceback

        frames: list[list[Any]] = []
        paths = self.project.paths
        for entry in traceback.extract_tb(error.__traceback__):
            if entry.filename in paths:
                text = cut(entry.line or "", 500)
                frames.append([paths[entry.filename], entry.lineno or 0, cut(entry.name, 200), text])
        if isinstance(error, SyntaxError) and error.filename in paths:
            frames.append([paths[error.filename], error.lineno or 0, "<module>", cut((error.text or "").strip(), 500)])
        return frames[:5] + frames[5:][-(MAX_FRAMES - 5) :]

    def _only_ours(self, told: Any, depth: int = 0) -> None:
        """Cuts a traceback, and those of its causes, to the project's frames."""
        paths = self.project.paths
        kept = [frame for frame in told.stack if frame.filename in paths]
        told.stack[:] = kept[:5] + kept[5:][-20:]
        others = [told.__cause__, told.__context__, *(getattr(told, "exceptions", None) or [])]
        for other in others:
            if other is not None and depth < 10:
                self._only_ours(other, depth + 1)

    def _kind(self, error: BaseException, from_user: bool, from_us: bool) -> str:
        if isinstance(error, SystemExit):
            return "exit"
        if from_us:
            return "return"
        if self.kind == "return" and from_user:
            return "raised"  # a generator's own
        if self.kind == "return" and (
            type(error).__name__ == "SpaceProblem" or (isinstance(error, OSError) and error.errno in NO_SPACE)
        ):
            return "space"
        return self.kind

    def _error(self, error: BaseException) -> dict[str, Any]:
        import traceback

        from_us = type(error).__module__ == "corrie_tables"
        frames = self._frames(error)
        kind = self._kind(error, bool(frames), from_us)
        name = type(error).__name__
        module = type(error).__module__
        if module not in ("builtins", "__main__") and module not in self.project.sources:
            name = f"{module}.{name}" if f"{module}.py" not in self.project.sources else name
        try:
            message = str(error.code) if isinstance(error, SystemExit) else str(error)
        except Exception:
            message = "(its text cannot be made)"
        if isinstance(error, SyntaxError) and error.msg:
            message = error.msg
        try:
            told = traceback.TracebackException.from_exception(error)
            self._only_ours(told)
            text = "".join(told.format())
        except Exception:
            text = ""
        return {
            "m": "error",
            "kind": kind,
            "type": "" if from_us else cut(name, 256),
            "message": cut(message, 16000),
            "frames": self._fitting(frames),
            "traceback": cut(text, 16000),
        }

    @staticmethod
    def _fitting(frames: list[list[Any]]) -> list[list[Any]]:
        while frames and len(encode({"f": frames})) > 40_000:
            frames = frames[1:]
        return frames


def receive_call(channel: Channel) -> Call:
    message, descriptors = channel.receive()
    with os.fdopen(descriptors[0], "rb") as file:
        spec = json.loads(file.read())
    files: list[int] = []
    while len(files) < message["files"]:
        files += channel.receive()[1]
    return Call(channel, spec, Files(files))


def choose_first() -> None:
    """Where memory ends all the same, the system ends a function, and not corrie or another program."""
    with contextlib.suppress(OSError):
        descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(descriptor, b"1000")
        os.close(descriptor)


def main() -> NoReturn:
    choose_first()
    faulthandler.enable()  # a crash in C says at least which line of Python it was in
    channel = Channel(3)
    os.set_inheritable(3, False)
    version = ".".join(str(part) for part in sys.version_info[:3])
    channel.send({"m": "ready", "protocol": PROTOCOL, "python": version})
    receive_call(channel).run()
