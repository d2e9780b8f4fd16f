import corrie


@corrie.model(materialization_strategy='REPLACES')
def daily(rows=corrie.Model('events')):
    return rows
