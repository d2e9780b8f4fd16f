import corrie


@corrie.model(materialisation_strategy='REPLACE')
def daily(rows=corrie.Model('events')):
    return rows
