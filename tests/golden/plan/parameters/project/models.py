import corrie


@corrie.model()
def orders(x=corrie.Model('events', columns=['id'], filter='kind = $kind AND price >= $least'), kind=corrie.Parameter('kind')):
    return x
