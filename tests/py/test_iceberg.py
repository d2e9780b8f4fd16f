"""The iceberg room beside PyIceberg: each reads what the other wrote (docs/formats/iceberg.md)."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
import operator
import os
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pyiceberg_table = pytest.importorskip("pyiceberg.table")

from pyiceberg.catalog import MetastoreCatalog  # noqa: E402
from pyiceberg.catalog.noop import NoopCatalog  # noqa: E402
from pyiceberg.io.pyarrow import (  # noqa: E402
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat  # noqa: E402
from pyiceberg.partitioning import PartitionField, PartitionSpec  # noqa: E402
from pyiceberg.schema import Schema  # noqa: E402
from pyiceberg.transforms import parse_transform  # noqa: E402
from pyiceberg.typedef import Record  # noqa: E402
from pyiceberg.types import (  # noqa: E402
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
    UUIDType,
)

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("CORRIE_BUILD_ROOT", ROOT / "build" / "release"))
TOOL = BUILD / "tests" / "unit" / "iceberg" / "iceberg_table"

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason=f"{TOOL} is not built")


def call(root: Path, op: str, **request: Any) -> Any:
    done = subprocess.run([TOOL], input=json.dumps({"root": str(root), "op": op, **request}), capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(root: Path, op: str, **request: Any) -> str:
    done = subprocess.run([TOOL], input=json.dumps({"root": str(root), "op": op, **request}), capture_output=True,
                          text=True)
    assert done.returncode == 1, done.stdout
    return done.stderr


# ---- ours, read by PyIceberg --------------------------------------------------------------------------------------

FIELDS = [
    {"id": 11, "name": "id", "required": True, "type": "long"},
    {"id": 12, "name": "name", "required": False, "type": "string", "doc": "as on the door"},
    {"id": 13, "name": "price", "required": False, "type": "double"},
]
SCHEMA = {"type": "struct", "schema-id": 0, "fields": FIELDS}


def arrow_schema(fields: list[dict[str, Any]]) -> Any:
    kinds = {"long": pa.int64(), "string": pa.string(), "double": pa.float64(), "date": pa.date32()}
    return pa.schema([
        pa.field(f["name"], kinds[f["type"]], nullable=not f["required"],
                 metadata={"PARQUET:field_id": str(f["id"])}) for f in fields
    ])


def write(table: str, name: str, fields: list[dict[str, Any]], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A Parquet file of the table, described for our side."""
    path = Path(table.removeprefix("file://")) / "data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, arrow_schema(fields)), path)
    group = pq.ParquetFile(path).metadata.row_group(0)
    columns = []
    for i, f in enumerate(fields):
        values = [r[f["name"]] for r in rows if r[f["name"]] is not None and r[f["name"]] == r[f["name"]]]
        column = {"id": f["id"], "size": group.column(i).total_compressed_size, "values": len(rows),
                  "nulls": sum(r[f["name"]] is None for r in rows)}
        if f["type"] == "double":
            column["nans"] = sum(r[f["name"]] != r[f["name"]] for r in rows)
        if values:
            column |= {"lower": str(min(values)), "upper": str(max(values))}
        columns.append(column)
    return {"path": f"file://{path}", "records": len(rows), "bytes": path.stat().st_size, "columns": columns,
            "offsets": [4]}


def people(first: int, n: int) -> list[dict[str, Any]]:
    return [{"id": i, "name": None if i % 5 == 0 else f"person {i:04} of the long name",
             "price": float("nan") if i % 7 == 0 else i / 4} for i in range(first, first + n)]


@pytest.fixture
def ours(tmp_path: Path) -> dict[str, Any]:
    """A table of ours: two appends, then one with 120 files one by one so that manifests were merged."""
    made = call(tmp_path, "create", name="a b/é", schema=SCHEMA)
    fields = made["schema"]["fields"]
    assert [f["id"] for f in fields] == [1, 2, 3]  # fresh, whatever we were given
    location = made["location"]
    rows: list[dict[str, Any]] = []
    for i in range(103):
        more = people(i * 10, 10)
        rows += more
        file = write(made["table"], f"{i:05}.parquet", fields, more)
        answer = call(tmp_path, "append", metadata=location, files=[file])
        location = answer["location"]
    assert answer["records"] == len(rows)
    return {"root": tmp_path, "table": made["table"], "location": location, "fields": fields, "rows": rows}


def same(got: list[dict[str, Any]], expected: list[dict[str, Any]]) -> bool:
    def keyed(rows: list[dict[str, Any]]) -> list[str]:
        return sorted(str(row) for row in rows)
    return keyed(got) == keyed(expected)


def count_deleted(table: Any) -> int:
    manifests = table.current_snapshot().manifests(table.io)
    entries = [e for m in manifests for e in m.fetch_manifest_entry(table.io, discard_deleted=False)]
    assert sum(m.deleted_files_count for m in manifests) == sum(e.status.value == 2 for e in entries)
    return sum(e.status.value == 2 for e in entries)


def test_pyiceberg_reads_ours(ours: dict[str, Any]) -> None:
    table = pyiceberg_table.StaticTable.from_metadata(ours["location"])
    assert same(table.scan().to_arrow().to_pylist(), ours["rows"])
    assert table.schema().find_field("name").doc == "as on the door"
    assert len(table.metadata.snapshots) == 100  # the newest
    manifests = table.current_snapshot().manifests(table.io)
    assert len(manifests) < 10
    assert sum((m.existing_files_count or 0) + (m.added_files_count or 0) for m in manifests) == 103
    entries = table.inspect.entries().to_pylist()
    assert len(entries) == 103
    assert sorted({e["sequence_number"] for e in entries}) == list(range(1, 104))
    files = table.inspect.files().to_pylist()
    assert {f["record_count"] for f in files} == {10}
    assert len(table.inspect.snapshots()) == 100
    assert len(table.inspect.history()) == 100


def test_pyiceberg_prunes_by_ours(ours: dict[str, Any]) -> None:
    table = pyiceberg_table.StaticTable.from_metadata(ours["location"])
    for row_filter, files in [("id < 10", 1), ("id >= 1025", 1), ("id > 5000", 0), ("id is null", 0),
                              ("name < 'person 0010'", 1), ("name > 'q'", 0), ("id = 512", 1)]:
        assert len(list(table.scan(row_filter=row_filter).plan_files())) == files, row_filter
    assert table.scan(row_filter="id = 512").to_arrow().num_rows == 1


def test_we_read_and_prune_ours(ours: dict[str, Any]) -> None:
    def plan(*predicates: dict[str, str]) -> Any:
        return call(ours["root"], "plan", metadata=ours["location"], predicates=list(predicates))
    whole = plan()
    assert [f["path"].rsplit("/", 1)[1] for f in whole["files"]] == [f"{i:05}.parquet" for i in range(103)]
    one = plan({"field": "id", "op": ">=", "text": "500"}, {"field": "id", "op": "<", "text": "510"})
    assert [f["path"].rsplit("/", 1)[1] for f in one["files"]] == ["00050.parquet"]
    assert one["pruned"] == 102
    assert plan({"field": "id", "op": "is null"})["files"] == []


def test_pyiceberg_reads_a_replaced_schema(ours: dict[str, Any]) -> None:
    wanted = [{"id": 0, "name": "name", "required": False, "type": "date"},
              {"id": 0, "name": "id", "required": True, "type": "long"}]
    schema = {"type": "struct", "schema-id": 0, "fields": [dict(f, id=i + 1) for i, f in enumerate(wanted)]}
    made = call(ours["root"], "schema", metadata=ours["location"], schema=schema)["schema"]
    assert [(f["name"], f["id"]) for f in made["fields"]] == [("name", 4), ("id", 1)]
    rows: list[dict[str, Any]] = [{"name": dt.date(2026, 1, 2), "id": 7}, {"name": None, "id": 8}]
    file = write(ours["table"], "new.parquet", made["fields"], rows)
    answer = call(ours["root"], "replace", metadata=ours["location"], schema=made, files=[file])
    assert answer["records"] == 2
    table = pyiceberg_table.StaticTable.from_metadata(answer["location"])
    assert same(table.scan().to_arrow().to_pylist(), rows)
    summary = table.current_snapshot().summary
    assert summary["deleted-records"] == "1030"
    assert summary["deleted-data-files"] == "103"
    before = table.metadata.snapshots[-2].snapshot_id
    assert same(table.scan(snapshot_id=before).to_arrow().to_pylist(), ours["rows"])
    assert count_deleted(table) == 103


# ---- PyIceberg's, read by us --------------------------------------------------------------------------------------

class OneTable(NoopCatalog):
    """A catalog of a single table whose pointer lives in memory: PyIceberg's own need a database."""

    def __init__(self, root: Path) -> None:
        super().__init__("one", warehouse=f"file://{root}/data")
        self.current: Any = None

    def create(self, root: Path, schema: Schema, spec: PartitionSpec, **properties: str) -> Any:
        staged = MetastoreCatalog._create_staged_table(self, ("shop", "t"), schema,  # type: ignore[arg-type]
                                                       f"file://{root}/data/shop/t", spec, properties=properties)
        return self.swap(staged)

    def _resolve_table_location(self, location: str, database: str, table: str) -> str:
        return location

    def _parse_metadata_version(self, location: str) -> int:
        return MetastoreCatalog._parse_metadata_version(location)

    def swap(self, staged: Any) -> Any:
        MetastoreCatalog._write_metadata(staged.metadata, staged.io, staged.metadata_location)
        self.current = pyiceberg_table.Table(staged.name(), staged.metadata, staged.metadata_location, staged.io, self)
        return self.current

    def load_table(self, identifier: Any) -> Any:
        return self.current

    def at(self, location: str) -> Any:
        """Goes back to a version: what is committed next continues from there."""
        read = pyiceberg_table.StaticTable.from_metadata(location)
        self.current = pyiceberg_table.Table(("shop", "t"), read.metadata, location, read.io, self)
        return self.current

    def commit_table(self, table: Any, requirements: Any, updates: Any) -> Any:
        staged = MetastoreCatalog._update_and_stage_table(self, self.current, table.name(),  # type: ignore[arg-type]
                                                          requirements, updates)
        made = self.swap(staged)
        return pyiceberg_table.CommitTableResponse(metadata=made.metadata, metadata_location=made.metadata_location)


SALES = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "at", TimestampType()),
    NestedField(3, "day", DateType()),
    NestedField(4, "shop", StringType()),
    NestedField(5, "amount", DecimalType(9, 2)),
    NestedField(6, "key", UUIDType()),
    NestedField(7, "n", IntegerType()),
    NestedField(8, "ratio", DoubleType()),
)


def sales(first: int, n: int) -> list[dict[str, Any]]:
    return [{"id": i, "at": None if i % 11 == 0 else dt.datetime(1969, 12, 30) + dt.timedelta(hours=i),
             "day": dt.date(1969, 12, 25) + dt.timedelta(days=i), "shop": None if i % 4 == 0 else f"shop é {i % 3}",
             "amount": decimal.Decimal(i * 7 - 50).scaleb(-2), "key": uuid.UUID(int=i % 2).bytes, "n": i - 5,
             "ratio": i / 3} for i in range(first, first + n)]


def spec_of(partitioning: str) -> PartitionSpec:
    fields = []
    for i, part in enumerate(filter(None, partitioning.split("+"))):
        transform, column = part.rstrip(")").split("(")
        fields.append(PartitionField(SALES.find_field(column).field_id, 1000 + i, parse_transform(transform),
                                     f"p {i}é"))
    return PartitionSpec(*fields)


def tuple_of(table: Any, row: dict[str, Any]) -> tuple[Any, ...]:
    """The row's partition, by PyIceberg's transforms (its Arrow ones need one more package)."""
    values = []
    for field in table.spec().fields:
        source = SALES.find_field(field.source_id)
        value = row[source.name]
        if value is not None and isinstance(source.field_type, TimestampType):
            value = (value - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1)
        elif value is not None and isinstance(source.field_type, DateType):
            value = (value - dt.date(1970, 1, 1)).days
        values.append(field.transform.transform(source.field_type)(value))
    return tuple(values)


def data_files(table: Any, rows: list[dict[str, Any]]) -> list[DataFile]:
    """One Parquet file a partition, described by PyIceberg."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple_of(table, row), []).append(row)
    made = []
    for values, group in groups.items():
        path = f"{table.location()}/data/{uuid.uuid4()}.parquet"
        local = Path(path.removeprefix("file://"))
        local.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(group, SALES.as_arrow()), local)
        statistics = data_file_statistics_from_parquet_metadata(
            pq.read_metadata(local), compute_statistics_plan(SALES, {}), parquet_path_to_id_mapping(SALES))
        made.append(DataFile.from_args(
            content=DataFileContent.DATA, file_path=path,
            file_format=FileFormat.PARQUET, partition=Record(*values), file_size_in_bytes=local.stat().st_size,
            sort_order_id=None, spec_id=table.spec().spec_id, equality_ids=None, key_metadata=None,
            **statistics.to_serialized_dict()))
        made[-1].spec_id = table.spec().spec_id
    return made


def append(table: Any, rows: list[dict[str, Any]], remove: Any = None) -> Any:
    files = data_files(table, rows)
    with table.transaction() as change:
        update = change.update_snapshot()
        with update.fast_append() if remove is None else update.overwrite() as snapshot:
            for file in files:
                snapshot.append_data_file(file)
            if remove is not None:
                snapshot.delete_data_file(remove)
    return table.catalog.current


PARTITIONINGS = ["", "identity(id)", "year(at)", "month(at)", "day(at)", "hour(at)", "day(day)", "bucket[4](shop)",
                 "truncate[6](shop)", "truncate[100](amount)", "identity(amount)", "bucket[3](key)", "identity(n)",
                 "identity(day)", "identity(at)", "identity(shop)", "identity(key)", "identity(ratio)",
                 "day(at)+bucket[4](shop)"]


@pytest.mark.parametrize("partitioning", PARTITIONINGS)
@pytest.mark.parametrize("version", [1, 2])
def test_we_read_pyiceberg(tmp_path: Path, partitioning: str, version: int) -> None:
    codec = ["gzip", "zstd", "null"][len(partitioning) % 3]
    table = OneTable(tmp_path).create(tmp_path, SALES, spec_of(partitioning),
                                      **{"format-version": str(version), "write.avro.compression-codec": codec})
    table = append(table, sales(0, 12))
    table = append(table, sales(12, 6))
    gone = next(task.file for task in table.scan("id = 1").plan_files())
    table = append(table, sales(18, 3), remove=gone)

    theirs = {task.file.file_path: task.file for task in table.scan().plan_files()}
    answer = call(tmp_path, "plan", metadata=table.metadata_location)
    assert sum(f["records"] for f in answer["files"]) == 21 - gone.record_count
    assert {f["path"] for f in answer["files"]} == set(theirs)
    for file in answer["files"]:
        other = theirs[file["path"]]
        assert (file["records"], file["bytes"]) == (other.record_count, other.file_size_in_bytes)
        assert file["columns"] == len(SALES.fields)
        assert len(file["partition"]) == len(table.spec().fields)
        for i, text in enumerate(file["partition"]):
            assert same_value(text, other.partition[i]), (partitioning, text, other.partition[i])
    assert [f["name"] for f in answer["schema"]["fields"]] == [f.name for f in SALES.fields]

    one = call(tmp_path, "plan", metadata=table.metadata_location,
               predicates=[{"field": "id", "op": "=", "text": "20"}])
    assert [f["path"] for f in one["files"]] == [t.file.file_path for t in table.scan("id = 20").plan_files()]


COMPARED = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
            ">=": operator.ge}


@pytest.mark.parametrize("partitioning", [p for p in PARTITIONINGS if p])
def test_we_prune_partitions_as_pyiceberg_does(tmp_path: Path, partitioning: str) -> None:
    """By partitions alone: its columns' bounds are taken away. No file that holds a row of interest is left out, and of
    the others no more are read than it reads (but for times before 1970, where older writers rounded otherwise)."""
    table = OneTable(tmp_path).create(tmp_path, SALES, spec_of(partitioning), **{"format-version": "2"})
    rows = sales(0, 60)
    files = []
    for file in data_files(table, rows):
        file._data[10] = file._data[11] = None  # lower and upper bounds
        file._data[7] = file._data[8] = None  # counts of values and nulls
        files.append(file)
    with table.transaction() as change, change.update_snapshot().fast_append() as snapshot:
        for file in files:
            snapshot.append_data_file(file)
    table = table.catalog.current
    held = {f.file_path: [r | {"key": uuid.UUID(bytes=bytes(getattr(r["key"], "bytes", r["key"])))}
                          for r in pq.read_table(f.file_path.removeprefix("file://")).to_pylist()] for f in files}
    for column in {part.rstrip(")").split("(")[1] for part in partitioning.split("+")}:
        for value in [rows[i][column] for i in (9, 30, 59)]:
            value = uuid.UUID(bytes=value) if column == "key" else value
            for op, holds in COMPARED.items():
                text = value.isoformat() if isinstance(value, dt.date) else str(value)
                quoted = text if column in ("id", "n", "ratio", "amount") else f"'{text}'"
                ours = {f["path"] for f in call(tmp_path, "plan", metadata=table.metadata_location, predicates=[
                    {"field": column, "op": op, "text": text.replace("T", " ")}])["files"]}
                needed = {path for path, content in held.items()
                          if any(r[column] is not None and holds(r[column], value) for r in content)}
                assert needed <= ours, (column, op, text)
                if column == "key" and op not in ("=", "!="):
                    continue  # it cannot order UUIDs
                theirs = {t.file.file_path for t in table.scan(f"{column} {op} {quoted}").plan_files()}
                assert ours <= theirs or text < "1970-01-02", (column, op, text)


def same_value(text: str | None, value: Any) -> bool:
    """A partition value as our text and as PyIceberg's object: days and microseconds come as numbers there."""
    if text is None or value is None:
        return text is None and value is None
    if isinstance(value, int) and ":" in text:
        return (dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=value)).isoformat().startswith(text[:19])
    if isinstance(value, int) and "-" in text[1:]:
        return (dt.date(1970, 1, 1) + dt.timedelta(days=value)).isoformat() == text
    if isinstance(value, decimal.Decimal):
        return decimal.Decimal(text) == value
    if isinstance(value, float):
        return math.isclose(value, float(text), rel_tol=1e-6)  # PyIceberg gives a double back as a float
    return str(value) == text


def test_an_unknown_codec_is_named(tmp_path: Path) -> None:
    table = OneTable(tmp_path).create(tmp_path, SALES, PartitionSpec(), **{"write.avro.compression-codec": "bzip2"})
    table = append(table, sales(0, 4))
    assert "unsupported" in refused(tmp_path, "plan", metadata=table.metadata_location)
    assert "codec 'bzip2'" in refused(tmp_path, "plan", metadata=table.metadata_location)


def test_we_continue_a_table_of_pyiceberg(tmp_path: Path) -> None:
    """Replace of a partitioned table of theirs: they read it on, with its history."""
    catalog = OneTable(tmp_path)
    spec = PartitionSpec(PartitionField(7, 1000, parse_transform("identity"), "n"),
                         PartitionField(5, 1001, parse_transform("truncate[100]"), "a m"))
    table = catalog.create(tmp_path, SALES, spec, **{"format-version": "2"})
    table = append(table, sales(0, 5))
    fields = [{"id": 1, "name": "id", "required": True, "type": "long"}]
    made = call(tmp_path, "schema", metadata=table.metadata_location,
                schema={"type": "struct", "schema-id": 0, "fields": fields})["schema"]
    file = write(f"file://{tmp_path}/data/shop/t", "ours.parquet", made["fields"], [{"id": 70}, {"id": 71}])
    answer = call(tmp_path, "replace", metadata=table.metadata_location, schema=made, files=[file])
    after = pyiceberg_table.StaticTable.from_metadata(answer["location"])
    assert after.scan().to_arrow().to_pylist() == [{"id": 70}, {"id": 71}]
    assert after.spec().fields == ()
    assert count_deleted(after) == 0  # the columns of their spec are gone
    assert after.current_snapshot().summary["deleted-data-files"] == "5"
    appended = call(tmp_path, "append", metadata=answer["location"],
                    files=[write(f"file://{tmp_path}/data/shop/t", "more.parquet", made["fields"], [{"id": 72}])])
    again = pyiceberg_table.StaticTable.from_metadata(appended["location"])
    assert sorted(r["id"] for r in again.scan().to_arrow().to_pylist()) == [70, 71, 72]


# ---- merges, overwrites and delete files --------------------------------------------------------------------------

def sold(day: str, first: int, n: int) -> list[dict[str, Any]]:
    return [{"id": i, "name": day, "price": i / 8} for i in range(first, first + n)]


class Sales:
    """A table of ours, partitioned by name, whose versions' rows are known."""

    def __init__(self, root: Path) -> None:
        self.root = root
        made = call(root, "create", name="sales", schema=SCHEMA)
        self.table, self.fields = made["table"], made["schema"]["fields"]
        terms = [{"source": 2, "transform": "identity", "name": "by"}]
        self.n = 0
        self.empty = call(root, "partition", metadata=made["location"], terms=terms)["location"]
        self.base = self.append(self.append(self.empty, sold("a", 0, 20)), sold("b", 20, 20))

    def file(self, rows: list[dict[str, Any]], fields: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        self.n += 1
        return write(self.table, f"{self.n:05}-{uuid.uuid4()}.parquet", fields or self.fields, rows) | {
            "partition": [rows[0]["name"]]}

    def append(self, version: str, rows: list[dict[str, Any]]) -> str:
        return str(call(self.root, "append", metadata=version, files=[self.file(rows)])["location"])

    def overwrite(self, version: str, partition: str, rows: list[dict[str, Any]]) -> str:
        files = [self.file(rows)] if rows else []
        return str(call(self.root, "overwrite", metadata=version, files=files, partitions=[[partition]])["location"])

    def deletes(self, partition: str, rows: list[tuple[str, int]], named: bool) -> dict[str, Any]:
        """A position delete file of (path, row) pairs."""
        self.n += 1
        path = Path(self.table.removeprefix("file://")) / "data" / f"{self.n:05}-deletes.parquet"
        schema = pa.schema([
            pa.field("file_path", pa.string(), nullable=False, metadata={"PARQUET:field_id": "2147483546"}),
            pa.field("pos", pa.int64(), nullable=False, metadata={"PARQUET:field_id": "2147483545"})])
        rows = sorted(rows)
        pq.write_table(pa.table([[p for p, _ in rows], [i for _, i in rows]], schema=schema), path)
        made = {"path": f"file://{path}", "records": len(rows), "bytes": path.stat().st_size, "columns": [],
                "partition": [partition], "content": 1}
        return made | {"references": rows[0][0]} if named else made

    def delta(self, version: str, *files: dict[str, Any]) -> str:
        return str(call(self.root, "delta", metadata=version, files=list(files))["location"])

    def path(self, version: str, partition: str) -> str:
        """The only file of a partition."""
        tasks = pyiceberg_table.StaticTable.from_metadata(version).scan(row_filter=f"name = '{partition}'").plan_files()
        [path] = [task.file.file_path for task in tasks]
        return str(path)

    def merge(self, source: str, target: str, **more: Any) -> str:
        before = sorted(self.root.rglob("*"))
        call(self.root, "merge", base=self.base, source=source, metadata=target, dry=True, **more)
        assert sorted(self.root.rglob("*")) == before
        return str(call(self.root, "merge", base=self.base, source=source, metadata=target, **more)["location"])

    def refused(self, source: str, target: str) -> str:
        return refused(self.root, "merge", base=self.base, source=source, metadata=target)

    def check(self, version: str, rows: list[dict[str, Any]]) -> None:
        """PyIceberg reads exactly these rows, and finds the summary to be so."""
        table = pyiceberg_table.StaticTable.from_metadata(version)
        assert same(table.scan().to_arrow().to_pylist(), rows)
        files = table.inspect.files().to_pylist()
        summary = table.current_snapshot().summary
        live = [f for f in files if f["content"] == 0]
        assert int(summary["total-data-files"]) == len(live)
        assert int(summary["total-records"]) == sum(f["record_count"] for f in live)
        assert int(summary["total-delete-files"]) == len(files) - len(live)
        assert int(summary["total-files-size"]) == sum(f["file_size_in_bytes"] for f in files)

    def both(self, one: str, other: str, rows: list[dict[str, Any]]) -> None:
        self.check(self.merge(one, other), rows)
        self.check(self.merge(other, one), rows)


@pytest.fixture
def shop(tmp_path: Path) -> Sales:
    return Sales(tmp_path)


A, B = sold("a", 0, 20), sold("b", 20, 20)


def test_pyiceberg_reads_merged_appends(shop: Sales) -> None:
    source, target = shop.append(shop.base, sold("a", 40, 5)), shop.append(shop.base, sold("c", 50, 5))
    shop.both(source, target, A + B + sold("a", 40, 5) + sold("c", 50, 5))
    merged = pyiceberg_table.StaticTable.from_metadata(shop.merge(source, target))
    assert [s.sequence_number for s in merged.snapshots()] == [1, 2, 3, 4]
    assert merged.current_snapshot().parent_snapshot_id == merged.snapshots()[-2].snapshot_id
    plan = call(shop.root, "plan", metadata=shop.merge(source, target))
    assert [f["records"] for f in plan["files"]] == [20, 20, 5, 5]
    assert [f["partition"] for f in plan["files"]] == [["a"], ["b"], ["c"], ["a"]]


def test_pyiceberg_reads_merged_overwrites(shop: Sales) -> None:
    source = shop.overwrite(shop.base, "a", sold("a", 60, 3))
    shop.check(source, sold("a", 60, 3) + B)
    shop.both(source, shop.overwrite(shop.base, "b", sold("b", 70, 3)), sold("a", 60, 3) + sold("b", 70, 3))
    shop.both(source, shop.append(shop.base, sold("b", 80, 3)), sold("a", 60, 3) + B + sold("b", 80, 3))
    shop.both(shop.overwrite(shop.base, "a", []), shop.append(shop.base, sold("c", 1, 1)), B + sold("c", 1, 1))
    assert "partition by = a" in shop.refused(source, shop.append(shop.base, sold("a", 90, 1)))
    table = pyiceberg_table.StaticTable.from_metadata(shop.merge(source, shop.append(shop.base, sold("b", 80, 3))))
    assert count_deleted(table) == 1
    assert len(list(table.scan(row_filter="name = 'a'").plan_files())) == 1  # summaries of rewritten manifests hold


def test_pyiceberg_reads_merged_columns(shop: Sales) -> None:
    wide = [*shop.fields, {"id": 4, "name": "size", "required": False, "type": "long"}]
    schema = {"type": "struct", "schema-id": 1, "fields": wide}
    rows = [r | {"size": 7} for r in sold("c", 40, 4)]
    source = call(shop.root, "append", metadata=shop.base, schema=schema, files=[shop.file(rows, wide)])["location"]
    target = shop.append(shop.base, sold("b", 50, 4))
    shop.both(source, target, [r | {"size": None} for r in A + B + sold("b", 50, 4)] + rows)


def test_pyiceberg_reads_merged_deletes(shop: Sales) -> None:
    of_a, of_b = shop.path(shop.base, "a"), shop.path(shop.base, "b")
    deleted = shop.delta(shop.base, shop.deletes("a", [(of_a, 0), (of_a, 3)], named=False))
    rest = [r for r in A if r["id"] not in (0, 3)]
    shop.check(deleted, rest + B)
    shop.both(deleted, shop.append(shop.base, sold("a", 40, 4)), rest + B + sold("a", 40, 4))
    shop.both(deleted, shop.overwrite(shop.base, "b", sold("b", 50, 2)), rest + sold("b", 50, 2))
    other = shop.delta(shop.base, shop.deletes("b", [(of_b, 1)], named=True))
    shop.both(deleted, other, rest + B[:1] + B[2:])
    assert "deleted rows of one file" in shop.refused(
        deleted, shop.delta(shop.base, shop.deletes("a", [(of_a, 1)], named=True)))

    # an update: its new row and the delete of its own file come under the new number
    added = shop.append(shop.base, sold("c", 60, 4))
    update = shop.delta(added, shop.deletes("c", [(shop.path(added, "c"), 2)], named=True),
                        shop.file(sold("c", 62, 1)))
    kept = [r for r in sold("c", 60, 4) if r["id"] != 62] + sold("c", 62, 1)
    shop.check(update, A + B + kept)
    shop.both(update, shop.append(shop.base, sold("c", 70, 2)), A + B + kept + sold("c", 70, 2))


def deletes_by_pyiceberg(version: str) -> dict[str, set[str]]:
    tasks = pyiceberg_table.StaticTable.from_metadata(version).scan().plan_files()
    return {task.file.file_path: {d.file_path for d in task.delete_files} for task in tasks}


def deletes_by_us(root: Path, version: str) -> dict[str, set[str]]:
    return {f["path"]: set(f["deletes"]) for f in call(root, "plan", metadata=version)["files"]}


def test_we_apply_the_deletes_that_pyiceberg_applies(shop: Sales) -> None:
    of_a = shop.path(shop.base, "a")
    version = shop.delta(shop.base, shop.deletes("a", [(of_a, 0), (of_a, 3)], named=False))
    version = shop.append(version, sold("c", 60, 4))
    version = shop.delta(version, shop.deletes("c", [(shop.path(version, "c"), 2)], named=True),
                         shop.file(sold("c", 62, 1)))
    version = shop.append(version, sold("a", 80, 4))
    ours = deletes_by_us(shop.root, version)
    theirs = deletes_by_pyiceberg(version)
    assert ours.keys() == theirs.keys()
    for path, deletes in ours.items():  # it does not heed the one file that a delete names (field 143)
        assert deletes <= theirs[path]
    assert ours[of_a] == theirs[of_a] != set()
    assert sorted(len(d) for d in ours.values()) == [0, 0, 0, 1, 1]


def test_equality_deletes_are_listed_and_not_merged(shop: Sales) -> None:
    path = Path(shop.table.removeprefix("file://")) / "data" / "equality.parquet"
    pq.write_table(pa.table([[1, 2]], schema=arrow_schema(shop.fields[:1])), path)
    file = {"path": f"file://{path}", "records": 2, "bytes": path.stat().st_size, "columns": [], "partition": ["a"],
            "content": 2, "equality": [1]}
    source = shop.delta(shop.base, file)
    [listed] = [f for f in pyiceberg_table.StaticTable.from_metadata(source).inspect.files().to_pylist()
                if f["content"] == 2]
    assert listed["equality_ids"] == [1]
    assert "equality deletes" in shop.refused(source, shop.append(shop.base, sold("a", 40, 1)))


def test_a_file_of_both_sides_is_left_out(shop: Sales) -> None:
    source = shop.append(shop.append(shop.base, sold("a", 40, 5)), sold("b", 45, 5))
    copy = next(f["path"] for f in call(shop.root, "plan", metadata=source)["files"][2:])
    target = shop.append(shop.base, sold("a", 40, 5))
    shop.check(shop.merge(source, target, skip=[copy]), A + B + sold("a", 40, 5) + sold("b", 45, 5))


def test_we_merge_lines_of_pyiceberg(tmp_path: Path) -> None:
    """Its appends, overwrites and copy-on-write deletes, of both format versions, beside ours."""
    for version in (1, 2):
        root = tmp_path / str(version)
        catalog = OneTable(root)
        table = catalog.create(root, SALES, spec_of("identity(n)"), **{"format-version": str(version)})
        base = append(append(table, sales(0, 4)), sales(4, 4)).metadata_location
        gone = next(task.file for task in catalog.at(base).scan("id = 1").plan_files())
        target = append(catalog.at(base), sales(20, 2), remove=gone).metadata_location
        source = append(append(catalog.at(base), sales(30, 2)), sales(32, 1)).metadata_location
        expected = [0, *range(2, 8), 20, 21, 30, 31, 32]
        for one, other in ((source, target), (target, source)):
            made = call(root, "merge", base=base, source=one, metadata=other)
            merged = pyiceberg_table.StaticTable.from_metadata(made["location"])
            assert sorted(r["id"] for r in merged.scan().to_arrow().to_pylist()) == expected
            plan = call(root, "plan", metadata=made["location"])
            assert sum(f["records"] for f in plan["files"]) == len(expected)
            assert merged.format_version == 2


# ---- our partitions and our alterations, read by PyIceberg ---------------------------------------------------------

SHOPS = ["a/b", "=é%20", "", "北京市朝阳区", "x" * 300, None]


def text_of(value: Any, field: Any, source: Any) -> str | None:
    """A partition value of PyIceberg's transforms as our tool reads it."""
    if value is None:
        return None
    kind = str(field.transform)
    if kind == "day" or (kind == "identity" and isinstance(source, DateType)):
        return (dt.date(1970, 1, 1) + dt.timedelta(days=value)).isoformat()
    if kind == "identity" and isinstance(source, TimestampType):
        return (dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=value)).isoformat(sep=" ")
    if isinstance(source, UUIDType) and kind == "identity":
        return str(uuid.UUID(bytes=value) if isinstance(value, bytes) else value)
    return str(value)


def our_files(table: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One Parquet file a partition, described for our side by partition alone."""
    made = []
    for file in data_files(table, rows):
        values = [file.partition[i] for i in range(len(table.spec().fields))]
        made.append({"path": file.file_path, "records": file.record_count, "bytes": file.file_size_in_bytes,
                     "columns": [], "partition": [
                         text_of(v, f, SALES.find_field(f.source_id).field_type)
                         for v, f in zip(values, table.spec().fields, strict=True)]})
    return made


@pytest.mark.parametrize("partitioning", [p for p in PARTITIONINGS if p])
def test_pyiceberg_reads_our_partitions(tmp_path: Path, partitioning: str) -> None:
    made = call(tmp_path, "create", name="t", schema=json.loads(SALES.model_dump_json()))
    terms = []
    for part in partitioning.split("+"):
        transform, column = part.rstrip(")").split("(")
        terms.append({"kind": "add", "source": SALES.find_field(column).field_id, "transform": transform})
    location = call(tmp_path, "alter", metadata=made["location"], specs=terms)["location"]
    table = pyiceberg_table.StaticTable.from_metadata(location)
    rows = [row | ({"shop": SHOPS[i]} if i < len(SHOPS) else {}) for i, row in enumerate(sales(0, 16))]
    answer = call(tmp_path, "append", metadata=location, files=our_files(table, rows))
    table = pyiceberg_table.StaticTable.from_metadata(answer["location"])

    groups = {json.dumps(tuple_of(table, row), default=str) for row in rows}
    assert len(groups) == len(list(table.scan().plan_files()))
    assert sum(t.file.record_count for t in table.scan().plan_files()) == len(rows)
    for task in table.scan().plan_files():
        one = pq.read_table(task.file.file_path.removeprefix("file://")).to_pylist()[0]
        row = next(r for r in rows if r["id"] == one["id"])
        for i, value in enumerate(tuple_of(table, row)):
            got = task.file.partition[i]
            if isinstance(value, float):  # it gives a double back as a float
                assert math.isclose(got, value, rel_tol=1e-6)
            else:
                assert (got.bytes if isinstance(got, uuid.UUID) and isinstance(value, bytes) else got) == value
    for row in rows:  # each is found by what it is partitioned by
        for part in partitioning.split("+"):
            column = part.rstrip(")").split("(")[1]
            if row[column] is not None and column in ("id", "n", "amount", "day"):
                literal = f"'{row[column]}'" if column == "day" else str(row[column])
                found = table.scan(f"{column} = {literal}").to_arrow().to_pylist()
                assert row["id"] in [r["id"] for r in found], (column, literal)


def test_pyiceberg_reads_what_we_altered(tmp_path: Path) -> None:
    """Columns renamed, added, dropped, widened and moved, the table partitioned anew: rows of all times are read."""
    made = call(tmp_path, "create", name="t", schema=json.loads(SALES.model_dump_json()))
    table = pyiceberg_table.StaticTable.from_metadata(made["location"])
    rows = sales(0, 4)
    location = call(tmp_path, "append", metadata=made["location"], files=our_files(table, rows))["location"]
    location = call(tmp_path, "alter", metadata=location, columns=[
        {"kind": "rename", "path": ["shop"], "name": "store"},
        {"kind": "type", "path": ["n"], "type": "long"},
        {"kind": "type", "path": ["amount"], "type": "decimal(12,2)"},
        {"kind": "drop", "path": ["ratio"]},
        {"kind": "add", "path": ["ratio"], "type": "int"},
        {"kind": "optional", "path": ["id"]},
        {"kind": "move", "path": ["day"], "place": "first"},
    ], specs=[{"kind": "add", "source": 3, "transform": "month"},
              {"kind": "add", "source": 7, "transform": "bucket[4]"}])["location"]
    table = pyiceberg_table.StaticTable.from_metadata(location)
    assert [f.name for f in table.spec().fields] == ["day_month", "n_bucket_4"]
    names = ["day", "id", "at", "store", "amount", "key", "n", "ratio"]
    assert [f.name for f in table.schema().fields] == names
    assert not table.schema().find_field("id").required
    read = table.scan().to_arrow().to_pylist()
    assert [(r["id"], r["store"], r["n"], r["ratio"], r["amount"]) for r in sorted(read, key=lambda r: r["id"])] == [
        (r["id"], r["shop"], r["n"], None, r["amount"]) for r in rows]
    # rows of the new partitions beside those of none, then one field less
    path = Path(made["table"].removeprefix("file://")) / "data" / "more.parquet"
    pq.write_table(pa.Table.from_pylist(
        [{n: r.get(n) for n in names} | {"ratio": 7, "store": "new"} for r in sales(7, 1)],
        schema=table.schema().as_arrow()), path)
    bucket = parse_transform("bucket[4]").transform(LongType())(2)
    more = {"path": f"file://{path}", "columns": [], "records": 1, "bytes": path.stat().st_size,
            "partition": ["0", str(bucket)]}
    location = call(tmp_path, "append", metadata=location, files=[more])["location"]
    location = call(tmp_path, "alter", metadata=location, specs=[{"kind": "drop", "field": "n_bucket_4"}])["location"]
    table = pyiceberg_table.StaticTable.from_metadata(location)
    assert [f.name for f in table.spec().fields] == ["day_month"]
    read = table.scan().to_arrow().to_pylist()
    assert sorted((r["id"], r["ratio"]) for r in read) == [(0, None), (1, None), (2, None), (3, None), (7, 7)]
    assert sorted(r["id"] for r in table.scan("n = 2").to_arrow().to_pylist()) == [7]
    plan = call(tmp_path, "plan", metadata=location, predicates=[{"field": "day", "op": ">=", "text": "1990-01-01"}])
    assert len(plan["files"]) == 1  # that of no partition, which has no bounds
