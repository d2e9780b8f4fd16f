"""Tables in memory files (docs/formats/exchange.md): in by mapping, out by writing, and what a function may return."""

from __future__ import annotations

import mmap
import os
import types

import pyarrow as pa

TYPE_CHECKING = False  # what typing says; importing it costs 3 ms
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Callable

MAX_FILES = 256
MAX_COLUMNS = 10_000
MAX_NAME = 1024
MAX_BATCH_ROWS = 1 << 20
TEXT_LIMIT = (1 << 31) - 1


class ReturnProblem(Exception):
    """What the function returned cannot become a table; the message is for its author."""


# ---- in ---------------------------------------------------------------------------------------------------------


def map_file(descriptor: int) -> list[pa.ChunkedArray]:
    """The columns of one file, pointing into its mapping."""
    size = os.fstat(descriptor).st_size
    mapping = mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)
    with pa.ipc.open_stream(pa.py_buffer(mapping)) as reader:
        columns: list[pa.ChunkedArray] = reader.read_all().columns
        return columns


def read_table(columns: Sequence[tuple[str, int, int]], files: Callable[[int], list[pa.ChunkedArray]]) -> pa.Table:
    """The table of (name, file, field); `files` gives the columns of a file."""
    names = [name for name, _, _ in columns]
    table = pa.Table.from_arrays([files(file)[field] for _, file, field in columns], names=names)
    table.validate()
    return table


# ---- what a function returns ------------------------------------------------------------------------------------


def type_name(value: Any) -> str:
    kind = type(value)
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module.partition('.')[0]}.{kind.__qualname__}"


def as_table(value: Any) -> pa.Table:
    """Whatever a model may return, as a pyarrow.Table."""
    if isinstance(value, pa.Table):
        return value
    if value is None:
        raise ReturnProblem("returned None: a model returns a table (is a `return` missing?)")
    if isinstance(value, pa.RecordBatch):
        return pa.Table.from_batches([value])
    if isinstance(value, pa.RecordBatchReader):
        return value.read_all()
    if isinstance(value, types.GeneratorType):
        return _from_parts(value)
    module = type(value).__module__.partition(".")[0]
    if module == "polars":
        if type(value).__name__ == "LazyFrame":
            value = value.collect()
        if hasattr(value, "get_columns"):
            return value.to_arrow()
    elif module == "pandas" and hasattr(value, "columns"):
        return pa.Table.from_pandas(value, preserve_index=False)
    elif module in ("duckdb", "_duckdb") and hasattr(value, "fetch_arrow_table"):
        return value.fetch_arrow_table()
    if isinstance(value, list) and (not value or isinstance(value[0], dict)):
        return _from_records(value)
    if hasattr(value, "__arrow_c_stream__"):
        return pa.table(value)
    if isinstance(value, tuple):
        raise ReturnProblem(f"returned {len(value)} values (a tuple): a model returns one table")
    raise ReturnProblem(
        f"returned {type_name(value)}: a model returns a pyarrow.Table, a polars or pandas DataFrame or a list of dicts"
    )


def _from_records(records: list[Any]) -> pa.Table:
    names: dict[str, None] = {}
    for i, record in enumerate(records):
        if not isinstance(record, dict):
            raise ReturnProblem(f"returned a list whose item {i} is {type_name(record)}, not a dict")
        names.update(dict.fromkeys(record))
    # from_pylist takes the columns of the first record alone.
    return pa.Table.from_pydict({name: [record.get(name) for record in records] for name in names})


def _from_parts(parts: Any) -> pa.Table:
    tables: list[Any] = []
    for part in parts:
        if part is None:
            raise ReturnProblem("yielded None: a generator yields tables or record batches")
        tables.append(as_table(part))
    if not tables:
        raise ReturnProblem("is a generator that yielded nothing: its columns are not known")
    return pa.concat_tables(tables)


def as_bool(value: Any) -> bool:
    """What an expectation may return: True or False, numpy's too."""
    if isinstance(value, bool):
        return value
    if type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise ReturnProblem(f"returned {type_name(value)}: an expectation returns True or False")


# ---- out --------------------------------------------------------------------------------------------------------


def plain_type(kind: pa.DataType, large: bool) -> pa.DataType:
    """The type in the layouts that every reader knows; the same object if it is one."""
    t = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return kind if kind.extension_name == "arrow.uuid" else plain_type(kind.storage_type, large)
    if _is(kind, "is_string_view"):
        return pa.large_string() if large else pa.string()
    if _is(kind, "is_binary_view"):
        return pa.large_binary() if large else pa.binary()
    if t.is_dictionary(kind):
        return plain_type(kind.value_type, large)
    if _is(kind, "is_run_end_encoded"):
        return plain_type(kind.value_type, large)
    if t.is_struct(kind):
        fields = [kind.field(i) for i in range(kind.num_fields)]
        return pa.struct([_plain_field(field, large) for field in fields])
    if t.is_map(kind):
        return pa.map_(_plain_field(kind.key_field, large), _plain_field(kind.item_field, large))
    if _is(kind, "is_list_view") or t.is_list(kind):
        return pa.list_(_plain_field(kind.value_field, large))
    if _is(kind, "is_large_list_view") or t.is_large_list(kind):
        return pa.large_list(_plain_field(kind.value_field, large))
    if t.is_fixed_size_list(kind):
        return pa.list_(_plain_field(kind.value_field, large), kind.list_size)
    return kind


def _is(kind: pa.DataType, name: str) -> bool:
    # Older pyarrow does not know the newer layouts, and so cannot meet them.
    test = getattr(pa.types, name, None)
    return bool(test and test(kind))


def _plain_field(field: pa.Field, large: bool) -> pa.Field:
    return pa.field(field.name, plain_type(field.type, large), field.nullable)


def plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    try:
        large = column.nbytes > TEXT_LIMIT
    except (NotImplementedError, pa.ArrowException):  # nbytes of views, in some versions
        large = True
    wanted = plain_type(kind, large)
    if wanted.equals(kind):
        return column
    if isinstance(kind, pa.BaseExtensionType):
        chunks = [chunk.storage for chunk in column.chunks]
        column = pa.chunked_array(chunks, type=kind.storage_type)
    try:
        return column.cast(wanted)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        # No cast in this version of pyarrow: slow, but right.
        return pa.chunked_array([pa.array(chunk.to_pylist(), type=wanted) for chunk in column.chunks], type=wanted)


def check_names(table: pa.Table) -> None:
    names = table.column_names
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


def _coalesced(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # Thousands of tiny chunks cost every reader; one copy here is cheaper.
    if column.num_chunks > 64 and len(column) // column.num_chunks < 16384:
        try:
            return pa.chunked_array([column.combine_chunks()], type=column.type)
        except (pa.ArrowException, TypeError):
            return column
    return column


def write_file(names: Sequence[str], columns: Sequence[pa.ChunkedArray]) -> int:
    """A memory file with these columns; the caller's descriptor."""
    descriptor = os.memfd_create("corrie-output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        plain = [_coalesced(plain_column(column)) for column in columns]
        schema = pa.schema([pa.field(name, column.type) for name, column in zip(names, plain)])
        table = pa.Table.from_arrays(plain, schema=schema)
        with pa.OSFile(f"/proc/self/fd/{descriptor}", "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            writer.write_table(table, max_chunksize=MAX_BATCH_ROWS)
        return descriptor
    except BaseException:
        os.close(descriptor)
        raise


def write_table(table: pa.Table, send: Callable[[list[list[Any]], list[int]], None]) -> int:
    """Writes the table file by file and sends each; returns how many files. Projected or repeated memory of the
    function's is let go as early as possible."""
    count = table.num_columns
    group = -(-count // MAX_FILES)
    files = 0
    pending: list[list[Any]] = []
    descriptors: list[int] = []
    for start in range(0, count, group):
        names = table.column_names[start : start + group]
        descriptors.append(write_file(names, table.columns[start : start + group]))
        pending += [[name, files, i] for i, name in enumerate(names)]
        files += 1
        if len(descriptors) == 32 or start + group >= count:
            send(pending, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            pending, descriptors = [], []
    return files
