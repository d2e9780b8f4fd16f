"""Reads what Python files of a project declare, without running them.

Started as `python3 -I -S -c SCRIPT` in a process of its own. Descriptor 3: one JSON document
`{"files": [{"text": "…"}, …]}`; standard output: one JSON document `{"python": "3.11.7", "files":
[FILE, …]}` in the same order. FILE is `{"functions": […], "imports": […], "dynamic": …, "problems": […]}`;
docs/formats/declarations.md has every field. Nothing of the files is imported or executed: they are parsed
by `ast`, compiled to find the errors that parsing does not, and looked at. What the declarations mean
(which keywords exist, which values are right) is decided by the caller.

A position is `[line, column, width]`: from 1, in bytes of UTF-8, width 0 = to the end of the line.
"""

from __future__ import annotations

import ast
import builtins
import copy
import json
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # an older Python than we can use is to get as far as saying its version
    from collections.abc import Iterator
    from typing import Any, Union

    Place = list[int]
    Document = dict[str, Any]
    Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]

MODULES = ("bauplan", "corrie")
DECORATORS = ("model", "expectation", "python", "resources", "extras")
MARKERS = ("Model", "Parameter")
MAX_TEXT = 1 << 20
MAX_ITEMS = 100_000
MAX_ANNOTATION = 200
# What may import or run a file without its name being written as an import.
DYNAMIC_MODULES = {"builtins", "imp", "importlib", "pkgutil", "runpy", "zipimport"}
DYNAMIC_ATTRIBUTES = {
    "__builtins__", "__file__", "__import__", "__loader__", "__path__", "__spec__",
    "exec_module", "import_module", "load_module", "run_module", "run_path",
}
DYNAMIC_NAMES = DYNAMIC_ATTRIBUTES | DYNAMIC_MODULES | {"eval", "exec", "globals"}
DYNAMIC_SYS = {"sys.meta_path", "sys.modules", "sys.path", "sys.path_hooks"}


class NotConstant(Exception):
    def __init__(self, node: ast.expr, reason: str) -> None:
        super().__init__(reason)
        self.node = node
        self.reason = reason


def at(node: ast.stmt | ast.expr) -> Place:
    end = node.end_col_offset if node.end_lineno == node.lineno else None
    width = end - node.col_offset if end is not None else 0
    return [node.lineno, node.col_offset + 1, width]


def source_of(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else text[:57] + "..."


def top_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a module and of its if, try, with, for blocks: all that run when it is imported."""
    for node in body:
        yield node
        for field in ("body", "orelse", "finalbody"):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield from top_statements(getattr(node, field, []) or [])
        for handler in getattr(node, "handlers", []) or []:
            yield from top_statements(handler.body)


def bound_names(node: ast.stmt) -> set[str]:
    """Names that one statement of the module binds, itself or in blocks below it."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    names = set()
    for part in ast.walk(node):
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(part.name)
        elif isinstance(part, (ast.Import, ast.ImportFrom)):
            names.update((alias.asname or alias.name.split(".")[0]) for alias in part.names)
        elif isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            names.add(part.id)
    return names


class Spelling:
    """How a file calls what the module `bauplan` or `corrie` offers."""

    def __init__(self, tree: ast.Module) -> None:
        self.modules: set[str] = set()  # names that are the module
        self.members: dict[str, str] = {}  # name -> member it stands for
        for node in top_statements(tree.body):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    root, _, rest = alias.name.partition(".")
                    if root in MODULES and not (rest and alias.asname):
                        self.modules.add(alias.asname or root)
            elif isinstance(node, ast.ImportFrom) and node.module in MODULES and node.level == 0:
                for alias in node.names:
                    if alias.name == "*":
                        self.members.update((name, name) for name in DECORATORS + MARKERS)
                    else:
                        self.members[alias.asname or alias.name] = alias.name
            elif isinstance(node, ast.Assign) and isinstance(node.value, (ast.Name, ast.Attribute)):
                self.rename(node.targets, node.value)

    def rename(self, targets: list[ast.expr], value: ast.expr) -> None:
        """`M = corrie.Model`, `c = corrie`."""
        member = self.member(value)
        for target in targets:
            if not isinstance(target, ast.Name):
                continue
            if member is not None:
                self.members[target.id] = member
            elif isinstance(value, ast.Name) and value.id in self.modules:
                self.modules.add(target.id)

    def member(self, node: ast.expr) -> str | None:
        """The member that an expression names ("model", "Model", …), or None."""
        if isinstance(node, ast.Name):
            return self.members.get(node.id)
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            return None
        return node.attr if node.value.id in self.modules else None

    def missing_import(self, node: ast.expr) -> str | None:
        """The module that an expression would name if the file imported it, or None."""
        if isinstance(node, ast.Call):
            node = node.func
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = node.value.id
            if name in MODULES and name not in self.modules and name not in self.members:
                return name
        return None


class Annotations(ast.NodeTransformer):
    """Annotations with the names of modules in full: `pl.DataFrame` is `polars.DataFrame`."""

    def __init__(self, tree: ast.Module) -> None:
        self.names: dict[str, str] = {}  # as bound -> in full
        for node in top_statements(tree.body):
            if isinstance(node, ast.Import):
                self.names.update((alias.asname, alias.name) for alias in node.names if alias.asname)
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                for alias in node.names:
                    self.names[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def dotted(self, node: ast.Attribute) -> str:
        """`sys.path` of `s.path` after `import sys as s`; empty for what is no attribute of a name."""
        if not isinstance(node.value, ast.Name):
            return ""
        return f"{self.names.get(node.value.id, node.value.id)}.{node.attr}"

    def visit_Name(self, node: ast.Name) -> ast.expr:
        full = self.names.get(node.id)
        return ast.parse(full, mode="eval").body if full and "*" not in full else node

    def text(self, node: ast.expr | None) -> str:
        """Empty where there is nothing, or nothing that can be told."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value.strip(), mode="eval").body
            except (SyntaxError, ValueError):
                return ""
        if node is None:
            return ""
        text = ast.unparse(self.visit(copy.deepcopy(node)))
        return text if len(text) <= MAX_ANNOTATION else ""


class Constants:
    """The module's constants, and folding of expressions over them."""

    def __init__(self, tree: ast.Module) -> None:
        self.values: dict[str, ast.expr | ast.stmt] = {}  # name -> expression
        self.lines: dict[str, list[int]] = {}  # name -> lines that bind it
        for node in top_statements(tree.body):
            if isinstance(node, ast.Assign) and all(isinstance(t, ast.Name) for t in node.targets):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self.bind(target.id, node.lineno, node.value)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                if node.value is not None:
                    self.bind(node.target.id, node.lineno, node.value)
            elif isinstance(node, (ast.If, ast.Try, ast.With, ast.While)):
                pass  # what stands in them comes by itself
            else:
                for name in bound_names(node):
                    self.bind(name, node.lineno, node)

    def bind(self, name: str, line: int, value: ast.expr | ast.stmt) -> None:
        self.values[name] = value
        self.lines.setdefault(name, []).append(line)

    def name(self, node: ast.Name) -> ast.expr:
        lines = self.lines.get(node.id)
        if lines is None:
            raise NotConstant(node, f"{node.id} is not a constant of this file")
        if len(lines) > 1:
            where = " and ".join(str(line) for line in lines[:2])
            raise NotConstant(node, f"{node.id} is assigned more than once (lines {where})")
        value = self.values[node.id]
        if isinstance(value, (ast.Import, ast.ImportFrom)):
            raise NotConstant(node, f"{node.id} is imported; only constants of the same file are known")
        if isinstance(value, ast.stmt):
            raise NotConstant(node, f"{node.id} is not a constant (line {lines[0]})")
        return value

    def fold(self, node: ast.expr, seen: tuple[str, ...] = ()) -> Any:
        if isinstance(node, ast.Constant):
            return self.literal(node)
        if isinstance(node, ast.Name):
            if node.id in seen:
                raise NotConstant(node, f"{node.id} is defined by itself")
            try:
                return self.fold(self.name(node), (*seen, node.id))
            except NotConstant as error:
                raise NotConstant(node, error.reason) from None
        if isinstance(node, (ast.List, ast.Tuple)):
            return self.items(node, seen)
        if isinstance(node, ast.Dict):
            return self.dictionary(node, seen)
        if isinstance(node, ast.JoinedStr):
            return self.checked(node, "".join(self.piece(part, seen) for part in node.values))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.fold(node.left, seen), self.fold(node.right, seen)
            if type(left) is type(right) and isinstance(left, (str, list)):
                return self.checked(node, left + right)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            value = self.fold(node.operand, seen)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return -value if isinstance(node.op, ast.USub) else value
        raise NotConstant(node, f"{source_of(node)} is not a constant")

    def literal(self, node: ast.Constant) -> Any:
        value = node.value
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            if abs(value) >= 1 << 63:
                raise NotConstant(node, "the number is too large")
            return value
        if isinstance(value, float):
            if value != value or value in (float("inf"), float("-inf")):
                raise NotConstant(node, "the number is too large")
            return value
        if isinstance(value, str):
            return self.checked(node, value)
        raise NotConstant(node, f"{source_of(node)} is not a text, number, True, False or None")

    def checked(self, node: ast.expr, value: Any) -> Any:
        if len(value) > (MAX_TEXT if isinstance(value, str) else MAX_ITEMS):
            raise NotConstant(node, "the constant is too long")
        if isinstance(value, str):
            if "\0" in value:
                raise NotConstant(node, "the text contains a NUL character")
            try:
                value.encode()
            except UnicodeEncodeError:
                raise NotConstant(node, "the text is not valid Unicode") from None
        return value

    def items(self, node: ast.List | ast.Tuple, seen: tuple[str, ...]) -> list[Item]:
        result = []
        for element in node.elts:
            if isinstance(element, ast.Starred):
                inner = self.fold(element.value, seen)
                if not isinstance(inner, list):
                    raise NotConstant(element, f"{source_of(element.value)} is not a list")
                result.extend(inner)
            else:
                result.append(Item(self.fold(element, seen), element))
            self.checked(node, result)
        return result

    def dictionary(self, node: ast.Dict, seen: tuple[str, ...]) -> Pairs:
        result = Pairs()
        for key, value in zip(node.keys, node.values):
            if key is None:
                inner = self.fold(value, seen)
                if not isinstance(inner, Pairs):
                    raise NotConstant(value, f"{source_of(value)} is not a dictionary")
                result.pairs.extend(inner.pairs)
            else:
                pair = Item(self.fold(key, seen), key), Item(self.fold(value, seen), value)
                result.pairs.append(pair)
            self.checked(node, result.pairs)
        return result

    def piece(self, node: ast.expr, seen: tuple[str, ...]) -> str:
        if isinstance(node, ast.Constant):
            return str(node.value)
        if not isinstance(node, ast.FormattedValue):
            raise NotConstant(node, f"{source_of(node)} is not a constant")
        value = self.fold(node.value, seen)
        if isinstance(value, (list, Pairs)):
            raise NotConstant(node.value, f"{source_of(node.value)} is not a text or number")
        spec = self.fold(node.format_spec, seen) if node.format_spec is not None else ""
        if any(len(run) > 3 for run in "".join(c if c.isdigit() else " " for c in spec).split()):
            raise NotConstant(node.value, "the format is too wide")
        if node.conversion == ord("r"):
            value = repr(value)
        elif node.conversion == ord("a"):
            value = ascii(value)
        elif node.conversion == ord("s"):
            value = str(value)
        try:
            return format(value, spec)
        except (ValueError, TypeError) as error:
            raise NotConstant(node.value, str(error)) from None


class Item:
    """A value and the expression it came from."""

    def __init__(self, value: Any, node: ast.expr) -> None:
        self.value = value
        self.node = node


class Pairs:
    def __init__(self) -> None:
        self.pairs: list[tuple[Item, Item]] = []


def describe(value: Any, node: ast.expr) -> Document:
    result: Document = {"at": at(node)}
    if value is None:
        result["kind"] = "none"
    elif isinstance(value, bool):
        result.update(kind="bool", value=value)
    elif isinstance(value, int):
        result.update(kind="int", value=value)
    elif isinstance(value, float):
        result.update(kind="float", value=value)
    elif isinstance(value, str):
        result.update(kind="str", value=value)
    elif isinstance(value, Pairs):
        pairs = [[describe(k.value, k.node), describe(v.value, v.node)] for k, v in value.pairs]
        result.update(kind="dict", value=pairs)
    else:
        result.update(kind="list", value=[describe(item.value, item.node) for item in value])
    return result


class File:
    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.spelling = Spelling(tree)
        self.constants = Constants(tree)
        self.annotations = Annotations(tree)
        self.problems: list[Document] = []
        self.index()

    def problem(self, node: ast.stmt | ast.expr, message: str, hint: str = "") -> None:
        self.problems.append({"message": message, "hint": hint, "at": at(node)})

    def value(self, node: ast.expr) -> Document:
        try:
            return describe(self.constants.fold(node), node)
        except NotConstant as error:
            return {"kind": "unknown", "reason": error.reason, "at": at(error.node)}

    def call(self, node: ast.expr, name: str) -> Document:
        """`name(…)`, or the bare name, as a document."""
        if not isinstance(node, ast.Call):
            self.problem(node, f"{source_of(node)} is used without parentheses",
                         f"write @{source_of(node)}()")
            return {"name": name, "at": at(node), "args": [], "keywords": []}
        result: Document = {"name": name, "at": at(node.func), "args": [], "keywords": []}
        for arg in node.args:
            if isinstance(arg, ast.Starred):
                self.problem(arg, f"{source_of(arg)} cannot be read without running it")
            else:
                result["args"].append(self.value(arg))
        for keyword in node.keywords:
            if keyword.arg is None:
                text = source_of(keyword.value)
                self.problem(keyword.value, f"**{text} cannot be read without running it")
                continue
            place = [keyword.lineno, keyword.col_offset + 1, len(keyword.arg.encode())]
            value = self.value(keyword.value)
            result["keywords"].append({"name": keyword.arg, "at": place, "value": value})
        return result

    def decorators(self, node: Function | ast.ClassDef) -> list[Document]:
        """Documents of the decorators of ours."""
        result = []
        for decorator in node.decorator_list:
            target = decorator.func if isinstance(decorator, ast.Call) else decorator
            member = self.spelling.member(target)
            if member is not None:
                result.append(self.call(decorator, member))
                continue
            module = self.spelling.missing_import(decorator)
            if module:
                self.problem(decorator, f"{source_of(target)} is used, but {module} is never imported",
                             f"add `import {module}` at the top of the file")
        return result

    def arguments(self, node: Function) -> list[Document]:
        args = node.args
        positional = args.posonlyargs + args.args
        defaults = [None] * (len(positional) - len(args.defaults)) + args.defaults
        kinds = ["positional"] * len(args.posonlyargs) + ["normal"] * len(args.args)
        rows = list(zip(positional, defaults, kinds))
        rows += [(a, d, "normal") for a, d in zip(args.kwonlyargs, args.kw_defaults)]
        if args.vararg:
            rows.append((args.vararg, None, "rest"))
        if args.kwarg:
            rows.append((args.kwarg, None, "rest"))
        return [self.argument(arg, default, kind) for arg, default, kind in rows]

    def argument(self, arg: ast.arg, default: ast.expr | None, kind: str) -> Document:
        place = [arg.lineno, arg.col_offset + 1, len(arg.arg.encode())]
        annotation = self.annotations.text(arg.annotation)
        result: Document = {"name": arg.arg, "kind": kind, "at": place, "annotation": annotation}
        if arg.annotation is not None:
            for part in ast.walk(arg.annotation):
                if isinstance(part, ast.Call) and self.spelling.member(part.func) in MARKERS:
                    self.problem(part, f"{source_of(part.func)}(…) in an annotation is not supported",
                                 f"write it as the default: {arg.arg}={source_of(part)}")
        default = self.constant_input(default)
        if default is None:
            result["default"] = None
        elif isinstance(default, ast.Call) and (member := self.spelling.member(default.func)):
            result["default"] = self.call(default, member)
        else:
            module = self.spelling.missing_import(default)
            if module:
                self.problem(default, f"{source_of(default)} is used, but {module} is never imported",
                             f"add `import {module}` at the top of the file")
            elif isinstance(default, ast.Call) and not self.is_builtin(default.func):
                self.problem(default, f"what {source_of(default)} gives cannot be known without running it",
                             "inputs are Model('table') or Parameter('name'); other values belong into the function")
            result["default"] = {"name": "", "at": at(default), "args": [], "keywords": []}
        return result

    def constant_input(self, default: ast.expr | None) -> ast.expr | None:
        """`RAW = corrie.Model('raw')` of the same file, then `raw=RAW`."""
        if not isinstance(default, ast.Name):
            return default
        value = self.constants.values.get(default.id)
        if isinstance(value, ast.Call) and self.spelling.member(value.func) in MARKERS:
            try:
                return self.constants.name(default)
            except NotConstant as error:
                self.problem(default, error.reason)
        return default

    def bare(self, node: Function) -> Function:
        """A function without what declares it: its inputs are not its code."""
        nothing = ast.Constant(value=Ellipsis)

        def ours(part: ast.expr | None, names: tuple[str, ...]) -> bool:
            return isinstance(part, ast.Call) and self.spelling.member(part.func) in names

        args = copy.copy(node.args)
        args.defaults = [nothing if ours(d, MARKERS) else d for d in args.defaults]
        args.kw_defaults = [nothing if ours(d, MARKERS) else d for d in args.kw_defaults]
        result = copy.copy(node)
        result.args = args
        result.decorator_list = [d for d in node.decorator_list if not ours(d, DECORATORS)]
        return result

    def index(self) -> None:
        """What `reached` asks of every function: who binds a name, and what runs on import anyway."""
        self.binders: dict[str, list[int]] = {}
        self.used = {
            node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        for position, node in enumerate(self.tree.body):
            for name in bound_names(node):
                self.binders.setdefault(name, []).append(position)
        self.always = [position for position, node in enumerate(self.tree.body) if self.acts(node)]

    def acts(self, node: ast.stmt) -> bool:
        """Whether a statement of the module, or of a class in it, may do more than bind names when it runs."""
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return self.definition_acts(self.bare(node))
        if isinstance(node, ast.ClassDef):
            passive = all(self.is_builtin(part) for part in node.bases + node.decorator_list)
            return not passive or bool(node.keywords) or any(self.acts(part) for part in node.body)
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            return not bound_names(node) <= self.used  # then it is there for what it does
        if isinstance(node, ast.Assign):
            return calls(node.value) or not all(isinstance(target, ast.Name) for target in node.targets)
        if isinstance(node, ast.AnnAssign):
            return calls(node.value) or not isinstance(node.target, ast.Name)
        return not (isinstance(node, ast.Pass) or is_docstring(node))

    def definition_acts(self, node: Function) -> bool:
        """Whether a function that is not declared by us, or is bare of that, acts by being defined."""
        passive = all(self.is_builtin(decorator) for decorator in node.decorator_list)
        return not passive or any(calls(default) for default in node.args.defaults + node.args.kw_defaults)

    def is_builtin(self, node: ast.expr) -> bool:
        """Whether an expression names a thing of Python's own: `Exception`, `property`."""
        return isinstance(node, ast.Name) and node.id not in self.binders and hasattr(builtins, node.id)

    def statement(self, position: int) -> ast.stmt:
        """A statement of the module, as it is hashed."""
        node = self.tree.body[position]
        return self.bare(node) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else node

    def is_dynamic(self, node: ast.AST) -> bool:
        """Whether a node, without those below it, may import or run something that cannot be seen."""
        if isinstance(node, ast.Name):
            return node.id in DYNAMIC_NAMES
        if isinstance(node, ast.Attribute):
            return node.attr in DYNAMIC_ATTRIBUTES or self.annotations.dotted(node) in DYNAMIC_SYS
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            return any(
                name in DYNAMIC_SYS or name.split(".")[0] in DYNAMIC_MODULES for name in imported(node)
            )
        return False

    def reached(self, function: Function) -> Document:
        """Text of the function and of what it reaches in its module, in order of the file; the modules
        that this text imports; whether it may import or run something that cannot be seen."""
        body = self.tree.body
        position = next(i for i in self.binders[function.name] if body[i] is function)
        taken = {i: self.statement(i) for i in (position, *self.always)}
        queue = list(taken.values())
        names: set[str] = set()
        dynamic = False
        while queue:
            nodes = list(ast.walk(queue.pop()))
            dynamic = dynamic or any(self.is_dynamic(node) for node in nodes)
            fresh = {node.id for node in nodes if isinstance(node, ast.Name)} - names
            names |= fresh
            for i in sorted(i for name in fresh for i in self.binders.get(name, ())):
                if i not in taken:
                    taken[i] = self.statement(i)
                    queue.append(taken[i])
        parts = [taken[i] for i in sorted(taken)]
        imports: set[str] = set()
        for part in parts:
            imports |= imported(part)
        return {
            "code": "\n".join(ast.unparse(part) for part in parts),
            "imports": sorted(imports),
            "dynamic": dynamic,
        }

    def functions(self) -> list[Document]:
        result = []
        top = {id(node) for node in self.tree.body}
        for node in ast.walk(self.tree):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                continue
            decorators = self.decorators(node)
            if not decorators:
                continue
            if isinstance(node, ast.ClassDef):
                self.problem(node, f"class {node.name} cannot be a model: only functions can")
            elif isinstance(node, ast.AsyncFunctionDef):
                self.problem(node, f"{node.name} cannot be `async`")
            elif id(node) not in top:
                self.problem(node, f"{node.name} is declared inside another block",
                             "models and expectations stand at the top level of their file")
            else:
                self.check_bound_once(node)
                result.append(self.function(node, decorators))
        return sorted(result, key=lambda function: function["at"][0])

    def check_bound_once(self, node: ast.FunctionDef) -> None:
        """Python keeps only what a name was bound to last."""
        others = [self.tree.body[i] for i in self.binders[node.name] if self.tree.body[i] is not node]
        before = [other.lineno for other in others if other.lineno < node.lineno]
        after = [other for other in others if other.lineno > node.lineno]
        if before and not after:
            self.problem(node, f"duplicate definition of '{node.name}'",
                         f"the other one is at line {before[0]}; Python keeps only the last")
        elif after and not isinstance(after[-1], ast.FunctionDef):
            self.problem(after[-1], f"{node.name} is bound again: the one at line {node.lineno} is lost")

    def function(self, node: ast.FunctionDef, decorators: list[Document]) -> Document:
        place = [node.lineno, node.col_offset + len("def ") + 1, len(node.name.encode())]
        return dict({
            "function": node.name,
            "at": place,
            "decorators": decorators,
            "arguments": self.arguments(node),
        }, **self.reached(node))


def calls(node: ast.AST | None) -> bool:
    """Whether evaluating an expression calls something: the inside of a lambda is not evaluated."""
    if node is None:
        return False
    if isinstance(node, ast.Lambda):
        return calls(node.args)
    return isinstance(node, ast.Call) or any(calls(part) for part in ast.iter_child_nodes(node))


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def imported(tree: ast.AST) -> set[str]:
    """Names of modules that a piece of code may import; relative ones with the dots in front."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if node.module:
                names.add(module)
            names.update(module + ("." if node.module else "") + alias.name for alias in node.names)
    return names


def byte_column(line: str, offset: int | None) -> int:
    """A column of a SyntaxError (characters from 1) in bytes from 1."""
    return len((line or "")[: max((offset or 1) - 1, 0)].encode("utf-8", "replace")) + 1


def syntax_problem(error: SyntaxError, text: str) -> Document:
    line = error.lineno or 1
    lines = text.splitlines()
    source = lines[line - 1] if 0 < line <= len(lines) else ""
    column = byte_column(source, error.offset)
    width = 1
    if getattr(error, "end_lineno", None) == line:  # from Python 3.10 on
        width = max(byte_column(source, error.end_offset) - column, 1)
    return syntax(error.msg or "invalid syntax", (line, column, width))


def syntax(message: str, place: tuple[int, int, int] = (1, 1, 1)) -> Document:
    return {"message": message, "hint": "", "at": list(place), "syntax": True}


def read(text: str) -> Document:
    text = text[1:] if text.startswith("\ufeff") else text
    try:
        tree = ast.parse(text)
        compile(tree, "", "exec", dont_inherit=True)
        file = File(tree)
        functions = file.functions()
        problems = sorted(file.problems, key=lambda problem: problem["at"])
        return {
            "functions": functions,
            "imports": sorted(imported(tree)),
            "dynamic": any(file.is_dynamic(node) for node in ast.walk(tree)),
            "problems": problems,
        }
    except SyntaxError as error:
        problem = syntax_problem(error, text)
    except ValueError as error:
        problem = syntax(str(error))
    except (RecursionError, MemoryError):
        problem = syntax("nested too deeply to be read")
    return {"functions": [], "imports": [], "dynamic": False, "problems": [problem]}


def request_bytes() -> bytes:
    with open(3, "rb") as request:
        return request.read()


def main() -> None:
    version = ".".join(str(part) for part in sys.version_info[:3])
    files = []
    if sys.version_info >= (3, 9):  # noqa: UP036 (nobody knows yet which python3 this is)
        warnings.simplefilter("ignore")
        request = json.loads(request_bytes().decode("utf-8"))
        files = [read(file["text"]) for file in request["files"]]
    json.dump({"python": version, "files": files}, sys.stdout)


main()
