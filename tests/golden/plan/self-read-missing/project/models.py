import corrie


@corrie.model(materialization_strategy='APPEND')
def totals(old=corrie.Model('totals')):
    return old
