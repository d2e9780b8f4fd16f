"""Tables in memory files (docs/formats/exchange.md): in by mapping, out by writing."""

from __future__ import annotations

import contextlib
import mmap
import os

import pyarrow as pa
from corrie_tables import Stream

TYPE_CHECKING = False  # what typing says; importing it costs 3 ms
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Callable

    from corrie_tables import Output

MAX_FILES = 256
MAX_BATCH_ROWS = 1 << 20
PIECE_BYTES = 64 << 20  # of a stream are written at once, or as many rows as a batch has
TEXT_LIMIT = (1 << 31) - 1


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
    if t.is_float16(kind):
        return pa.float32()
    if t.is_decimal256(kind) and 0 <= kind.scale <= kind.precision <= 38:
        return pa.decimal128(kind.precision, kind.scale)
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


def _has_list_views(kind: pa.DataType) -> bool:
    if _is(kind, "is_list_view") or _is(kind, "is_large_list_view"):
        return True
    return any(_has_list_views(kind.field(i).type) for i in range(kind.num_fields))


def _plain_field(field: pa.Field, large: bool) -> pa.Field:
    return pa.field(field.name, plain_type(field.type, large), field.nullable)


def plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        large = column.nbytes > TEXT_LIMIT
    except (NotImplementedError, pa.ArrowException):  # nbytes of views, in some versions
        large = True
    return plain_as(column, plain_type(column.type, large))


def plain_as(column: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    """The column in the layout `wanted`, one of `plain_type`'s."""
    if wanted.equals(column.type):
        return column
    if isinstance(column.type, pa.BaseExtensionType):
        chunks = [chunk.storage for chunk in column.chunks]
        return plain_as(pa.chunked_array(chunks, type=column.type.storage_type), wanted)
    try:
        if _has_list_views(column.type):
            raise pa.ArrowNotImplementedError("a cast that gives too few offsets where there are nulls")
        return column.cast(wanted)
    except pa.ArrowNotImplementedError:  # no such cast in this version of pyarrow: slow, but right
        chunks = [pa.array(chunk.to_pylist(), type=wanted) for chunk in column.chunks]
        return pa.chunked_array(chunks, type=wanted)
    except pa.ArrowInvalid:
        # More than 2 GiB of text in one chunk: a dictionary holds little and means much.
        half = len(column) // 2
        if half == 0:
            raise
        halves = [plain_as(column.slice(0, half), wanted), plain_as(column.slice(half), wanted)]
        return pa.chunked_array([chunk for part in halves for chunk in part.chunks], type=wanted)


def _one_chunk(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.num_chunks < 2:
        return column
    try:
        return pa.chunked_array([column.combine_chunks()], type=column.type)
    except (pa.ArrowException, TypeError):  # too long for one, or of a type that cannot be joined
        return column


def _coalesced(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # Thousands of tiny chunks cost every reader; one copy here is cheaper.
    if column.num_chunks > 64 and len(column) // column.num_chunks < 16384:
        return _one_chunk(column)
    return column


def new_file() -> int:
    """A memory file that corrie can seal; the caller's descriptor."""
    return os.memfd_create("corrie-output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)


def open_file(descriptor: int) -> Any:
    return pa.OSFile(f"/proc/self/fd/{descriptor}", "wb")


def plain_table(names: Sequence[str], columns: Sequence[pa.ChunkedArray]) -> pa.Table:
    plain = [_coalesced(plain_column(column)) for column in columns]
    return pa.Table.from_arrays(plain, names=list(names))


class SpaceProblem(Exception):
    """The result is larger than what the run has left for it; the message is for its author."""


class Room:
    """How many bytes the files of a call's results may take."""

    def __init__(self, size: int) -> None:
        self._size = size  # 0: as many as there are
        self._left = size

    def take(self, size: int) -> None:
        """What is about to be written."""
        self._left -= size
        if self._size and self._left < 0:
            raise SpaceProblem(f"it is larger than the {self._size / 1e6:.1f} MB that are left for results in memory")


class Sender:
    """Numbers the files and sends them off, some at a time."""

    def __init__(self, send: Callable[[list[list[Any]], list[int]], None]) -> None:
        self._send = send
        self._columns: list[list[Any]] = []
        self._descriptors: list[int] = []
        self.files = 0

    def add(self, names: Sequence[str], descriptor: int) -> None:
        """One file with these columns; the descriptor is taken."""
        self._columns += [[name, self.files, i] for i, name in enumerate(names)]
        self._descriptors.append(descriptor)
        self.files += 1
        if len(self._descriptors) == 32:
            self.flush()

    def flush(self) -> None:
        if self._descriptors:
            self._send(self._columns, self._descriptors)
            for descriptor in self._descriptors:
                os.close(descriptor)
            self._columns, self._descriptors = [], []


def groups(names: list[str]) -> Iterator[slice]:
    """Which columns go into each file."""
    size = -(-len(names) // MAX_FILES)
    return (slice(start, start + size) for start in range(0, len(names), size))


def write(
    output: Output, send: Callable[[list[list[Any]], list[int]], None], room: Room
) -> tuple[int, int, int]:
    """Writes the table and sends its files; how many rows, columns and files."""
    sender = Sender(send)
    rows = _write_stream(output, sender, room) if isinstance(output, Stream) else _write_table(output, sender, room)
    sender.flush()
    return rows, len(output.schema.names), sender.files


def _write_table(table: pa.Table, sender: Sender, room: Room) -> int:
    """File by file: what is copied on the way is let go as early as possible."""
    for group in groups(table.column_names):
        names = table.column_names[group]
        plain = plain_table(names, table.columns[group])
        room.take(plain.nbytes)
        descriptor = new_file()
        with open_file(descriptor) as sink, pa.ipc.new_stream(sink, plain.schema) as writer:
            writer.write_table(plain, max_chunksize=MAX_BATCH_ROWS)
        sender.add(names, descriptor)
    return int(table.num_rows)


def _size(batch: pa.RecordBatch) -> int:
    try:
        return int(batch.nbytes)
    except (NotImplementedError, pa.ArrowException):  # of views, in some versions
        return int(batch.get_total_buffer_size())


def _pieces(batches: Any, schema: pa.Schema) -> Iterator[pa.Table]:
    """The batches in pieces worth writing, each in one chunk where that is possible."""
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        size += _size(batch)
        if rows >= MAX_BATCH_ROWS or size >= PIECE_BYTES:
            yield pa.Table.from_batches(waiting, schema)
            waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.Table.from_batches(waiting, schema)


def _write_stream(stream: Stream, sender: Sender, room: Room) -> int:
    """All files at once, piece by piece: of the table no more than a piece is in memory twice."""
    names = stream.schema.names
    parts = list(groups(names))
    empty = plain_table(names, stream.schema.empty_table().columns)
    files = [new_file() for _ in parts]
    rows: int = 0
    with contextlib.ExitStack() as stack:
        writers = []
        for part, descriptor in zip(parts, files):
            sink = stack.enter_context(open_file(descriptor))
            schema = empty.select(names[part]).schema
            writers.append((part, schema, stack.enter_context(pa.ipc.new_stream(sink, schema))))
        for piece in _pieces(stream.batches, stream.schema):
            rows += piece.num_rows
            for part, schema, writer in writers:
                columns = [_one_chunk(plain_as(c, f.type)) for c, f in zip(piece.columns[part], schema)]
                plain = pa.Table.from_arrays(columns, schema=schema)
                room.take(plain.nbytes)
                writer.write_table(plain, max_chunksize=MAX_BATCH_ROWS)
    for part, descriptor in zip(parts, files):
        sender.add(names[part], descriptor)
    return rows
