import corrie


@corrie.model(materialization_strategy='REPLACE', overwrite_filter="region = 'eu'")
def orders(x=corrie.Model('events')):
    return x
