import corrie


@corrie.model()
def a(x=corrie.Model('c')):
    return x


@corrie.model()
def outside(x=corrie.Model('a')):
    return x
