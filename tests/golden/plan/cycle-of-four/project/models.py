import corrie


@corrie.model()
def d(c=corrie.Model('c')):
    return c
