import corrie


@corrie.model(materialization_strategy='MERGE')
def spent(rows=corrie.Model('events')):
    return rows
