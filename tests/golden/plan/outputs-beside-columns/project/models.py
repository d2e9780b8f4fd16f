import corrie


@corrie.model(outputs={'a': {}}, columns=['id'])
def split(rows=corrie.Model('events')):
    return {}
