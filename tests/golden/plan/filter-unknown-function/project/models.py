import corrie


@corrie.model()
def orders(x=corrie.Model('events', columns=['id'], filter="id > 3 AND lenght(kind) > 3")):
    return x
