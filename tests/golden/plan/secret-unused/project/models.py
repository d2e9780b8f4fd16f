import corrie


@corrie.model()
def daily(rows=corrie.Model('events')):
    return rows
