import corrie


@corrie.model()
def orders(x=corrie.Model('events', columns=['id'], filter="kind")):
    return x
