import corrie


@corrie.model()
def daily(rows):
    return rows
