import corrie


@corrie.model(columns=['user_id', 'spent'],
              materialization_strategy='MERGE', keys='user')
def spent(rows=corrie.Model('events')):
    return rows
