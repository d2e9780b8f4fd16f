import corrie


@corrie.model(materialization_strategy='OVERWRITE_PARTITIONS', partitioned_by='day(seen_at)')
def orders(x=corrie.Model('events')):
    return x
