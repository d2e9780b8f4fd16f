import corrie


@corrie.model()
def orders(x=corrie.Model("events")):
    y = = x
    return y
