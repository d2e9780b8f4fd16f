import corrie

SOURCE = 'events'
COLUMNS = ['id', 'price']
LIMIT = 10


@corrie.model(columns=[*COLUMNS, 'total'], name=f'{SOURCE}_total')
def f(x=corrie.Model(SOURCE, columns=COLUMNS, filter=f'price > {LIMIT}')):
    return x
