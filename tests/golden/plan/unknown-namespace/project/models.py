import corrie


@corrie.model()
def orders(x=corrie.Model('sales.events')):
    return x
