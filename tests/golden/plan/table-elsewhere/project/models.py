import corrie


@corrie.model()
def seen(x=corrie.Model('events')):
    return x
