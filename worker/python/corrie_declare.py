"""What a project's files say with ``import corrie`` (or ``import bauplan``): declarations, nothing else.

A declaration changes nothing about a function: planning reads the file as text, and inside a run the decorators only
leave a note on the function. So a decorated function can still be called and tested like any other:

>>> import corrie
>>> @corrie.model(columns=["id"])
... @corrie.python("3.11", pip={"polars": "1.15.0"})
... def orders(raw=corrie.Model("raw_orders", filter="price > 0")):
...     return raw
>>> orders("any value")
'any value'
>>> orders.__corrie__["python"]
{'version': '3.11', 'pip': {'polars': '1.15.0'}}
>>> orders.__defaults__[0]
Model('raw_orders', filter='price > 0')

Standard library only, Python 3.9 and newer: the harness in a function's process and the SDK share this file.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what typing says; importing it costs each function 3 ms
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Callable, TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])

__all__ = ["Model", "Parameter", "expectation", "extras", "model", "python", "resources"]

_STRATEGIES = ("NONE", "REPLACE", "APPEND", "OVERWRITE_PARTITIONS", "MERGE")
_CACHE_STRATEGIES = ("NONE", "DEFAULT")


def _note(function: Function, key: str, value: Any) -> Function:
    notes: dict[str, Any] = getattr(function, "__corrie__", None) or {}
    if key in notes:
        raise TypeError(f"{function.__name__}: @{key} is given twice")
    notes[key] = value
    function.__corrie__ = notes  # type: ignore[attr-defined]
    return function


def _decorator(key: str, value: Any) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        if not callable(function):
            raise TypeError(f"@{key} goes before a function, not before {type(function).__name__}")
        return _note(function, key, value)

    return decorate


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _bare(key: str, first: Any) -> None:
    # @corrie.model without parentheses would pass the function itself as the name.
    if callable(first):
        raise TypeError(f"write @corrie.{key}() with parentheses")


def model(
    name: str | None = None,
    columns: Sequence[str] | None = None,
    partitioned_by: str | Sequence[str] | None = None,
    materialization_strategy: str | None = None,
    cache_strategy: str | None = None,
    internet_access: bool | None = None,
    overwrite_filter: str | None = None,
    keys: str | Sequence[str] | None = None,
    outputs: dict[str, dict[str, Any] | None] | None = None,
) -> Callable[[Function], Function]:
    """Makes the function a model: a table named after it (or ``name``), computed from its inputs.

    ``columns`` are those that it returns (``['*']``: any). ``materialization_strategy`` is ``'NONE'`` (the table lives
    as long as the run), ``'REPLACE'``, ``'APPEND'``, ``'OVERWRITE_PARTITIONS'`` or ``'MERGE'``: rows with the same
    ``keys`` are replaced, others added. ``cache_strategy`` is ``'DEFAULT'``
    or ``'NONE'``. ``internet_access`` opens the network for this function.

    ``outputs`` makes several tables of one call, which then returns a dictionary of tables:

    >>> @model(outputs={"good": {"columns": ["id"]}, "bad": {"materialization_strategy": "APPEND"}})
    ... def split(raw=Model("raw_orders")): ...
    """
    _bare("model", name)
    own = [(output or {}).get("materialization_strategy") for output in (outputs or {}).values()]
    for strategy in [materialization_strategy, *own]:
        if strategy is not None and strategy not in _STRATEGIES:
            raise ValueError(f"materialization_strategy is one of {', '.join(_STRATEGIES)}, not {strategy!r}")
    if cache_strategy is not None and cache_strategy not in _CACHE_STRATEGIES:
        raise ValueError(f"cache_strategy is one of {', '.join(_CACHE_STRATEGIES)}, not {cache_strategy!r}")
    return _decorator(
        "model",
        _given(
            name=name,
            columns=columns,
            partitioned_by=partitioned_by,
            materialization_strategy=materialization_strategy,
            cache_strategy=cache_strategy,
            internet_access=internet_access,
            overwrite_filter=overwrite_filter,
            keys=keys,
            outputs=outputs,
        ),
    )


def expectation(name: str | None = None, on: str | None = None) -> Callable[[Function], Function]:
    """Makes the function a check of its inputs: it returns ``True`` or ``False``.

    ``on`` attaches it to a table, which the argument without a default gets:

    >>> @expectation(on="orders")
    ... def has_rows(table): return table.num_rows > 0
    """
    _bare("expectation", name)
    return _decorator("expectation", _given(name=name, on=on))


def python(version: str | None = None, pip: dict[str, str] | None = None) -> Callable[[Function], Function]:
    """The Python version and the packages (name -> version) that the function runs with.

    >>> @python("3.11", pip={"polars": "1.15.0"})
    ... def f(): ...
    """
    _bare("python", version)
    return _decorator("python", _given(version=version, pip=pip))


def resources(
    cpus: float | None = None,
    memory: int | str | None = None,
    memory_swap: int | str | None = None,
    timeout: float | None = None,
) -> Callable[[Function], Function]:
    """What the function needs: CPUs, memory (``'1G'``, or a number of MB), and seconds after which it is stopped."""
    _bare("resources", cpus)
    return _decorator("resources", _given(cpus=cpus, memory=memory, memory_swap=memory_swap, timeout=timeout))


def extras(*names: str) -> Callable[[Function], Function]:
    """Named sets of packages that the function also wants."""
    if names:
        _bare("extras", names[0])
    return _decorator("extras", tuple(names))


class _Declared:
    """Equal by content, printed as written."""

    _fields: tuple[str, ...] = ()

    def _content(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field) for field in self._fields)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash((type(self).__name__, repr(self)))

    def __repr__(self) -> str:
        parts = [repr(getattr(self, self._fields[0]))]
        for field in self._fields[1:]:
            value = getattr(self, field)
            if value is not None:
                parts.append(f"{field}={value!r}")
        return f"{type(self).__name__}({', '.join(parts)})"


class Model(_Declared):
    """An input: the model or table of that name, these columns of it (all, if none are named), the rows for which
    ``filter`` holds, at ``ref`` (a branch, tag or commit; the run's own if none is named).

    >>> Model("orders", columns=["id", "price"], filter="price > 0")
    Model('orders', columns=['id', 'price'], filter='price > 0')
    """

    _fields = ("name", "columns", "filter", "ref", "connector", "connector_config_key", "connector_config_uri")

    def __init__(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        filter: str | None = None,
        ref: str | None = None,
        connector: str | None = None,
        connector_config_key: str | None = None,
        connector_config_uri: str | None = None,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise TypeError(f"Model: the name is a text, not {name!r}")
        self.name = name
        self.columns = columns
        self.filter = filter
        self.ref = ref
        self.connector = connector
        self.connector_config_key = connector_config_key
        self.connector_config_uri = connector_config_uri


class Parameter(_Declared):
    """An input: the value of that parameter of the project, as the project file or ``--param`` gives it.

    >>> Parameter("country")
    Parameter('country')
    """

    _fields = ("name",)

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise TypeError(f"Parameter: the name is a text, not {name!r}")
        self.name = name
