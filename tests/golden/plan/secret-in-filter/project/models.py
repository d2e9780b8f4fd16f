import corrie


@corrie.model()
def daily(rows=corrie.Model('events', filter='kind = $token')):
    return rows
