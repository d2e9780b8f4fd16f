import corrie


@corrie.model(
    columns=['id', 'seen_at'],
    materialization_strategy='REPLACE',
    partitioned_by=['id', 'day(seen)'],
)
def orders(x=corrie.Model('events')):
    return x
