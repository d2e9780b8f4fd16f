import corrie


@corrie.model(columns=['user_id', 'day', 'spent'], materialization_strategy='MERGE', keys=['user_id', 'day'])
def spent(rows=corrie.Model('events')):
    return rows
