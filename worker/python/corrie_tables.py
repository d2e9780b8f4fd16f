"""What a function gets and may return: tables as the libraries have them, from and to Arrow."""

from __future__ import annotations

import datetime
import itertools
import re
import types

import pyarrow as pa

TYPE_CHECKING = False  # what typing says; importing it costs 3 ms
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Union

MAX_COLUMNS = 10_000
MAX_NAME = 1024


class InputProblem(Exception):
    """An input cannot be given in the form that the function wants; the message is for its author."""


class ReturnProblem(Exception):
    """What the function returned cannot become a table; the message is for its author."""


class Stream:
    """A table that comes batch by batch; all batches have the schema."""

    def __init__(self, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        self.schema = schema
        self.batches = batches


if TYPE_CHECKING:
    Output = Union[pa.Table, Stream]


def type_name(value: Any) -> str:
    kind = type(value)
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module.partition('.')[0].lstrip('_')}.{kind.__qualname__}"


# ---- in ---------------------------------------------------------------------------------------------------------


def _as_reader(table: pa.Table) -> Any:
    return table.to_reader()


def _as_polars(table: pa.Table) -> Any:
    import polars

    return polars.from_arrow(table, rechunk=False)


def _as_polars_lazy(table: pa.Table) -> Any:
    return _as_polars(table).lazy()


def _as_pandas(table: pa.Table) -> Any:
    import pandas  # noqa: F401 (pyarrow's own error does not say that a package is missing)

    return table.to_pandas()


def _as_duckdb(table: pa.Table) -> Any:
    import duckdb

    return duckdb.from_arrow(table)


# form in the specification -> what it is called, the package it needs, how to make it
_FORMS: dict[str, tuple[str, str, Any]] = {
    "reader": ("pyarrow.RecordBatchReader", "pyarrow", _as_reader),
    "polars": ("polars.DataFrame", "polars", _as_polars),
    "polars-lazy": ("polars.LazyFrame", "polars", _as_polars_lazy),
    "pandas": ("pandas.DataFrame", "pandas", _as_pandas),
    "duckdb": ("duckdb.DuckDBPyRelation", "duckdb", _as_duckdb),
}


def plain_extensions(table: pa.Table) -> pa.Table:
    """The table with the storage of extension types, which other libraries do not know."""
    for i, field in enumerate(table.schema):
        if isinstance(field.type, pa.BaseExtensionType):
            storage = [chunk.storage for chunk in table.column(i).chunks]
            column = pa.chunked_array(storage, type=field.type.storage_type)
            table = table.set_column(i, field.name, column)
    return table


def as_form(table: pa.Table, form: str, argument: str) -> Any:
    """The input as the function's annotation asks for it."""
    if form == "table":
        return table
    title, package, make = _FORMS[form]
    try:
        return make(table if form == "reader" else plain_extensions(table))
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise InputProblem(
            f"wants its input {argument} as {title}, but {package} is not among its packages: "
            f"add it with @corrie.python(pip={{{package!r}: 'VERSION'}})"
        ) from None
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # polars panics by one that is no Exception
        raise InputProblem(f"wants its input {argument} as {title}, which it cannot become: {error}") from None


# ---- out --------------------------------------------------------------------------------------------------------


def split(value: Any, outputs: list[str]) -> list[Any]:
    """The tables that a model returned, in the order of its outputs; of a model without such, what it returned."""
    if not outputs:
        return [value]
    wanted = "{" + ", ".join(f"{name!r}: …" for name in outputs) + "}"
    if not isinstance(value, dict):
        raise ReturnProblem(f"returned {type_name(value)}: a model of several tables returns a dict of them, {wanted}")
    missing = [name for name in outputs if name not in value]
    if missing:
        raise ReturnProblem(f"returned a dict without {', '.join(map(repr, missing))}: it declares {wanted}")
    more = [name for name in value if name not in outputs]
    if more:
        raise ReturnProblem(f"returned a dict with {', '.join(map(repr, more))}, which it does not declare: {wanted}")
    return [value[name] for name in outputs]


def as_output(value: Any) -> Output:
    """Whatever a model may return, as a table or, where it comes in pieces, as a stream."""
    if isinstance(value, pa.Table):
        return value
    if value is None:
        raise ReturnProblem("returned None: a model returns a table (is a `return` missing?)")
    if isinstance(value, pa.RecordBatch):
        return pa.Table.from_batches([value])
    if isinstance(value, pa.RecordBatchReader):
        return Stream(value.schema, value)
    if isinstance(value, types.GeneratorType):
        return _from_parts(value)
    if isinstance(value, list):
        return _from_list(value)
    module = type(value).__module__.partition(".")[0]
    if module == "polars" and hasattr(value, "collect_schema") and hasattr(value, "get_columns"):
        return _from_polars(value)
    if module == "polars" and hasattr(value, "collect"):
        return _from_polars(value.collect())
    if module == "pandas" and hasattr(value, "columns"):
        return _from_pandas(value)
    if module in ("duckdb", "_duckdb"):
        found = _from_duckdb(value)
        if found is not None:
            return found
    if hasattr(value, "__arrow_c_stream__"):
        return _from_capsule(value)
    if isinstance(value, tuple):
        raise ReturnProblem(f"returned {len(value)} values (a tuple): a model returns one table")
    raise _no_table(value)


def _no_table(value: Any) -> ReturnProblem:
    return ReturnProblem(
        f"returned {type_name(value)}: a model returns a pyarrow.Table, a polars or pandas DataFrame, "
        "a DuckDB result, a list of dicts or a generator of these"
    )


def _from_polars(frame: Any) -> pa.Table:
    for name, kind in zip(frame.columns, frame.dtypes):
        if _has_objects(kind):
            raise ReturnProblem(
                f"returned a polars frame whose column {name!r} is {kind}, Python objects that only polars knows: "
                "make it of another type, for example with map_elements(str, return_dtype=polars.String)"
            )
    return frame.to_arrow()


def _has_objects(kind: Any) -> bool:
    inner = [getattr(kind, "inner", None), *(field.dtype for field in getattr(kind, "fields", ()))]
    return str(kind) == "Object" or any(_has_objects(other) for other in inner if other is not None)


def _is_same(frame: Any, name: Any) -> bool:
    """Whether the level of the index says what the column of that name says."""
    return not frame.columns.is_unique or bool(frame.index.get_level_values(name).equals(frame.set_index(name).index))


def _flat(frame: Any) -> Any:
    """The frame with one level of columns, called as pyarrow calls them: ('v', 'mean') is a text."""
    names = [str(name) for name in frame.columns]
    if frame.columns.is_unique:
        names = pa.Table.from_pandas(frame.iloc[:0], preserve_index=False).column_names
    frame = frame.copy(deep=False)
    frame.columns = names
    twice = frame.columns[frame.columns.duplicated()].unique().tolist()
    if twice:
        raise ReturnProblem(
            f"returned a frame with several columns that are called {', '.join(twice)}: give each a name of its own, "
            "for example with frame.columns = […]"
        )
    frame.index = frame.index.set_names([str(name) if isinstance(name, tuple) else name for name in frame.index.names])
    return frame


def _from_pandas(frame: Any) -> pa.Table:
    if frame.columns.nlevels > 1:
        frame = _flat(frame)
    # Levels of the index that have a name hold data (`groupby` puts its keys there); a mere numbering does not.
    levels = []
    for name in frame.index.names:
        if name is not None and name not in frame.columns:
            levels.append(name)
        elif name is not None and not _is_same(frame, name):
            raise ReturnProblem(
                f"returned a frame with an index and a column that are both called {name!r} and differ: rename the "
                "index, or drop it with reset_index(drop=True)"
            )
    if levels:
        frame = frame.reset_index(level=levels)
    for name, kind in zip(frame.columns, frame.dtypes):
        if str(kind) == "object" and frame.columns.is_unique:
            _check_together(str(name), frame[name].tolist(), "returned a frame")
    return pa.Table.from_pandas(frame, preserve_index=False)


def _from_duckdb(value: Any) -> Output | None:
    """A relation, or a connection that has run a statement; as a stream, so that nothing is held twice."""
    columns = _duckdb_columns(value)
    for name, kind in columns or []:
        plain = re.sub(r"'[^']*'|\"[^\"]*\"", "", kind)  # without names and the values of enums
        found = re.search(r"\b(BIT|UHUGEINT|TIME WITH TIME ZONE)\b", plain)
        if found:
            raise ReturnProblem(
                f"returned a DuckDB result whose column {name!r} is {kind}: Arrow has nothing for {found.group()}, and "
                "other values would come of it: cast it in the query, for example to VARCHAR"
            )
    for name in ("to_arrow_reader", "fetch_record_batch", "fetch_arrow_reader"):
        fetch = getattr(value, name, None)
        if fetch is not None:
            reader = fetch(1 << 17)
            if columns is None:
                _check_unsure(reader.schema)
            return Stream(reader.schema, reader)
    return None


def _duckdb_columns(value: Any) -> list[tuple[str, str]] | None:
    """The types as DuckDB calls them; None where they are not to be had: connections before 1.4 say "BINARY" for BLOB
    and BIT, "Time" with and without an offset, and "list" for a list of anything."""
    if hasattr(value, "types") and hasattr(value, "columns"):
        return [(name, str(kind)) for name, kind in zip(value.columns, value.types)]
    columns = getattr(value, "description", None) or []
    if any(isinstance(column[1], str) for column in columns):
        return None
    return [(str(column[0]), str(column[1])) for column in columns]


def _check_unsure(schema: pa.Schema) -> None:
    for field in schema:
        found = _unsure(field.type)
        if found:
            raise ReturnProblem(
                f"returned a DuckDB connection whose column {field.name!r} is {field.type}, and this version of DuckDB "
                f"does not say whether it was {found}, of which other values would come: return duckdb.sql(…), or "
                "con.sql(…) of a connection that stays open, whose types are known, or take DuckDB 1.4 or later"
            )


def _unsure(kind: pa.DataType) -> str:
    """Which types of DuckDB, at any depth, may lie behind one that Arrow has."""
    if isinstance(kind, pa.BaseExtensionType):
        return _unsure(kind.storage_type) if kind.extension_name == "arrow.opaque" else ""
    if pa.types.is_time(kind):
        return "TIME or TIME WITH TIME ZONE"
    if pa.types.is_fixed_size_binary(kind):
        return "UUID or UHUGEINT"
    if str(kind) in ("binary", "large_binary", "binary_view"):
        return "BLOB or BIT"
    children = _children(kind) if _is_nested(kind) else []
    return next((found for found in map(_unsure, [child.type for child in children]) if found), "")


def _from_capsule(value: Any) -> Output:
    try:
        if hasattr(pa.RecordBatchReader, "from_stream"):
            reader = pa.RecordBatchReader.from_stream(value)
            return Stream(reader.schema, reader)
        return pa.table(value)
    except (TypeError, pa.ArrowException):  # a stream of arrays, as series are, and no table
        raise _no_table(value) from None


def _from_list(records: list[Any]) -> pa.Table:
    if not records:
        raise ReturnProblem(
            "returned an empty list, which has no columns: where there may be no rows, return a pyarrow.Table with a "
            "schema"
        )
    names: dict[str, None] = {}
    for i, record in enumerate(records):
        if not isinstance(record, dict):
            raise ReturnProblem(f"returned a list whose item {i} is {type_name(record)}, not a dict")
        names.update(dict.fromkeys(record))
    columns = {}
    for name in names:
        if not isinstance(name, str):
            raise ReturnProblem(f"returned dicts with a key that is {type_name(name)}, not a text: {name!r}")
        values = [record.get(name) for record in records]
        _check_together(name, values, "returned dicts")
        try:
            columns[name] = pa.array(values)
        except (pa.ArrowException, OverflowError) as error:
            raise ReturnProblem(f"returned dicts whose values of {name!r} do not go together: {error}") from None
    return pa.table(columns)


# What of values that pyarrow would make of one kind without a word, though they are of several.
_TEXT, _BYTES, _DATE, _DATETIME, _NESTED = "text", "bytes", "a date", "a datetime", "nested"
_NAIVE, _AWARE = "a datetime without a time zone", "a datetime with a time zone"
_FIXED = frozenset((_TEXT, _BYTES, _DATE))  # the type says it all
_TYPES: tuple[tuple[Any, str], ...] = (
    (datetime.datetime, _DATETIME),  # is a date as well
    (datetime.date, _DATE),
    (str, _TEXT),
    ((bytes, bytearray, memoryview), _BYTES),
    ((list, tuple, dict), _NESTED),
)


class _Sorts(dict[type, str]):
    """The sorts of the types that were met."""

    def __missing__(self, kind: type) -> str:
        found = next((sort for base, sort in _TYPES if issubclass(kind, base)), "")
        self[kind] = found
        return found


_SORTS = _Sorts()


class _Place:
    """A column, or a place in its lists and dicts, with the first item that has a sort of value there."""

    def __init__(self, name: str, what: str) -> None:
        self.name = name
        self.what = what
        self.first: tuple[int, str] | None = None
        self.parts: dict[Any, _Place] = {}
        self.elements: _Place | None = None

    def check_values(self, values: Iterable[Any], item: int | None = None) -> None:
        """The values are those of the item, or one each; what cannot differ is not looked at one by one."""
        sorts = {_SORTS[kind] for kind in set(map(type, values))}
        sorts.discard("")
        if len(sorts) == 1 and sorts <= _FIXED:
            if item is not None:
                self._check_sort(sorts.pop(), item)
        elif sorts:
            for i, value in enumerate(values):
                self._check_value(value, _SORTS[type(value)], i if item is None else item)

    def _check_value(self, value: Any, sort: str, item: int) -> None:
        if sort == _DATETIME:
            if value == value:  # pandas' NaT is one, and says nothing
                self._check_sort(_NAIVE if value.tzinfo is None else _AWARE, item)
        elif sort != _NESTED:
            if sort:
                self._check_sort(sort, item)
        elif isinstance(value, dict):
            for key, part in value.items():
                sort = _SORTS[type(part)]
                if sort:
                    if key not in self.parts:
                        self.parts[key] = _Place(f"{self.name}.{key}", self.what)
                    self.parts[key]._check_value(part, sort, item)
        else:
            if self.elements is None:
                self.elements = _Place(f"{self.name}[]", self.what)
            self.elements.check_values(value, item)

    def _check_sort(self, sort: str, item: int) -> None:
        if self.first is None:
            self.first = item, sort
        elif sort != self.first[1]:
            raise ReturnProblem(
                f"{self.what} whose values of {self.name!r} do not go together: item {self.first[0]} has "
                f"{self.first[1]}, item {item} {sort}"
            )


def _check_together(name: str, values: list[Any], what: str) -> None:
    _Place(name, what).check_values(values)


# ---- tables in pieces -------------------------------------------------------------------------------------------


def _tables(parts: Iterable[Any]) -> Iterator[pa.Table]:
    for number, part in enumerate(parts, 1):
        try:
            output = as_output(part)
            yield output if isinstance(output, pa.Table) else pa.Table.from_batches(output.batches, output.schema)
        except ReturnProblem as problem:
            told = str(problem).replace("returned", "yielded", 1)
            raise ReturnProblem(f"{told} (number {number} of its generator)") from None


def _from_parts(parts: Any) -> Stream:
    """The schema is that of the first, but a column of nulls, or what in a column is null or an empty list,
    has the type of the first that has values: so long the pieces wait."""
    tables = _tables(parts)
    first: list[pa.Table] = []
    schema: pa.Schema | None = None
    for table in tables:
        first.append(table)
        schema = table.schema if schema is None else _filled(schema, table)
        if not any(_has_null(field.type) for field in schema):
            break
    if schema is None:
        raise ReturnProblem("is a generator that yielded nothing: its columns are not known")
    return Stream(schema, _fitting(itertools.chain(_emptying(first), tables), schema))


def _emptying(tables: list[pa.Table]) -> Iterator[pa.Table]:
    tables.reverse()
    while tables:
        yield tables.pop()


def _filled(schema: pa.Schema, table: pa.Table) -> pa.Schema:
    """The schema, with types from the table where it had nulls only."""
    for i, field in enumerate(schema):
        at = table.schema.get_field_index(field.name)
        if at >= 0 and _has_null(field.type):
            schema = schema.set(i, pa.field(field.name, _filled_type(field.type, table.schema.field(at).type)))
    return schema


def _filled_type(kind: pa.DataType, other: pa.DataType) -> pa.DataType:
    if pa.types.is_null(kind):
        return other
    if _is_struct(kind) and _is_struct(other):
        theirs = {field.name: field.type for field in _children(other)}
        return pa.struct([(f.name, _filled_type(f.type, theirs.get(f.name, f.type))) for f in _children(kind)])
    if pa.types.is_list(kind) and _is_list(other):
        return pa.list_(_filled_type(kind.value_type, other.value_type))
    if pa.types.is_map(kind) and pa.types.is_map(other):
        return pa.map_(_filled_type(kind.key_type, other.key_type), _filled_type(kind.item_type, other.item_type))
    return kind


def _has_null(kind: pa.DataType) -> bool:
    """Whether the type says of some of its values only that there were none."""
    return pa.types.is_null(kind) or (_is_nested(kind) and any(_has_null(field.type) for field in _children(kind)))


def _is_struct(kind: pa.DataType) -> bool:
    return bool(pa.types.is_struct(kind))


def _is_list(kind: pa.DataType) -> bool:
    """A list of any layout."""
    return hasattr(kind, "value_field") and not pa.types.is_map(kind)


def _is_nested(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind))


def _children(kind: pa.DataType) -> list[pa.Field]:
    if pa.types.is_map(kind):
        return [pa.field("key", kind.key_type), pa.field("value", kind.item_type)]
    return [kind.value_field] if _is_list(kind) else [kind.field(i) for i in range(kind.num_fields)]


def _fitting(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for number, table in enumerate(tables, 1):
        if not table.schema.equals(schema):
            table = _cast(table, schema, number)
        yield from table.to_batches()


def _cast(table: pa.Table, schema: pa.Schema, number: int) -> pa.Table:
    if sorted(table.column_names) != sorted(schema.names):
        raise ReturnProblem(
            f"yielded tables with different columns: number {number} has {', '.join(table.column_names)}; "
            f"the first had {', '.join(schema.names)}"
        )
    columns = []
    for field in schema:
        column = table.column(field.name)
        try:
            if not _goes_into(column.type, field.type):
                raise pa.ArrowInvalid("another kind")
            columns.append(column.cast(field.type))
        except pa.ArrowException:
            raise ReturnProblem(
                f"yielded tables that do not go together: column {field.name!r} of number {number} is {column.type}, "
                f"before it was {field.type}"
            ) from None
    return pa.Table.from_arrays(columns, names=schema.names)


def _goes_into(kind: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether a cast changes the layout only: a text of digits is no number, and a cast of structs drops fields that
    the wanted one does not have, and fills with nulls those that are missing."""
    if pa.types.is_null(kind):
        return True
    kind, wanted = (of.value_type if pa.types.is_dictionary(of) else of for of in (kind, wanted))
    if pa.types.is_floating(kind) and pa.types.is_floating(wanted):
        return bool(kind.bit_width <= wanted.bit_width)  # no cast says that digits were lost
    if not _is_nested(kind) and not _is_nested(wanted):
        return _family(kind) == _family(wanted)
    if _is_struct(kind) and _is_struct(wanted):
        theirs = {field.name: field.type for field in _children(wanted)}
        return len(theirs) == kind.num_fields and all(
            field.name in theirs and _goes_into(field.type, theirs[field.name]) for field in _children(kind)
        )
    if (_is_list(kind) and _is_list(wanted)) or (pa.types.is_map(kind) and pa.types.is_map(wanted)):
        pairs = zip(_children(kind), _children(wanted))
        return all(_goes_into(mine.type, other.type) for mine, other in pairs)
    return bool(kind == wanted)


def _family(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "number"
    return str(kind).replace("large_", "").replace("_view", "")


# ---- checks -----------------------------------------------------------------------------------------------------


def check_names(names: list[str]) -> None:
    if not names:
        raise ReturnProblem("returned a table without columns")
    if len(names) > MAX_COLUMNS:
        raise ReturnProblem(f"returned a table of {len(names)} columns, more than the {MAX_COLUMNS} allowed")
    seen = set()
    for i, name in enumerate(names):
        if not name:
            raise ReturnProblem(f"returned a table whose column {i + 1} has no name")
        plain = name.encode("utf-8", "replace").lower()  # as SQL compares: ASCII letters without case
        if plain in seen:
            raise ReturnProblem(f"returned a table with two columns named {name!r}, which SQL cannot tell apart")
        if len(name.encode("utf-8", "replace")) > MAX_NAME:
            raise ReturnProblem(f"returned a table with a column name of more than {MAX_NAME} bytes")
        seen.add(plain)


def check_types(schema: pa.Schema) -> None:
    for field in schema:
        if isinstance(field.type, pa.BaseExtensionType) and field.type.extension_name == "pandas.period":
            raise ReturnProblem(
                f"returned a frame whose column {field.name!r} is of periods, for which tables have no type: make it "
                f"text with .astype(str), or times with .dt.to_timestamp()"
            )


def as_bool(value: Any) -> bool:
    """What an expectation may return: True or False, numpy's too."""
    if isinstance(value, bool):
        return value
    if type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    more = ": call its .as_py()" if isinstance(value, pa.Scalar) else ""
    raise ReturnProblem(f"returned {type_name(value)}: an expectation returns True or False{more}")
