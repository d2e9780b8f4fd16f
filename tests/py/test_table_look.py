"""Files, samples and exports of tables."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import Lake


def test_files_with_partitions_and_bounds(lake: Lake) -> None:
    lake.run("sql", """CREATE TABLE t PARTITIONED BY (k, day(at)) AS SELECT range AS n,
        CASE WHEN range < 5 THEN 'a' END AS k, TIMESTAMP '2026-01-02 10:00:00' AS at FROM range(8)""")
    files = lake.json("table", "files", "t")["files"]
    assert [(f["partition"], f["records"], f["content"]) for f in files] == [
        ({"k": "a", "at_day": "2026-01-02"}, 5, "data"), ({"k": None, "at_day": "2026-01-02"}, 3, "data")]
    n = next(c for c in files[1]["columns"] if c["name"] == "n")
    assert (n["lower"], n["upper"], n["nulls"], n["values"]) == ("5", "7", 0, 3)
    k = next(c for c in files[1]["columns"] if c["name"] == "k")
    assert (k["lower"], k["nulls"]) == (None, 3)
    for file in files:
        path = Path(file["path"].removeprefix("file://"))
        assert path.stat().st_size == file["bytes"] and pq.read_metadata(path).num_rows == file["records"]
    assert "k=null" in lake.run("table", "files", "t").stdout
    lake.run("sql", "DELETE FROM t")
    assert lake.json("table", "files", "t")["files"] == []
    assert len(lake.json("table", "files", "t", "--ref", "main~1")["files"]) == 2
    lake.error("table", "files", "nothing", status=3)


def test_a_sample_is_the_same_again(lake: Lake) -> None:
    """However the table's files are cut: a sample in a report can be made once more."""
    lake.run("sql", "CREATE TABLE t AS SELECT range AS n, 'x' || range AS s, [range] AS l FROM range(1000)")
    first = lake.json("table", "sample", "t", "--rows", "20")["rows"]
    assert len(first) == 20 and len({row["n"] for row in first}) == 20
    lake.run("sql", "CREATE TABLE other AS SELECT * FROM t ORDER BY n DESC")
    assert lake.json("table", "sample", "other", "--rows", "20")["rows"] == first
    assert lake.json("table", "sample", "t", "--rows", "20", "--seed", "1")["rows"] != first
    assert len(lake.json("table", "sample", "t")["rows"]) == 10
    lake.run("table", "sample", "t", "--to", "some.parquet")
    assert pq.read_table(lake.home / "some.parquet").num_rows == 10
    said = lake.error("table", "sample", "nothing", status=3)
    assert "hash(" not in said


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet", "arrow"])
def test_a_table_is_exported(lake: Lake, form: str) -> None:
    lake.run("sql", 'CREATE NAMESPACE "odd name"; CREATE TABLE "odd name"."a b" AS SELECT range AS n FROM range(1000)')
    done = lake.json("table", "export", '"odd name"."a b"', "--to", f"all.{form}")
    assert (done["rows"], done["bytes"]) == (1000, (lake.home / f"all.{form}").stat().st_size)
    lake.run("import", f"all.{form}", "back")
    assert lake.rows("SELECT count(*), sum(n) FROM back") == [["1000", "499500"]]
    lake.run("sql", 'DELETE FROM "odd name"."a b" WHERE n > 9')
    done = lake.json("table", "export", '"a b"', "-n", "odd name", "--to", f"few.{form}")
    assert done["rows"] == 10
    done = lake.json("table", "export", '"odd name"."a b"', "--to", f"few.{form}", "--ref", "main~1")
    assert done["rows"] == 1000
    assert "--to" in lake.error("table", "export", '"odd name"."a b"', status=2)
