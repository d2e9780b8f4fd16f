"""Writes data/*.arrows: streams as pyarrow writes them, for test_ipc.c. Run it by hand when a case is added."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path

import pyarrow as pa

HERE = Path(__file__).parent / "data"


def write(name: str, *batches: pa.RecordBatch, schema: pa.Schema | None = None, **options: object) -> None:
    schema = schema or batches[0].schema
    with pa.ipc.new_stream(HERE / f"{name}.arrows", schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for batch in batches:
            writer.write_batch(batch)


def column(array: pa.Array) -> pa.RecordBatch:
    return pa.record_batch([array], names=["c"])


def main() -> None:
    HERE.mkdir(exist_ok=True)
    write("long", column(pa.array([1, None, 3], pa.int64())), column(pa.array([4], pa.int64())))
    write("empty", schema=pa.schema([("c", pa.string())]))
    write("large_string", column(pa.array(["a", None, "é😀", ""], pa.large_string())))
    write("dictionary", column(pa.array(["x", "y", None, "x"]).dictionary_encode()),
          column(pa.array(["z", "y"]).dictionary_encode()))
    write("dictionary_list", column(pa.array([["x", "y"], None, [], ["x", None]],
                                             pa.list_(pa.dictionary(pa.int8(), pa.string())))))
    write("nested", column(pa.array(
        [{"l": [1, 2], "m": [("k", 1.5)]}, None, {"l": None, "m": []}],
        pa.struct([("l", pa.list_(pa.int32())), ("m", pa.map_(pa.string(), pa.float64()))]))))
    write("types", pa.record_batch({
        "b": pa.array([True, None, False]),
        "i8": pa.array([-1, None, 1], pa.int8()),
        "u32": pa.array([1, None, 2**32 - 1], pa.uint32()),
        "f16": pa.array([1.5, None, -2.0], pa.float16()),
        "f": pa.array([1.5, None, float("nan")], pa.float32()),
        "dec": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("-99.99")], pa.decimal128(10, 2)),
        "d": pa.array([datetime.date(2024, 2, 29), None, datetime.date(1969, 12, 31)]),
        "t": pa.array([datetime.time(10, 0), None, datetime.time(23, 59)], pa.time64("us")),
        "ts": pa.array([0, None, 1], pa.timestamp("us")),
        "tz": pa.array([0, None, 1], pa.timestamp("ns", "Europe/Berlin")),
        "bin": pa.array([b"\0\xff", None, b""], pa.binary()),
        "fix": pa.array([b"abcd", None, b"efgh"], pa.binary(4)),
        "fsl": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int16(), 2)),
    }))
    write("sliced", column(pa.array(["aa", "b", None, "dddd", "e"]).slice(1, 3)))
    write("no_rows", column(pa.array([], pa.list_(pa.string()))))
    write("string_view", column(pa.array(["a"], pa.string_view())))
    write("compressed", column(pa.array(list(range(1000)))), compression="zstd")
    write("union", column(pa.UnionArray.from_dense(
        pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array([1]), pa.array(["x"])])))
    write("duration", column(pa.array([1], pa.duration("s"))))
    write("field_ids", pa.record_batch(
        [pa.array([1]), pa.array([2])],
        schema=pa.schema([pa.field("a", pa.int64(), False, {"PARQUET:field_id": "7"}),
                          pa.field("b", pa.int64(), True, {"PARQUET:field_id": "7"})])))


if __name__ == "__main__":
    main()
