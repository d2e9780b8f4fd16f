import corrie


@corrie.model(outputs={'events': {}, 'users': {}})
def split(rows=corrie.Model('events'), people=corrie.Model('users')):
    return {}
