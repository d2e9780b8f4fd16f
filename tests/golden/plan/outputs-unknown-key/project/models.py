import corrie


@corrie.model(outputs={'a': {'column': ['id']}})
def split(rows=corrie.Model('events')):
    return {}
