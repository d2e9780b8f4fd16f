import corrie


@corrie.model()
def orders(x=corrie.Model('events')):
    return x
