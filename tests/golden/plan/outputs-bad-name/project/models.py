import corrie


@corrie.model(outputs={'a b': {}})
def split(rows=corrie.Model('events')):
    return {}
