import corrie


@corrie.modle()
def daily(rows=corrie.Model('events')):
    return rows
