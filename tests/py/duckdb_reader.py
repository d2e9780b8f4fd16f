"""Reads Iceberg tables with DuckDB's own extension: a process of its own, since that extension has its own DuckDB.

Lines of standard input are paths of metadata files; for each a line of JSON goes to standard output: {"file": Arrow IPC
file of the rows} or {"error": why}. Called with .deps/readers on PYTHONPATH and a folder for the files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb


def connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true", "threads": "1"})
    for name in ("avro", "iceberg"):
        folder = Path(duckdb.__file__).parents[1] / f"duckdb_extension_{name}" / "extensions"
        [extension] = folder.glob("*/*.duckdb_extension")
        connection.execute(f"LOAD '{extension}'")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET arrow_lossless_conversion = true")  # else a UUID is a text
    return connection


def main() -> None:
    import pyarrow as pa

    connection = connect()
    folder = Path(sys.argv[1])
    for number, line in enumerate(sys.stdin):
        metadata = line.strip().replace("'", "''")
        try:
            table = connection.execute(f"SELECT * FROM iceberg_scan('{metadata}')").to_arrow_table()
            file = folder / f"{number}.arrow"
            with pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)
            answer = {"file": str(file)}
        except duckdb.Error as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
