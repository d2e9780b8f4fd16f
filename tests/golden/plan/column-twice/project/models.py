import corrie


@corrie.model(columns=['id', 'id'])
def daily(rows=corrie.Model('events')):
    return rows
