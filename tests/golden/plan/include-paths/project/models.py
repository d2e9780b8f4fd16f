import corrie


@corrie.model()
def m(b=corrie.Model('b')):
    from lib.helper import LIMIT

    return b.slice(0, LIMIT)
