import corrie


@corrie.model()
@corrie.python('three')
def daily(rows=corrie.Model('events')):
    return rows
