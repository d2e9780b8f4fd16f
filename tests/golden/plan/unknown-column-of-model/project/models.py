import corrie


@corrie.model(columns=['id', 'total'])
def orders(x=corrie.Model('events')):
    return x


@corrie.model()
def report(x=corrie.Model('orders', columns=['id', 'price'])):
    return x
