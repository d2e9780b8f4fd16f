import corrie


@corrie.model()
def orders(x=corrie.Model('events', columns=['id'], filter="sum(price) > 10")):
    return x
