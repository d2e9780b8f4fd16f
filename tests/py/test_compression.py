"""Results as compressed files: by the name, or by --compression; read back by others."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Lake

SQL = "SELECT i AS n, 'a text that comes often ' || i % 10 AS s FROM range(200000) r(i)"


@pytest.mark.parametrize("name", ["x.csv.gz", "x.csv.zst", "x.jsonl.gz", "x.json.zst"])
def test_the_name_says_how_text_is_packed(lake: Lake, tmp_path: Path, name: str) -> None:
    done = lake.json("query", SQL, "--to", tmp_path / name)
    assert done["rows"] == 200_000 and done["bytes"] == (tmp_path / name).stat().st_size < 1_500_000
    assert lake.rows(f"SELECT count(*), sum(n), max(s) FROM '{tmp_path / name}'") == [
        ["200000", "19999900000", "a text that comes often 9"]]
    lake.run("import", tmp_path / name, "t")
    assert lake.rows("SELECT count(*), sum(n) FROM t") == [["200000", "19999900000"]]


def test_packed_text_is_what_others_unpack(lake: Lake, tmp_path: Path) -> None:
    lake.run("query", "SELECT 1 AS a, 'é' AS b", "--to", tmp_path / "x.csv.gz")
    assert gzip.decompress((tmp_path / "x.csv.gz").read_bytes()).decode() == "a,b\n1,é\n"
    lake.run("query", "SELECT 1 AS a WHERE false", "--to", tmp_path / "empty.csv", "--compression", "gzip")
    assert gzip.decompress((tmp_path / "empty.csv").read_bytes()) == b"a\n"
    lake.run("query", "SELECT 1 AS a", "--to", tmp_path / "x.jsonl.zst")
    assert pa.input_stream(tmp_path / "x.jsonl.zst", compression="zstd").read() == b'{"a":1}\n'
    lake.run("query", "SELECT 1 AS a", "--to", tmp_path / "plain", "-o", "json", "--compression", "none")
    assert json.loads((tmp_path / "plain").read_text()) == [{"a": 1}]


@pytest.mark.parametrize(("codec", "found"), [(None, "ZSTD"), ("zstd", "ZSTD"), ("snappy", "SNAPPY"), ("gzip", "GZIP"),
                                              ("brotli", "BROTLI"), ("lz4", "LZ4"), ("none", "UNCOMPRESSED")])
def test_parquet_is_compressed_inside(lake: Lake, tmp_path: Path, codec: str | None, found: str) -> None:
    lake.run("query", SQL, "--to", tmp_path / "x.parquet")
    lake.run("import", tmp_path / "x.parquet", "t")
    lake.run("table", "export", "t", "--to", tmp_path / "y.parquet", *(["--compression", codec] if codec else []))
    assert pq.ParquetFile(tmp_path / "y.parquet").metadata.row_group(0).column(0).compression == found
    assert pq.read_table(tmp_path / "y.parquet", columns=["n"])["n"].to_pylist() == list(range(200_000))


@pytest.mark.parametrize(("words", "expected", "status"), [
    (("--to", "x.csv", "--compression", "snappy"), "gzip, zstd and none", 2),
    (("--to", "x.parquet", "--compression", "bzip2"), "zstd, snappy, gzip", 2),
    (("--to", "x.parquet.gz"), "compressed inside", 2),
    (("--to", "x.arrow", "--compression", "zstd"), "Arrow", 2),
    (("--to", "x.arrow.gz"), "Arrow", 2), (("--compression", "gzip"), "--to FILE", 2),
    (("--to", "x.gz"), "in which format", 2)])
def test_what_cannot_be_compressed_so(lake: Lake, words: tuple[str, ...], expected: str, status: int) -> None:
    assert expected in lake.error("query", "SELECT 1 AS a", *words, status=status)
    assert not list(lake.home.glob("x.*"))
