"""Corners of tables that once gave wrong results, or might: each test is a small history of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Lake

PROJECT = "project:\n  id: 550e8400-e29b-41d4-a716-446655440000\n  name: p\n"


def project(lake: Lake, **models: str) -> Path:
    folder = lake.home / "p"
    folder.mkdir(exist_ok=True)
    (folder / "corrie.yaml").write_text(PROJECT)
    for name, text in models.items():
        (folder / f"{name}.sql").write_text(text)
    return folder


@pytest.fixture
def apart(lake: Lake, tmp_path: Path) -> Lake:
    """Tables whose files lie outside of the lake: `inplace` and `theirs`, n from 1 to 9."""
    for n in (1, 4, 7):
        lake.run("query", f"SELECT i AS n FROM range({n}, {n + 3}) AS r(i)", "--to", tmp_path / f"{n}.parquet")
        lake.run("import", tmp_path / f"{n}.parquet", "inplace", "--in-place")
    lake.run("table", "create-external", "theirs", "--search-pattern", tmp_path / "*.parquet")
    return lake


def test_models_read_files_that_lie_elsewhere(apart: Lake) -> None:
    header = "-- corrie: materialization_strategy=REPLACE\n"
    folder = project(apart, a=f"{header}SELECT n + 1 AS m FROM inplace WHERE n > 3",
                     b=f"{header}SELECT i.n FROM theirs AS t JOIN inplace AS i ON t.n = i.n")
    apart.run("run", cwd=folder)
    assert apart.rows("SELECT m FROM a ORDER BY m") == [[str(n)] for n in range(5, 11)]
    assert apart.rows("SELECT count(*), sum(n) FROM b") == [["9", "45"]]
    apart.fsck()


def test_models_read_no_file_that_no_table_has(apart: Lake, tmp_path: Path) -> None:
    folder = project(apart, a=f"SELECT n FROM inplace UNION ALL SELECT n FROM '{tmp_path}/1.parquet'")
    text = apart.run("run", cwd=folder, status=None)
    assert text.returncode != 0 and "1.parquet" in text.stderr


def test_a_filter_replaces_rows_of_files_that_lie_elsewhere(apart: Lake, tmp_path: Path) -> None:
    model = ("-- corrie: materialization_strategy=OVERWRITE_PARTITIONS overwrite_filter=\"n BETWEEN 3 AND 5\"\n"
             "SELECT 4::BIGINT AS n FROM range(2)")
    apart.run("run", cwd=project(apart, inplace=model))
    assert apart.rows("SELECT n FROM inplace ORDER BY n") == [[n] for n in "12446789"]
    assert (tmp_path / "1.parquet").exists() and (tmp_path / "4.parquet").exists()
    apart.fsck()


def test_a_column_goes_beside_one_of_its_own_struct(lake: Lake) -> None:
    """Not beside what the table calls so: `A` and `s.a` are two columns."""
    lake.run("sql", "CREATE TABLE t AS SELECT 1 AS \"A\", {'a': 2, 'b': 3} AS s; "
                    "ALTER TABLE t ADD COLUMN s.c INT AFTER a")
    assert lake.rows("SELECT s FROM t") == [["{\"a\":2,\"c\":null,\"b\":3}"]]
    lake.run("sql", "ALTER TABLE t ALTER COLUMN s.c AFTER S.b; ALTER TABLE t ALTER COLUMN s AFTER a")
    assert lake.rows("SELECT s FROM t") == [["{\"a\":2,\"b\":3,\"c\":null}"]]
    for beside in ("a.c", "s.x.b", "s.a.b"):
        text = lake.error("sql", f"ALTER TABLE t ADD COLUMN s.d INT AFTER {beside}", status=2)
        assert "not beside" in text and "^^^" in text
    assert "no column x" in lake.error("sql", "ALTER TABLE t ADD COLUMN s.d INT AFTER x", status=3)


def test_the_sign_of_zero_is_lost_among_zeros(lake: Lake) -> None:
    """As docs/formats/types.md says: DuckDB's dictionary takes 0.0 and -0.0 for one value."""
    lake.run("sql", "CREATE TABLE t AS "
             "SELECT CASE WHEN i % 2 = 0 THEN '-0.0'::DOUBLE ELSE 0.0 END AS d FROM range(100) r(i)")
    lake.run("sql", "CREATE TABLE alone AS SELECT '-0.0'::DOUBLE AS d FROM range(100) r(i)")
    assert lake.rows("SELECT count(*) FROM t WHERE d = 0") == [["100"]]
    assert lake.rows("SELECT count(*) FROM t WHERE d::VARCHAR = '-0.0'") in ([["0"]], [["100"]])
    assert lake.rows("SELECT count(*) FROM alone WHERE d::VARCHAR = '-0.0'") == [["100"]]
