import corrie


@corrie.model()
@corrie.extras('plots', 'ai')
@corrie.python('3.11', pip={'polars': '1.15.0'})
def seen(rows=corrie.Model('events', columns=['id'])):
    return rows


@corrie.model()
@corrie.extras('plots')
def drawn(rows=corrie.Model('seen')):
    return rows
