import corrie


@corrie.model(outputs={'a': {}, 'daily': {}})
def split(rows=corrie.Model('events')):
    return {}
