import corrie


@corrie.model(columns=['id', '*'])
def daily(rows=corrie.Model('events', columns=['*'])):
    return rows


@corrie.model(columns=['n'])
def counted(rows=corrie.Model('daily', columns=['anything'])):
    return rows
