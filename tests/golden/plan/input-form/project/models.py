from __future__ import annotations

import corrie
import polars as pl


@corrie.model()
def seen(rows: pl.DataFrame | None = corrie.Model('events', columns=['id']),
         users: "duckdb.DuckDBPyRelation" = corrie.Model('users', filter='user_id > 0'), more: int = 7):
    return rows
