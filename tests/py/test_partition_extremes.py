"""The odd values of each type through each partition transform: placed as PyIceberg places them, and found again.

First and last years, days before 1970, the least integers, decimals of 38 digits, NaN and -0.0, '' beside null,
characters of several bytes. A value in another partition than other readers look in is a row that they do not see; a
file that is left out wrongly is one that we do not.
"""

from __future__ import annotations

import json
import math
import struct
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Lake
from kills import SANITIZED

duckdb = pytest.importorskip("duckdb")
pytest.importorskip("pyiceberg.table")
from test_partitions import internal, load  # noqa: E402
from test_tables_random import VALUES  # noqa: E402

MORE = {
    "INTEGER": ["2147483640", "-2147483639"], "BIGINT": ["9223372036854775800"],
    "DECIMAL(9,2)": ["-9999999.99", "0.01", "-0.01", "10.00"],
    "DECIMAL(38,5)": ["'-999999999999999999999999999999999.00000'", "'999999999999999999999999999999999.99999'"],
    "VARCHAR": ["'é'", "'e' || chr(769)", "'\U0001f600\U0001f601\U0001f602'", "'日本語'", "' '", "chr(0) || 'x'"],
    "UUID": ["'00000000-0000-0000-0000-000000000000'", "'f79c3e09-677c-4bbd-a479-3f349cb785e7'"],
    "TIMESTAMPTZ": ["'0001-01-01 00:00:00+00'", "'9999-12-31 23:59:59.999999+00'", "'2026-03-29 02:30:00+01'"],
}
BITS = {"INTEGER": 32, "BIGINT": 64}
KINDS = {kind: [*VALUES.get(kind, []), *MORE.get(kind, [])] for kind in {**VALUES, **MORE}}


def terms(kind: str) -> Iterator[str]:
    yield "v"
    if kind in ("DATE", "TIMESTAMP", "TIMESTAMPTZ"):
        yield from ("year(v)", "month(v)", "day(v)")
        if kind != "DATE":
            yield "hour(v)"
    if kind not in ("FLOAT", "DOUBLE", "BOOLEAN"):
        yield from ("bucket(1, v)", "bucket(7, v)", "bucket(2147483647, v)")
    if kind in ("INTEGER", "BIGINT", "VARCHAR", "BLOB") or kind.startswith("DECIMAL"):
        yield from ("truncate(1, v)", "truncate(2, v)", "truncate(10, v)")


def cast(value: str, kind: str) -> str:
    return f"CAST({value} AS {kind})"


def conditions(kind: str) -> list[str]:
    tests = ["v IS NULL", "v IS NOT NULL"]
    for value in KINDS[kind]:
        tests += [f"v {op} {cast(value, kind)}" for op in ("=", "<", "<=", ">", ">=", "<>")]
    tests.append(f"v IN ({', '.join(cast(value, kind) for value in KINDS[kind][:3])})")
    return tests


@pytest.mark.parametrize("kind", list(KINDS)[::3] if SANITIZED else KINDS)
def test_found_where_they_were_put(lake: Lake, kind: str) -> None:
    model = duckdb.connect()
    model.sql("SET TimeZone = 'UTC'")
    rows = ", ".join(f"({at}, {cast(value, kind)})" for at, value in enumerate([*KINDS[kind], "NULL"]))
    model.sql(f"CREATE TABLE m AS SELECT * FROM (VALUES {rows}) AS r(id, v)")
    lake.run("sql", "; ".join([f"CREATE TABLE base (id INTEGER, v {kind}); INSERT INTO base VALUES {rows}"] + [
        f"CREATE TABLE t{at} PARTITIONED BY ({term}) AS FROM base" for at, term in enumerate(terms(kind))]))
    tests = conditions(kind)
    want = [[r[0] for r in model.sql(f"SELECT id FROM m WHERE {test} ORDER BY id").fetchall()] for test in tests]
    for at, term in enumerate(terms(kind)):
        script = "; ".join(f"SELECT coalesce(list(id ORDER BY id), []) AS ids FROM t{at} WHERE {test}"
                           for test in tests)
        said = lake.run("sql", "-f", "/dev/stdin", "-o", "json", stdin=script).stdout
        have = [json.loads(line)["ids"] for line in said.splitlines() if line.startswith('{"ids"')]
        wrong = [(test, h, w) for test, h, w in zip(tests, have, want, strict=True) if h != w]
        assert not wrong, (term, wrong[:5])
        check_partitions(load(lake, f"t{at}"), kind, term)
    lake.fsck()


def test_what_has_no_partition_is_refused(lake: Lake) -> None:
    """The partition would have 39 digits."""
    kind = "DECIMAL(38,5)"
    lake.run("sql", f"CREATE TABLE t (v {kind}) PARTITIONED BY (truncate(10, v))")
    value = cast("'-999999999999999999999999999999999.99999'", kind)
    assert "more digits" in lake.error("sql", f"INSERT INTO t VALUES ({value})", status=1)
    assert lake.rows("SELECT count(*) FROM t") == [["0"]]


def check_partitions(table: Any, kind: str, term: str) -> None:
    """PyIceberg's transform makes of each value what its file says; whole numbers wrap around, as Java's do."""
    [field] = table.spec().fields
    source = table.schema().find_field(field.source_id).field_type
    made = field.transform.transform(source)
    for task in table.scan().plan_files():
        rows = duckdb.sql(f"FROM '{task.file.file_path.removeprefix('file://')}'").arrow().read_all()
        for value in rows.column("v").to_pylist():
            if kind == "UUID" and value is not None:
                value = uuid.UUID(value).bytes
            want, got = made(internal(value, source)), task.file.partition[0]
            if term.startswith("truncate") and kind in BITS and want is not None:
                want = (want + 2 ** (BITS[kind] - 1)) % 2 ** BITS[kind] - 2 ** (BITS[kind] - 1)
            if kind == "DOUBLE" and want is not None:  # PyIceberg gives a double back as a float
                single = struct.pack("f", want if not abs(want) > 1e38 else math.copysign(math.inf, want))
                want = struct.unpack("f", single)[0]
            if isinstance(got, uuid.UUID):
                got = got.bytes
            assert str(got) == str(want), (term, value)
