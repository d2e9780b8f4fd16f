import corrie


@corrie.model()
def orders(x=corrie.Model('events', filter='price > 0; DROP TABLE events')):
    return x
