import corrie


@corrie.model()
def orders(x=corrie.Model('events', filter='kind = $kid')):
    return x
