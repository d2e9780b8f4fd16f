import corrie


@corrie.model()
def b(x=corrie.Model('a')):
    return x
