"""Tables that others keep: PyIceberg writes them, corrie reads them where they lie, and nothing outside is touched."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import shutil
import uuid
from pathlib import Path
from typing import Any

import pytest
from conftest import Lake, write_project

pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("pyiceberg")
test_iceberg = pytest.importorskip("test_iceberg")

from pyiceberg.types import IntegerType, LongType  # noqa: E402
from test_iceberg import PARTITIONINGS, SALES, OneTable, append, call, people, sales, spec_of  # noqa: E402


@pytest.fixture
def lake(lake: Lake) -> Lake:
    lake.unreadable = "others wrote the tables: each test here reads them by PyIceberg itself"
    return lake


def external(lake: Lake, metadata: str | Path, *more: str) -> Any:
    return lake.json("table", "create-external", "t", "--metadata-json-uri", metadata, *more)


def plain(cell: Any) -> Any:
    if isinstance(cell, uuid.UUID):
        return cell.bytes
    if isinstance(cell, dict):
        return {name: plain(value) for name, value in sorted(cell.items())}
    return [plain(value) for value in cell] if isinstance(cell, list) else cell


def texts(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(str(plain(row)) for row in rows)


def read(lake: Lake, sql: str = "SELECT * FROM t", *more: str) -> list[str]:
    path = lake.home / f"{uuid.uuid4()}.parquet"
    lake.run("query", sql, "--to", path, *more)
    return texts(pq.read_table(path).to_pylist())


def theirs(table: Any, **more: Any) -> list[str]:
    return texts(table.scan(**more).to_arrow().to_pylist())


def files_of(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "there"


def make(root: Path, partitioning: str = "", version: int = 2) -> Any:
    catalog = OneTable(root)
    table = catalog.create(root, SALES, spec_of(partitioning), **{"format-version": str(version)})
    return append(append(table, sales(0, 12)), sales(12, 9))


def append_more(table: Any) -> Any:
    return append(table, sales(100, 5))


@pytest.mark.parametrize("partitioning", PARTITIONINGS)
@pytest.mark.parametrize("version", [1, 2])
def test_we_read_every_partitioning(lake: Lake, there: Path, partitioning: str, version: int) -> None:
    table = make(there, partitioning, version)
    gone = next(task.file for task in table.scan("id = 1").plan_files())
    table = append(table, sales(30, 3), remove=gone)
    before = files_of(there)
    made = external(lake, table.metadata_location)
    assert made["rows"] == 24 - gone.record_count
    assert made["files"][0]["uri"] == table.metadata_location
    assert [c["name"] for c in made["schema"]] == [f.name for f in SALES.fields]
    assert read(lake) == theirs(table)
    for sql, condition in [("id = 20", "id = 20"), ("shop IS NULL", "shop IS NULL"), ("n < 0", "n < 0"),
                           ("\"at\" < TIMESTAMP '1970-01-01'", "at < '1970-01-01T00:00:00'"),
                           ("day >= DATE '1970-01-02'", "day >= '1970-01-02'")]:
        assert read(lake, f"SELECT * FROM t WHERE {sql}") == theirs(table, row_filter=condition), sql
    assert files_of(there) == before
    lake.fsck()


def test_sizes_of_columns_that_others_left_out_are_not_known(lake: Lake, there: Path, tmp_path: Path,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics are optional: what they do not say is not nothing."""
    given = test_iceberg.DataFile.from_args
    monkeypatch.setattr(test_iceberg.DataFile, "from_args", lambda **all: given(**{**all, "column_sizes": None}))
    external(lake, make(there).metadata_location)
    project = write_project(tmp_path / "p", {
        "a.sql": "-- corrie: materialization_strategy=REPLACE\nSELECT id, shop FROM t WHERE id >= 12\n"})
    [scan] = [s for s in lake.json("explain", "-p", project)["steps"] if s["step"] == "scan"]
    assert (scan["files"], scan["files_pruned"], scan["bytes"]) == (1, 1, None)
    assert "· size not known, 1 of 2 files" in lake.run("explain", "-p", project).stdout
    assert "to read      not known" in lake.run("explain", "SELECT id FROM t").stdout
    done = lake.json("run", "-p", project)
    assert done["nodes"][0]["bytes_read"] is None and done["nodes"][0]["rows"] == 9
    assert "bytes_read" not in next(e for e in lake.json("job", "logs", "last")["logs"] if e["kind"] == "done")


def test_an_evolved_table(lake: Lake, there: Path) -> None:
    table = make(there, "day(at)")
    with table.update_schema() as change:
        change.rename_column("shop", "place")
        change.delete_column("ratio")
        change.add_column("late", IntegerType())
        change.update_column("n", LongType())
        change.move_first("n")
    table = table.catalog.current
    with table.update_spec() as change:
        change.remove_field("p 0é")
        change.add_identity("late")
    table = table.catalog.current
    external(lake, table.metadata_location)
    assert read(lake) == theirs(table)
    assert [f["name"] for f in lake.json("table", "get", "t")["fields"]] == [f.name for f in table.schema().fields]
    assert read(lake, "SELECT * FROM t WHERE late IS NULL") == theirs(table)


@pytest.mark.parametrize("moved", [False, True])
def test_position_deletes(lake: Lake, there: Path, tmp_path: Path, moved: bool) -> None:
    """Written by a lake elsewhere, which is not this one: for corrie it is a directory of somebody's."""
    shop = test_iceberg.Sales(there)
    one = shop.delta(shop.base, shop.deletes("a", [(shop.path(shop.base, "a"), i) for i in (0, 7, 19)], named=False))
    two = shop.delta(one, shop.deletes("b", [(shop.path(shop.base, "b"), 3)], named=True))
    expected = theirs(test_iceberg.pyiceberg_table.StaticTable.from_metadata(two))
    assert len(expected) == 36
    if moved:
        there.rename(tmp_path / "elsewhere")
        two = two.replace(str(there), str(tmp_path / "elsewhere"))
    external(lake, two)
    assert read(lake) == expected
    lake.fsck()


def test_equality_deletes(lake: Lake, there: Path) -> None:
    made = call(there, "create", name="t", schema=test_iceberg.SCHEMA)
    fields = made["schema"]["fields"]
    rows = test_iceberg.write(made["table"], "1.parquet", fields, people(0, 10))
    deletes = test_iceberg.write(made["table"], "2.parquet", fields[:1], [{"id": i} for i in (2, 5)]) | {
        "content": 2, "equality": [fields[0]["id"]], "columns": []}
    one = call(there, "append", metadata=made["location"], files=[rows])["location"]
    two = call(there, "delta", metadata=one, files=[deletes])["location"]
    external(lake, two)
    assert [int(id) for [id] in lake.rows("SELECT id FROM t ORDER BY id")] == [0, 1, 3, 4, 6, 7, 8, 9]
    lake.fsck()


@pytest.mark.parametrize("form", ["path", "file:///", "file:/", "relative", "folder", "metadata folder"])
def test_what_a_metadata_file_is_called(lake: Lake, there: Path, form: str) -> None:
    table = make(there)
    path = Path(table.metadata_location.removeprefix("file://"))
    names: dict[str, str | Path] = {"path": path, "file:///": f"file://{path}", "file:/": f"file:{path}",
             "relative": Path("..") / path.relative_to(lake.home.parent), "folder": path.parent.parent,
             "metadata folder": path.parent}
    made = external(lake, names[form])
    assert made["files"][0]["uri"] == f"file://{path}"
    assert read(lake) == theirs(table)


def test_a_packed_metadata_file(lake: Lake, there: Path) -> None:
    table = make(there)
    path = Path(table.metadata_location.removeprefix("file://"))
    packed = path.with_name("00009-x.gz.metadata.json")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    external(lake, there / "data/shop/t")
    assert lake.json("table", "get", "t")["source"].endswith("00009-x.gz.metadata.json")
    assert read(lake) == theirs(table)
    lake.fsck()


def test_of_two_newest_files_none_is_taken(lake: Lake, there: Path) -> None:
    """One is what a failed commit left. To take either could be to take rows that never were."""
    table = make(there)
    path = Path(table.metadata_location.removeprefix("file://"))
    shutil.copy(path, path.with_name(path.name[:6] + "1" * 8 + path.name[14:]))
    told = lake.error("table", "create-external", "t", "--metadata-json-uri", path.parent, status=2)
    assert "two metadata files of version" in told and path.name in told
    external(lake, path)


@pytest.mark.parametrize("partitioning", ["", "identity(shop)"])
def test_a_folder_that_was_moved(lake: Lake, there: Path, tmp_path: Path, partitioning: str) -> None:
    table = make(there, partitioning)
    expected = theirs(table)
    there.rename(tmp_path / "elsewhere")
    external(lake, tmp_path / "elsewhere/data/shop/t")
    got = lake.json("table", "get", "t")
    assert got["location"] == f"file://{tmp_path}/elsewhere/data/shop/t"
    assert read(lake) == expected
    lake.fsck()


def test_a_copy_of_a_bucket(lake: Lake, there: Path) -> None:
    """Downloaded with `aws s3 sync`, the files say s3:// of themselves and lie here."""
    made = call(there, "create", name="t", schema=test_iceberg.SCHEMA)
    path = Path(made["location"].removeprefix("file://"))
    text = path.read_text().replace(f"file://{there}", "s3://bucket/lake")
    path.write_text(text)
    external(lake, path)
    assert lake.rows("SELECT count(*) FROM t") == [["0"]]
    alone = lake.home / "alone.metadata.json"
    alone.write_text(text)
    lake.run("table", "create-external", "u", "--metadata-json-uri", alone, status=2)


@pytest.mark.parametrize("uri", ["s3://bucket/t/metadata/v1.metadata.json", "gs://b/x", "https://host/x.json"])
def test_other_machines_are_refused(lake: Lake, uri: str) -> None:
    assert "this machine" in lake.error("table", "create-external", "t", "--metadata-json-uri", uri, status=2)
    assert lake.json("table", "ls")["tables"] == []


def test_it_can_only_be_read(lake: Lake, there: Path) -> None:
    table = make(there)
    external(lake, table.metadata_location)
    before, head = files_of(there), lake.head()
    lake.home.joinpath("more.csv").write_text("id\n1\n")
    for command in (["sql", "INSERT INTO t (id) VALUES (1)"], ["sql", "DELETE FROM t WHERE id = 1"],
                    ["sql", "UPDATE t SET n = 1"], ["sql", "ALTER TABLE t ADD COLUMN z INT"],
                    ["sql", "ALTER TABLE t SET TBLPROPERTIES ('a' = 'b')"],
                    ["sql", "MERGE INTO t USING (SELECT 1 AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE"],
                    ["sql", "CREATE OR REPLACE TABLE t AS SELECT 1 AS id"],
                    ["import", "more.csv", "t"], ["import", "more.csv", "t", "--replace"],
                    ["import", there / "data/shop/t/data", "t", "--in-place"]):
        told = lake.error(*command, status=7)
        assert "external" in told and "CREATE TABLE mine AS SELECT" in told, told
    assert (files_of(there), lake.head()) == (before, head)
    lake.run("sql", "CREATE TABLE mine AS SELECT * FROM t; DELETE FROM mine WHERE id = 1")
    assert lake.rows("SELECT count(*) FROM mine") == [["20"]]
    assert lake.rows("SELECT count(*) FROM t") == [["21"]]


def test_a_run_does_not_write_it(lake: Lake, there: Path) -> None:
    external(lake, make(there).metadata_location)
    project = lake.home / "p"
    project.mkdir()
    (project / "corrie.yaml").write_text("project:\n  id: 550e8400-e29b-41d4-a716-446655440000\n  name: p\n")
    (project / "t.sql").write_text("-- corrie: materialization_strategy=REPLACE\nSELECT 1 AS n\n")
    for command in ("run", "explain"):  # it is known before anything is computed
        told = lake.error(command, cwd=project, status=7)
        assert "external" in told and "t.sql:1:1" in told, told
    assert lake.json("table", "get", "t")["kind"] == "external_table"


def test_it_stays_as_it_was_taken(lake: Lake, there: Path) -> None:
    """What the others do later is seen when it is asked for, as a commit; the older one stays as it was."""
    table = make(there)
    first = external(lake, table.metadata_location)
    was = theirs(table)
    table = append_more(table)
    assert read(lake) == was
    assert "--overwrite" in lake.error("table", "create-external", "t", "--metadata-json-uri", table.metadata_location,
                                       status=4)
    second = external(lake, table.metadata_location, "--replace")
    assert second["commit"] not in (None, first["commit"])
    assert read(lake) == theirs(table)
    assert read(lake, "SELECT * FROM t", "--ref", "HEAD~1") == was
    assert external(lake, table.metadata_location, "--replace")["commit"] is None
    assert external(lake, table.metadata_location, "--replace")["files"][0]["status"] == "skipped"
    changes = lake.json("table", "history", "t")["versions"]
    assert [v["change"] for v in changes] == ["written", "created"]
    assert [v["records"] for v in changes] == [26, 21]
    lake.fsck()


def test_branches_and_merges(lake: Lake, there: Path) -> None:
    table = make(there)
    external(lake, table.metadata_location)
    lake.run("branch", "create", "dev")
    table = append_more(table)
    external(lake, table.metadata_location, "--replace", "--branch", "dev")
    [change] = lake.json("diff", "main", "dev", "--rows", "100")["changes"]
    assert (change["name"], change["records_before"], change["records_after"]) == ("public.t", 21, 26)
    assert [row["id"] for row in change["rows_added"]] == [100, 101, 102, 103, 104]
    assert change["rows_removed"] == []
    lake.run("branch", "merge", "dev")
    assert read(lake) == theirs(table)
    lake.run("branch", "create", "one")
    external(lake, append_more(table).metadata_location, "--replace", "--branch", "one")
    table = append_more(table.catalog.current)
    external(lake, table.metadata_location, "--replace")
    assert "external" in lake.error("branch", "merge", "one", status=4)
    lake.run("table", "rename", "t", "other")
    lake.run("table", "rm", "other", "--yes")
    assert files_of(there)


def test_gc_leaves_it_alone(lake: Lake, there: Path) -> None:
    table = make(there)
    external(lake, table.metadata_location)
    external(lake, append_more(table).metadata_location, "--replace")
    before = files_of(there)
    lake.run("gc", "--grace", "0", "--keep-reflog", "0")
    assert files_of(there) == before
    assert len(read(lake, "SELECT * FROM t", "--ref", "HEAD~1")) == 21
    assert len(read(lake)) == 26
    lake.run("table", "rm", "t", "--yes")
    assert files_of(there) == before


def test_files_that_others_removed(lake: Lake, there: Path) -> None:
    """A missing file is said with its path: by the query that needs it, by fsck, and when the table is made."""
    table = make(there)
    table = append_more(table)
    external(lake, table.metadata_location)
    [gone] = [Path(task.file.file_path.removeprefix("file://")) for task in table.scan("id = 101").plan_files()]
    kept = gone.read_bytes()
    gone.unlink()
    assert str(gone) in lake.error("query", "SELECT * FROM t", status=6)
    assert lake.rows("SELECT count(*) FROM t WHERE id < 100") == [["21"]]
    done = lake.run("fsck", "-o", "json", status=6)
    assert str(gone) in done.stdout
    lake.run("fsck", "--repair", status=6)
    assert lake.json("table", "get", "t")["records"] == 26
    assert str(gone) in lake.error("table", "create-external", "u", "--metadata-json-uri", table.metadata_location,
                                   status=6)
    assert [t["name"] for t in lake.json("table", "ls")["tables"]] == ["t"]
    gone.write_bytes(kept + b"x")
    assert str(gone) in lake.error("table", "create-external", "u", "--metadata-json-uri", table.metadata_location,
                                   status=6)
    gone.write_bytes(kept)
    lake.fsck()
    [listed] = [Path(s.manifest_list.removeprefix("file://")) for s in table.metadata.snapshots[-1:]]
    listed.unlink()
    told = lake.error("query", "SELECT * FROM t", status=6)
    assert str(listed) in told and "--overwrite" in told
    assert str(listed) in lake.error("table", "create-external", "u", "--metadata-json-uri", table.metadata_location,
                                     status=6)
    assert str(listed) in lake.run("fsck", "-o", "json", status=6).stdout
    lake.run("gc")  # whatever is missing elsewhere


def test_metadata_cut_anywhere(lake: Lake, there: Path) -> None:
    """Copied while it was written: whatever comes of it is an error, and no table."""
    table = make(there)
    path = Path(table.metadata_location.removeprefix("file://"))
    whole = path.read_bytes()
    cut = path.with_name("99999-cut.metadata.json")
    for at in [0, 1, len(whole) // 3, len(whole) - 1]:
        cut.write_bytes(whole[:at])
        assert "99999-cut" in lake.error("table", "create-external", "t", "--metadata-json-uri", cut, status=6)
    cut.write_text(json.dumps({**json.loads(whole), "format-version": 3}))
    assert "version 3" in lake.error("table", "create-external", "t", "--metadata-json-uri", cut, status=2)
    cut.write_text("[]")
    lake.run("table", "create-external", "t", "--metadata-json-uri", cut, status=6)
    lake.run("table", "create-external", "t", "--metadata-json-uri", there / "nowhere", status=3)
    assert "no metadata file" in lake.error("table", "create-external", "t", "--metadata-json-uri", lake.home, status=3)
    assert lake.json("table", "ls")["tables"] == []


def test_a_table_of_the_lake_is_not_replaced(lake: Lake, there: Path) -> None:
    table = make(there)
    lake.run("sql", "CREATE TABLE t AS SELECT 1 AS n")
    for more in ([], ["--overwrite"]):
        assert "own" in lake.error("table", "create-external", "t", "--metadata-json-uri", table.metadata_location,
                                   *more, status=7)
    assert lake.rows("SELECT n FROM t") == [["1"]]


def test_others_go_on_with_a_table_of_the_lake(lake: Lake, tmp_path: Path) -> None:
    """In the lake's own folder: the lake's table stays as it is, and gc keeps what the other one needs."""
    lake.run("sql", "CREATE TABLE t (id BIGINT, at TIMESTAMP)")
    lake.run("sql", f"INSERT INTO t VALUES (1, TIMESTAMP '{dt.datetime(2026, 1, 1)}')")
    catalog = OneTable(tmp_path)
    table = catalog.at(lake.json("table", "get", "t")["metadata_location"])
    table.append(table.scan().to_arrow())
    lake.run("table", "create-external", "u", "--metadata-json-uri", catalog.current.metadata_location)
    lake.run("gc", "--grace", "0", "--keep-reflog", "0")
    assert lake.rows("SELECT count(*) FROM t") == [["1"]]
    assert lake.rows("SELECT count(*) FROM u") == [["2"]]
    lake.fsck()
    moved = tmp_path / "moved"
    lake.root.rename(moved)
    lake.env["CORRIE_LAKE"] = str(moved)
    assert lake.rows("SELECT count(*) FROM u") == [["2"]]
    lake.fsck()
