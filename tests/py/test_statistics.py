"""What manifests say of data files, beside what the files hold: random values of every type in several row groups.

A bound that is too tight loses rows of whoever prunes by it; a count that is wrong answers count(*) wrongly."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_lake import peak_memory
from conftest import Lake

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pyiceberg_table = pytest.importorskip("pyiceberg.table")

from pyiceberg.conversions import from_bytes  # noqa: E402
from pyiceberg.types import PrimitiveType  # noqa: E402

ROWS = 9_000
GROUP = 2_048  # rows a row group: the least that is written
EPOCH = dt.datetime(1970, 1, 1)
LETTERS = "aZ09 é漢\U0001f600\U0010ffff\x7f\ud7ff"
NUMBERS = (0.0, -0.0, math.inf, -math.inf, 5e-324, 1.7976931348623157e308)


def text(rng: random.Random) -> str:
    return "".join(rng.choice(LETTERS) for _ in range(rng.choice((0, 3, 15, 16, 17, 90, 300))))


def number(rng: random.Random) -> float:
    return rng.choice(NUMBERS) if rng.random() < 0.05 else rng.uniform(-1e6, 1e6)


def moment(rng: random.Random) -> dt.datetime:
    return dt.datetime(1900, 1, 1) + dt.timedelta(microseconds=rng.randrange(10**16))


KINDS: dict[str, tuple[Any, Callable[[random.Random], Any]]] = {
    "flag": (pa.bool_(), lambda r: r.random() < 0.5),
    "small": (pa.int32(), lambda r: r.randrange(-2**31, 2**31)),
    "big": (pa.int64(), lambda r: r.randrange(-2**63, 2**63)),
    "real": (pa.float32(), lambda r: r.uniform(-1e6, 1e6)),
    "double": (pa.float64(), number),
    "cents": (pa.decimal128(4, 2), lambda r: decimal.Decimal(r.randrange(-9999, 10000)).scaleb(-2)),
    "money": (pa.decimal128(9, 3), lambda r: decimal.Decimal(r.randrange(-10**9 + 1, 10**9)).scaleb(-3)),
    "wide": (pa.decimal128(18, 0), lambda r: decimal.Decimal(r.randrange(-10**18 + 1, 10**18))),
    "huge": (pa.decimal128(38, 10),
             lambda r: decimal.Context(prec=40).scaleb(decimal.Decimal(r.randrange(-10**38 + 1, 10**38)), -10)),
    "day": (pa.date32(), lambda r: dt.date(1900, 1, 1) + dt.timedelta(days=r.randrange(80_000))),
    "clock": (pa.time64("us"), lambda r: (EPOCH + dt.timedelta(microseconds=r.randrange(86_400 * 10**6))).time()),
    "moment": (pa.timestamp("us"), moment),
    "instant": (pa.timestamp("us", tz="UTC"), lambda r: moment(r).replace(tzinfo=dt.UTC)),
    "text": (pa.string(), text),
    "raw": (pa.binary(), lambda r: r.randbytes(r.randrange(40))),
    "fixed": (pa.binary(5), lambda r: r.randbytes(5)),
    "nothing": (pa.int64(), lambda r: None),
}
NESTED = {
    "pair": (pa.struct([("x", pa.int64()), ("f", pa.float64()), ("s", pa.string())]),
             lambda r: {"x": r.randrange(100), "f": r.choice((math.nan, None, r.random())), "s": text(r)}),
    "list": (pa.list_(pa.float64()), lambda r: [number(r) for _ in range(r.randrange(4))]),
    "map": (pa.map_(pa.string(), pa.int32()), lambda r: [(f"k{i}", i) for i in range(r.randrange(4))]),
}


def column(rng: random.Random, kind: Any, make: Callable[[random.Random], Any], nans: str) -> Any:
    """Nulls in their share, in some row groups all; NaN in the row groups that `nans` has a letter for."""
    share = rng.choice((0.0, 0.1, 0.9))
    empty = {group for group in range(5) if rng.random() < 0.2}
    values: list[Any] = []
    for row in range(ROWS):
        group = row // GROUP
        if group in empty or rng.random() < share:
            values.append(None)
        elif str(group) in nans and pa.types.is_floating(kind) and rng.random() < 0.01:
            values.append(math.nan)
        else:
            values.append(make(rng))
    return pa.array(values, kind)


def plain(value: Any, kind: str) -> Any:
    """As Iceberg counts: times as numbers since their zero."""
    from pyiceberg.utils import datetime as times

    if value is None:
        return None
    if kind == "date":
        return times.date_to_days(value)
    if kind == "time":
        return times.time_to_micros(value)
    return times.datetime_to_micros(value) if kind in ("timestamp", "timestamptz") else value


def leaves(schema: Any, data: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Primitive fields outside of lists and maps with the values that they have in the file, one a row."""
    for field in schema.fields:
        values = data.column(field.name).to_pylist()
        if isinstance(field.field_type, PrimitiveType):
            yield field, values
        elif field.field_type.is_struct:
            for inner in field.field_type.fields:
                yield inner, [v and v[inner.name] for v in values]


def check(schema: Any, file: Any, data: Any) -> None:
    for field, values in leaves(schema, data):
        kind, at = str(field.field_type), field.field_id
        have = [plain(v, kind) for v in values if v is not None]
        known = [v for v in have if v == v]
        assert file.value_counts[at] == len(values), field
        assert file.null_value_counts[at] == len(values) - len(have), field
        if kind in ("float", "double"):
            assert file.nan_value_counts[at] == len(have) - len(known), field
        lower, upper = file.lower_bounds.get(at), file.upper_bounds.get(at)
        if not known:
            assert lower is None and upper is None, field
            continue
        if kind != "binary" and not kind.startswith("fixed"):
            assert lower is not None, field
        low: Any = from_bytes(field.field_type, lower) if lower is not None else None
        high: Any = from_bytes(field.field_type, upper) if upper is not None else None
        # by code points, as Iceberg and UTF-8 compare, and so does Python
        assert low is None or low <= min(known), field
        assert high is None or high >= max(known), field
        if kind == "string":
            assert len(low) <= 16 and (high is None or len(high) <= 16), field
            assert min(known).startswith(low), field
        elif low is not None and high is not None:
            assert (low, high) == (min(known), max(known)), field


def files(lake: Lake, table: str) -> Iterator[tuple[Any, Any, Any]]:
    """Schema, manifest entry and rows of each data file."""
    location = lake.json("table", "get", table)["metadata_location"]
    loaded = pyiceberg_table.StaticTable.from_metadata(location)
    for task in loaded.scan().plan_files():
        yield loaded.schema(), task.file, task.file.file_path.removeprefix("file://")


def random_table(seed: int) -> Any:
    rng = random.Random(seed)
    kinds = {**KINDS, **NESTED}
    return pa.table({name: column(rng, kind, make, ("0", "4", "13", "")[seed])
                     for name, (kind, make) in kinds.items()})


def check_file(schema: Any, file: Any, path: str) -> Any:
    data = pq.read_table(path)
    assert file.record_count == len(data) and file.file_size_in_bytes == Path(path).stat().st_size
    groups = pq.ParquetFile(path).metadata
    starts = [min(c.dictionary_page_offset or c.data_page_offset, c.data_page_offset)
              for c in (groups.row_group(g).column(0) for g in range(groups.num_row_groups))]
    assert file.split_offsets == starts
    check(schema, file, data)
    return data


@pytest.mark.parametrize("seed", range(4))
def test_manifests_say_what_files_hold(lake: Lake, tmp_path: Path, seed: int) -> None:
    """In several row groups of one file, NaN in the first, the last, or between."""
    pq.write_table(random_table(seed), tmp_path / "given.parquet")
    lake.run("table", "create", "t", "--from", tmp_path / "given.parquet")
    lake.run("sql", f"ALTER TABLE t SET ('write.parquet.row-group-limit' = '{GROUP}')")
    lake.run("import", tmp_path / "given.parquet", "t")
    lake.run("sql", f"INSERT INTO t SELECT * FROM t WHERE small > 0 LIMIT {GROUP}")
    found = list(files(lake, "t"))
    assert len(found) == 2
    assert max(pq.ParquetFile(path).num_row_groups for _, _, path in found) == 5
    for schema, file, path in found:
        check_file(schema, file, path)


@pytest.mark.parametrize("seed", range(4))
def test_manifests_say_what_parts_of_a_file_hold(lake: Lake, tmp_path: Path, seed: int) -> None:
    """A result too large for one file is cut between row groups: every reader finds the rows there were, in order."""
    duckdb = pytest.importorskip("duckdb")
    given = tmp_path / "given.parquet"
    pq.write_table(random_table(seed), given)
    lake.run("table", "create", "t", "--from", given)
    lake.run("sql", f"ALTER TABLE t SET ('write.parquet.row-group-limit' = '{GROUP}')")
    lake.run("import", given, "t")
    (_, whole, path), = files(lake, "t")
    expected = pq.read_table(path)
    target = int(whole.file_size_in_bytes / 2.4)
    lake.run("sql", f"ALTER TABLE t SET ('write.target-file-size-bytes' = '{target}'); TRUNCATE TABLE t")
    lake.run("import", given, "t")
    found = sorted(files(lake, "t"), key=lambda f: Path(f[2]).name)
    parts = [check_file(schema, file, path) for schema, file, path in found]
    assert sorted(map(len, parts)) == [2 * GROUP, ROWS - 2 * GROUP]
    assert all(part.schema.equals(expected.schema, check_metadata=True) for part in parts)
    for name in expected.column_names:
        values = pa.concat_tables(parts).column(name).to_pylist()
        assert repr(values) == repr(expected.column(name).to_pylist()), name
    sums = "SELECT count(*), sum(hash(t)) FROM read_parquet({}) t"
    assert duckdb.sql(sums.format([p for _, _, p in found])).fetchall() == duckdb.sql(sums.format([path])).fetchall()


@pytest.mark.parametrize("partitioned", ["", " PARTITIONED BY (half)"])
def test_files_have_the_size_that_is_asked_for(lake: Lake, partitioned: str) -> None:
    """Rows keep their order over all of them, and a whole row group is the least that a file is cut by."""
    target = 2_000_000
    lake.run("sql", f"CREATE TABLE t (id BIGINT, noise VARCHAR, half BIGINT){partitioned}; "
             f"ALTER TABLE t SET ('write.target-file-size-bytes' = '{target}', "
             "'write.parquet.row-group-limit' = '10000'); "
             "INSERT INTO t SELECT i, md5(i::VARCHAR), i // 500000 FROM range(1000000) v(i)")
    found = sorted(files(lake, "t"), key=lambda f: from_bytes(f[0].find_type("id"), f[1].lower_bounds[1]))
    sizes = [file.file_size_in_bytes for _, file, _ in found]
    assert len(sizes) > 8
    small = [size for size in sizes if not target / 2 <= size <= target * 2]
    assert len(small) <= (2 if partitioned else 1), sizes  # what is left over of each partition
    assert max(sizes) <= target * 2
    at = 0
    for schema, file, path in found:
        data = pq.read_table(path)
        ids = data.column("id").to_pylist()
        assert ids == list(range(at, at + len(ids)))
        at += len(ids)
        check(schema, file, data)
    assert at == 1_000_000


def test_many_columns_are_written_in_little_memory(lake: Lake) -> None:
    """A hundred columns of text keep to what was allowed and a constant: row groups are not held many at a time."""
    columns = ", ".join(f"'a text that hardly differs, of column {at} ' || i AS c{at}" for at in range(100))
    taken = peak_memory(lake, "sql", "--memory", "100MB",
                        f"CREATE TABLE wide AS SELECT {columns} FROM range(40000) v(i)")
    if not os.environ.get("CORRIE_SANITIZED"):
        assert taken < (100 + 150) << 20
    assert lake.rows("SELECT count(*), count(DISTINCT c7) FROM wide") == [["40000", "40000"]]
