import corrie


@corrie.model(name='orders')
def other(x=corrie.Model('events')):
    return x
