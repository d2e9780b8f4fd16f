import corrie


@corrie.model()
def daily(rows=corrie.Model('events'), token=corrie.Parameter('token')):
    return rows
