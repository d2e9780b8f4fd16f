"""Files in: what becomes of them, what the ledger remembers, what a bad one gets."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest
from conftest import Lake

CSV = "id,name,price,day\n1,tea,2.5,2026-11-01\n2,\"salt, fine\",0.75,2026-11-02\n3,,1,2026-11-03\n"


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "goods.csv"
    path.write_text(CSV)
    return path


def types(lake: Lake, table: str) -> dict[str, str]:
    return {f["name"]: f["type"] for f in lake.json("table", "get", table)["fields"]}


def test_csv_becomes_a_typed_table(lake: Lake, csv: Path) -> None:
    done = lake.json("import", csv, "shop.goods")
    assert (done["rows"], done["created_table"], done["created_namespace"]) == (3, True, True)
    assert types(lake, "shop.goods") == {"id": "long", "name": "string", "price": "double", "day": "date"}
    assert lake.rows("SELECT name, price FROM shop.goods ORDER BY id") == [["tea", "2.5"], ["salt, fine", "0.75"],
                                                                           ["", "1.0"]]
    assert lake.rows("SELECT count(*) FROM shop.goods WHERE name IS NULL") == [["1"]]
    lake.fsck()


def test_parquet_keeps_types_and_order(lake: Lake, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"n": pa.array(range(300_000), pa.int32()), "s": [f"row {i}" for i in range(300_000)],
                      "t": pa.array([i * 1000 for i in range(300_000)], pa.timestamp("us"))})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=50_000)
    lake.run("import", tmp_path / "t.parquet", "t")
    assert types(lake, "t") == {"n": "int", "s": "string", "t": "timestamp"}
    first = lake.rows("SELECT n FROM t")
    assert [int(r[0]) for r in first] == list(range(300_000))


def test_only_iso_text_becomes_a_date(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("a,b,c\n1/1/2017,2017-01-31,2017-01-31 10:00:00\n12/31/2017,2018-02-01,2017-01-31 11:30:00\n")
    lake.run("import", path, "d")
    assert types(lake, "d") == {"a": "string", "b": "date", "c": "timestamp"}
    assert lake.rows("SELECT a FROM d") == [["1/1/2017"], ["12/31/2017"]]


def test_a_file_counts_once(lake: Lake, csv: Path) -> None:
    lake.run("import", csv, "goods")
    head = lake.head()
    again = lake.json("import", csv, "goods")
    assert again["commit"] is None and again["files"][0]["status"] == "skipped"
    assert lake.head() == head
    csv.touch()  # another date, the same content
    assert lake.json("import", csv, "goods")["commit"] is None
    csv.write_text(CSV + "4,rice,3,2026-11-04\n")  # another content
    assert lake.json("import", csv, "goods")["rows"] == 4
    assert lake.rows("SELECT count(*) FROM goods") == [["7"]]


def test_duplicates_on_request(lake: Lake, csv: Path) -> None:
    lake.run("import", csv, "goods")
    assert lake.json("import", csv, "goods", "--import-duplicate-files")["rows"] == 3
    assert lake.rows("SELECT count(*) FROM goods") == [["6"]]


def test_replace_takes_the_files_whatever_the_ledger_says(lake: Lake, csv: Path) -> None:
    lake.run("import", csv, "goods")
    done = lake.json("import", csv, "goods", "--replace")
    assert done["rows"] == 3 and done["commit"]
    assert lake.rows("SELECT count(*) FROM goods") == [["3"]]
    csv.write_text("id,colour\n9,red\n")
    lake.run("import", csv, "goods", "--replace")
    assert types(lake, "goods") == {"id": "long", "colour": "string"}
    assert lake.json("import", csv, "goods")["commit"] is None


def test_create_makes_an_empty_table_and_import_fills_it(lake: Lake, csv: Path) -> None:
    lake.run("namespace", "create", "adventure")
    made = lake.run("table", "create", "--name", "adventure.goods", "--search-uri", csv)
    assert "0 rows" in made.stdout + made.stderr
    assert lake.json("table", "get", "adventure.goods")["records"] == 0
    assert lake.rows("SELECT count(*) FROM adventure.goods") == [["0"]]
    lake.error("table", "create", "adventure.goods", "--from", csv, status=4)
    lake.run("table", "import", "--name", "adventure.goods", "--search-uri", csv)
    assert lake.json("table", "get", "adventure.goods")["records"] == 3
    assert "does not exist" in lake.error("table", "import", "adventure.good", "--from", csv, status=3)


def test_folder_and_pattern(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for i in range(3):
        (folder / f"part{i}.csv").write_text(f"n,s\n{i},p{i}\n")
    (folder / "sub" / "part9.csv").write_text("n,s\n9,p9\n")
    (folder / "README").write_text("not data")
    assert lake.json("import", folder, "a")["rows"] == 4
    assert lake.json("import", f"{folder}/part[01].csv", "b")["rows"] == 2
    assert lake.json("import", f"{folder}/*/*.csv", "c")["rows"] == 1
    assert lake.rows("SELECT n FROM a") == [["0"], ["1"], ["2"], ["9"]]
    assert "no file matches" in lake.error("import", f"{folder}/x*.csv", "d", status=3)
    assert "no data files" in lake.error("import", tmp_path / "home", "d", status=3)


def test_packed_files(lake: Lake, tmp_path: Path) -> None:
    with gzip.open(tmp_path / "z.csv.gz", "wt") as out:
        out.write(CSV)
    assert lake.json("import", tmp_path / "z.csv.gz", "z")["rows"] == 3


def test_appending_needs_fitting_columns(lake: Lake, csv: Path, tmp_path: Path) -> None:
    lake.run("import", csv, "goods")
    head = lake.head()
    other = tmp_path / "other.csv"
    other.write_text("id,name,price,day,extra\n4,a,1,2026-11-01,x\n")
    said = lake.error("import", other, "goods", status=1)
    assert "extra" in said
    other.write_text("id,name,price,day\nfour,a,1,2026-11-01\n")
    said = lake.error("import", other, "goods", status=1)
    assert "id" in said
    assert lake.head() == head


@pytest.mark.parametrize(("content", "expected"), [
    (b"a,b\n1,2\n3,4,5,6\n7,8\n", ["bad.csv", "3"]),
    (b"a,b\n1,2\nx\xff\xfe,4\n", ["bad.csv", "UTF-8"]),
])
def test_malformed_csv(lake: Lake, tmp_path: Path, content: bytes, expected: list[str]) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    before = lake.json("info")
    head = lake.head()
    said = lake.error("import", path, "bad", status=1)
    assert all(e in said for e in expected), said
    assert lake.head() == head and before == lake.json("info")
    assert "does not exist" in lake.error("table", "get", "bad", status=3)
    assert lake.json("job", "get", "last")["status"] == "failed"


@pytest.mark.parametrize("keep", [0, 3, 1000, -1])
def test_truncated_parquet(lake: Lake, tmp_path: Path, shop: Path, keep: int) -> None:
    path = tmp_path / "cut.parquet"
    whole = (shop / "users.parquet").read_bytes()
    path.write_bytes(whole[:keep] if keep >= 0 else whole[:-1])
    head = lake.head()
    said = lake.error("import", path, "cut", status=1)
    assert "cut.parquet" in said
    assert lake.head() == head


def test_what_is_not_there(lake: Lake, csv: Path) -> None:
    assert "nothing.csv" in lake.error("import", "nothing.csv", "x", status=3)
    lake.error("import", "s3://bucket/x.parquet", "x", status=2)
    said = lake.error("import", csv, "x", "--ref", "man", status=3)
    assert "main" in said


def test_the_job_is_recorded(lake: Lake, csv: Path) -> None:
    done = lake.json("import", csv, "goods")
    record = lake.json("job", "get", done["job"][:8])
    assert record["status"] == "done" and record["kind"] == "import"
    assert record["commit_out"] == done["commit"] and record["ref"] == "main"
    assert record["tables"] == [{"namespace": "public", "name": "goods", "records": 3, "rows_written": 3}]
    commit = lake.json("log")["commits"][0]
    assert commit["commit"] == done["commit"] and commit["job"] == done["job"]
    assert [j["job"] for j in lake.json("job", "ls")["jobs"]] == [done["job"]]


def test_a_moved_lake_is_read_where_it_is(lake: Lake, csv: Path, tmp_path: Path) -> None:
    lake.run("import", csv, "goods")
    shutil.move(lake.root, tmp_path / "elsewhere")
    lake.env["CORRIE_LAKE"] = str(tmp_path / "elsewhere")
    assert lake.rows("SELECT count(*) FROM goods") == [["3"]]
    assert lake.json("table", "get", "goods")["metadata_location"].startswith(f"file://{tmp_path}/elsewhere/")
    csv.write_text(CSV + "4,rice,3,2026-11-04\n")
    lake.run("import", csv, "goods")
    assert lake.rows("SELECT count(*) FROM goods") == [["7"]]
    lake.fsck()


def test_what_is_no_lake_is_refused(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    said = lake.error("--lake", folder, "branch", "ls", status=3)
    assert "lake.json" in said
    assert [p.name for p in folder.iterdir()] == ["letter.txt"]


def test_a_newer_lake_is_refused(lake: Lake) -> None:
    lake.unreadable = "it is of another format"
    lake.run("branch", "ls")
    config = lake.root / "lake.json"
    config.write_text(config.read_text().replace('"format":1', '"format":2'))
    assert "format 2" in lake.error("branch", "ls", status=7)
    config.write_text(config.read_text().replace('"format":2', '"format":1')
                      .replace('"features":[]', '"features":["flux"]'))
    assert "flux" in lake.error("branch", "ls", status=7)
    config.write_text("{}")
    lake.error("branch", "ls", status=6)
