import corrie


@corrie.model()
def orders(x=corrie.Model('events', columns=['id'], filter="price > 0 AND kind > id")):
    return x
