import corrie


@corrie.model()
def event(x=corrie.Model('users')):
    return x


@corrie.model()
def orders(x=corrie.Model('evnts', columns=['id'])):
    return x
