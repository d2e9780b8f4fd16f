import corrie


@corrie.model()
def orders(x=corrie.Model('events', filter="kind = 'purchase' AND prize > 0")):
    return x
