import corrie


@corrie.model()
def orders(x=corrie.Model('events', columns=['id'], filter="id = $since")):
    return x
