import corrie


@corrie.model()
def daily(rows=corrie.Model('events', connector='snowflake')):
    return rows
