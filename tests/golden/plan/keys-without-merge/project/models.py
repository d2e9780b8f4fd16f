import corrie


@corrie.model(materialization_strategy='APPEND', keys=['id'])
def spent(rows=corrie.Model('events')):
    return rows
