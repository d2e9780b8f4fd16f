import corrie


@corrie.model(materialization_strategy='MERGE', keys=['*'])
def spent(rows=corrie.Model('events')):
    return rows
