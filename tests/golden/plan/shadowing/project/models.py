import corrie


@corrie.model(columns=['user_id', 'vip'])
def users(x=corrie.Model('events', columns=['user_id'])):
    return x


@corrie.model(materialization_strategy='REPLACE')
def vips(x=corrie.Model('users', columns=['vip'])):
    return x
