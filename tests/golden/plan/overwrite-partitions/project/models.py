import corrie


@corrie.model(materialization_strategy='OVERWRITE_PARTITIONS',
              partitioned_by=('DAY(seen_at)', 'bucket(user_id, 4)'), overwrite_filter='seen_at>=$since')
def orders(x=corrie.Model('events')):
    return x
