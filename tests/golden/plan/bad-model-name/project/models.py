import corrie


@corrie.model(name='daily rows')
def daily(rows=corrie.Model('events')):
    return rows
