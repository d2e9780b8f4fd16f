import corrie


@corrie.model()
def daily(rows=corrie.Model('events', colums=['id'])):
    return rows
