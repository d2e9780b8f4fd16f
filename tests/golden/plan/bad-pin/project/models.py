import corrie


@corrie.model()
@corrie.python('3.11', pip={'polars': 1.1})
def daily(rows=corrie.Model('events')):
    return rows
