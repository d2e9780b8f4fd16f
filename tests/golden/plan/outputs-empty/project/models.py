import corrie


@corrie.model(outputs={})
def split(rows=corrie.Model('events')):
    return {}
