import corrie


@corrie.model(outputs={'a': {}, 'b': {}})
def split(rows=corrie.Model('joined')):
    return {}


@corrie.model()
def joined(b=corrie.Model('b')):
    return b
