import corrie


@corrie.model()
@corrie.extras('plots', 'plot')
def seen(rows=corrie.Model('events', columns=['id'])):
    return rows
