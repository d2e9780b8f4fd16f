import corrie
import polars as pl


@corrie.model()
def seen(rows: pl.Series = corrie.Model('events', columns=['id'])):
    return rows
