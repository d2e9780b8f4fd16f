import corrie


@corrie.model()
def orders(x=corrie.Model('events', filter='price > 0 AND')):
    return x
