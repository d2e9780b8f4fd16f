"""Spark with Iceberg's own Java library reads what corrie writes, and corrie reads what it writes.

`make interop`: `make test` need not wait for a gigabyte of Java.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import ROOT, Lake
from readers import ours, rows

SPARK = ROOT / ".deps" / "interop"
TRANSFORMS = {
    "none": "", "identity": "region", "year": "year(ts)", "month": "month(ts)", "day": "day(ts)", "hour": "hour(ts)",
    "bucket": "bucket(4, id)", "bucket of text": "bucket(16, s)", "truncate": "truncate(2, s)",
    "truncate of a number": "truncate(10, id)", "two": "day(ts), bucket(4, id)",
}
# Spark's spelling of the same.
SPARKS = {"year(": "years(", "month(": "months(", "day(": "days(", "hour(": "hours("}
ROWS = """SELECT id, TIMESTAMP '2026-01-30 20:00:00' + to_hours(id) AS ts,
    CASE WHEN id % 11 = 5 THEN NULL ELSE 's' || id || 'é' END AS s,
    CASE id % 3 WHEN 0 THEN 'north' WHEN 1 THEN 'süd /x' END AS region,
    id / 8 AS d, {'a': id::INT, 'b': ['x' || id, NULL]} AS n
    FROM range(60) t(id)"""
MAKE = "CREATE TABLE {0} (id BIGINT, ts TIMESTAMP, s VARCHAR, region VARCHAR, d DOUBLE, n STRUCT(a INT, b VARCHAR[]))"


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A local session with an Iceberg catalog `c` over SQLite and a namespace `c.db`; cells are in UTC."""
    sys.path.insert(0, str(SPARK))
    os.environ["SPARK_HOME"] = str(SPARK / "deps")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    settings = {
        "spark.jars": ",".join(str(jar) for jar in sorted((SPARK / "jars").glob("*.jar"))),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.c": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.c.type": "jdbc",
        "spark.sql.catalog.c.uri": f"jdbc:sqlite:{folder}/catalog.db",
        "spark.sql.catalog.c.jdbc.schema-version": "V1",
        "spark.sql.catalog.c.io-impl": "org.apache.iceberg.hadoop.HadoopFileIO",
        "spark.sql.catalog.c.warehouse": f"{folder}/warehouse",
        "spark.sql.catalog.c.cache-enabled": "false",
        "spark.sql.warehouse.dir": f"{folder}/spark",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    session.sql("CREATE NAMESPACE c.db")
    yield session
    session.stop()


def location(lake: Lake, name: str) -> str:
    return str(lake.json("table", "get", name)["metadata_location"])


def register(spark: Any, lake: Lake, name: str, under: str) -> str:
    """A table of the lake in Spark's catalog: its name there."""
    spark.sql(f"CALL c.system.register_table(table => 'db.{under}', metadata_file => '{location(lake, name)}')")
    return f"c.db.{under}"


def spark_rows(spark: Any, query: str) -> list[str]:
    """Spark's rows in the form in which tests compare those of all readers."""
    frame = spark.sql(query)
    columns = list(zip(*(tuple(plain(cell) for cell in row) for row in frame.collect()), strict=True))
    if not columns:
        return []
    return rows(pa.table({name: list(cells) for name, cells in zip(frame.columns, columns, strict=True)}))


def plain(cell: Any) -> Any:
    from pyspark.sql import Row

    return {k: plain(v) for k, v in cell.asDict().items()} if isinstance(cell, Row) else cell


def corrie_rows(lake: Lake, name: str, tmp_path: Path) -> list[str]:
    return rows(ours(lake, "main", "public", name, tmp_path / "ours.arrow"))


def spark_count(spark: Any, table: str, condition: str) -> int:
    return int(spark.sql(f"SELECT count(*) FROM {table} WHERE {condition}").collect()[0][0])


def corrie_count(lake: Lake, table: str, condition: str) -> int:
    return int(lake.rows(f"SELECT count(*) FROM {table} WHERE {condition}")[0][0])


def newest_metadata(spark: Any, table: str) -> str:
    entries = f"SELECT file FROM {table}.metadata_log_entries ORDER BY timestamp DESC LIMIT 1"
    return str(spark.sql(entries).collect()[0][0])


@pytest.mark.parametrize("partition", TRANSFORMS)
def test_spark_reads_ours(lake: Lake, spark: Any, tmp_path: Path, partition: str) -> None:
    """Partitioned by each transform, appended to, changed and evolved."""
    terms = f" PARTITIONED BY ({TRANSFORMS[partition]})" if TRANSFORMS[partition] else ""
    lake.run("sql", MAKE.format("t") + terms)
    lake.run("sql", f"INSERT INTO t {ROWS}")
    lake.run("sql", "DELETE FROM t WHERE id % 7 = 2; UPDATE t SET s = 'changed', n.a = -1 WHERE id < 9")
    lake.run("sql", "ALTER TABLE t ADD COLUMN late INTEGER; ALTER TABLE t RENAME COLUMN d TO ratio;"
                    " ALTER TABLE t ALTER COLUMN n.a TYPE BIGINT")
    lake.run("sql", "INSERT INTO t BY NAME SELECT 1000 AS id, TIMESTAMP '1969-12-31 23:00:00' AS ts, 7 AS late")
    under = "ours_" + partition.replace(" ", "_")
    table = register(spark, lake, "t", under)
    expected = corrie_rows(lake, "t", tmp_path)
    assert len(expected) == 52
    assert spark_rows(spark, f"SELECT * FROM {table}") == expected
    for condition in ("id = 12", "ts < '2026-01-31 00:00:00'", "s = 's50é'", "region IS NULL", "s LIKE 'ch%'"):
        assert spark_count(spark, table, condition) == corrie_count(lake, "t", condition), condition


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("partition", TRANSFORMS)
def test_we_read_sparks(lake: Lake, spark: Any, tmp_path: Path, partition: str, version: int) -> None:
    """Of both versions, partitioned by each transform, with position deletes and after its schema has changed."""
    terms = TRANSFORMS[partition]
    for ours_, theirs in SPARKS.items():
        terms = terms.replace(ours_, theirs)
    table = f"c.db.spark_{partition.replace(' ', '_')}_{version}"
    spark.sql(f"CREATE TABLE {table} (id BIGINT, ts TIMESTAMP_NTZ, s STRING, region STRING, d DOUBLE,"
              f" n STRUCT<a: INT, b: ARRAY<STRING>>) USING iceberg {f'PARTITIONED BY ({terms})' if terms else ''}"
              f" TBLPROPERTIES ('format-version' = '{version}', 'write.delete.mode' = 'merge-on-read',"
              " 'write.update.mode' = 'merge-on-read')")
    spark.sql(f"INSERT INTO {table} SELECT id,"
              " TIMESTAMP_NTZ '2026-01-30 20:00:00' + make_interval(0, 0, 0, 0, id) AS ts,"
              " IF(id % 11 = 5, NULL, concat('s', id, 'é')), CASE id % 3 WHEN 0 THEN 'north' WHEN 1 THEN 'süd /x' END,"
              " id / 8, named_struct('a', int(id), 'b', array(concat('x', id), NULL)) FROM range(60)")
    if version == 2:
        spark.sql(f"DELETE FROM {table} WHERE id % 7 = 2")
        spark.sql(f"UPDATE {table} SET s = 'changed' WHERE id < 9")
    spark.sql(f"ALTER TABLE {table} ADD COLUMN late INT")
    spark.sql(f"ALTER TABLE {table} RENAME COLUMN n.b TO list")
    spark.sql(f"ALTER TABLE {table} ALTER COLUMN n.a TYPE BIGINT")
    spark.sql(f"INSERT INTO {table} SELECT 1000, TIMESTAMP_NTZ '1969-12-31 23:00:00', NULL, NULL, NULL, NULL, 7")
    metadata = newest_metadata(spark, table)
    lake.run("table", "create-external", "t", "--metadata-json-uri", metadata)
    assert corrie_rows(lake, "t", tmp_path) == spark_rows(spark, f"SELECT * FROM {table}")
    for condition in ("id = 12", "ts < TIMESTAMP '2026-01-31 00:00:00'", "s = 's50é'", "region IS NULL"):
        assert spark_count(spark, table, condition) == corrie_count(lake, "t", condition), condition


def test_spark_writes_into_ours(lake: Lake, spark: Any, tmp_path: Path) -> None:
    """A table that corrie began and Spark went on with, in its own metadata: nothing of either is lost."""
    lake.run("sql", MAKE.format("t") + " PARTITIONED BY (day(ts), bucket(4, id))")
    lake.run("sql", f"INSERT INTO t {ROWS}")
    table = register(spark, lake, "t", "went_on")
    spark.sql(f"INSERT INTO {table} VALUES (2000, TIMESTAMP_NTZ '2026-03-01 00:00:00', 'new', NULL, 1.5, NULL)")
    spark.sql(f"DELETE FROM {table} WHERE id < 10")
    metadata = newest_metadata(spark, table)
    lake.run("table", "create-external", "went_on", "--metadata-json-uri", metadata)
    assert corrie_rows(lake, "went_on", tmp_path) == spark_rows(spark, f"SELECT * FROM {table}")
    assert lake.rows("SELECT count(*) FROM t") == [["60"]]  # the lake's own table is as it was
    assert lake.rows("SELECT count(*) FROM went_on") == [["51"]]
