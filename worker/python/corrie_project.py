"""A project's Python files, imported from the texts that corrie sent instead of from the disk.

Modules keep the file names they have in the project, so that tracebacks, `inspect` and debuggers show real places.
"""

from __future__ import annotations

import importlib
import linecache
import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import CodeType, ModuleType

TYPE_CHECKING = False  # what typing says; importing it costs 3 ms
if TYPE_CHECKING:
    from collections.abc import Sequence


class Project:
    """Finder and loader in one: `a.py` is the module `a`, `a/b.py` is `a.b` (packages need no `__init__.py`)."""

    def __init__(self, directory: str, sources: dict[str, str]) -> None:
        self.directory = directory.rstrip("/")
        self.sources = sources
        self.paths: dict[str, str] = {}  # file name in tracebacks -> path in the project
        self._modules: dict[str, str] = {}  # module -> path in the project; "" for a package without a file
        for path in sorted(sources):
            name = f"{self.directory}/{path}"
            self.paths[name] = path
            linecache.cache[name] = (len(sources[path]), None, sources[path].splitlines(True), name)
            if path.endswith(".py"):
                self._add(path)

    def _add(self, path: str) -> None:
        module = path[: -len(".py")].replace("/", ".")
        if module.endswith(".__init__"):
            module = module[: -len(".__init__")]
        self._modules[module] = path
        while "." in module:
            module = module.rpartition(".")[0]
            self._modules.setdefault(module, "")

    def install(self) -> None:
        """Asks the project after the built-in modules and before everything on the disk, as Python does with the
        directory of a script."""
        at = len(sys.meta_path)
        for i, finder in enumerate(sys.meta_path):
            if finder is PathFinder:
                at = i
                break
        sys.meta_path.insert(at, self)

    def load(self, path: str) -> ModuleType:
        """The module of that file, whatever its name looks like (`01_models.py`)."""
        for name, known in self._modules.items():
            if known == path:
                return importlib.import_module(name)
        raise ImportError(f"{path} is not among the files of this run", path=path)

    # ---- importlib's side

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._modules:
            return None
        known = self._modules[fullname]
        prefix = fullname + "."
        package = known.endswith("__init__.py") or any(name.startswith(prefix) for name in self._modules)
        origin = f"{self.directory}/{known}" if known else None
        spec = ModuleSpec(fullname, self, origin=origin, is_package=package)  # type: ignore[arg-type]
        spec.has_location = origin is not None
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        code = self.get_code(module.__name__)
        if code is not None:
            exec(code, module.__dict__)

    def get_source(self, fullname: str) -> str | None:
        known = self._modules.get(fullname)
        return self.sources[known] if known else None

    def get_code(self, fullname: str) -> CodeType | None:
        known = self._modules.get(fullname)
        if not known:
            return None
        return compile(self.sources[known], f"{self.directory}/{known}", "exec", dont_inherit=True)

    def is_package(self, fullname: str) -> bool:
        spec = self.find_spec(fullname)
        if spec is None:
            raise ImportError(fullname)
        return spec.submodule_search_locations is not None
