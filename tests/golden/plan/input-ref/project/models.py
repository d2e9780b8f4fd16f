import corrie


@corrie.model(materialization_strategy='REPLACE')
def users(now=corrie.Model('events'), then=corrie.Model('users', ref='v1', columns=['user_id'])):
    return now
