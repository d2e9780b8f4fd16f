import corrie


@corrie.model(materialization_strategy='OVERWRITE_PARTITIONS')
def orders(x=corrie.Model('events')):
    return x
