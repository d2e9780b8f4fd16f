import corrie


@corrie.model(columns=['id', 'region'], materialization_strategy='OVERWRITE_PARTITIONS',
              partitioned_by=['region'], overwrite_filter="regoin = 'eu'")
def orders(x=corrie.Model('events')):
    return x
