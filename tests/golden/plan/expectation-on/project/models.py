import corrie


@corrie.expectation(on='users')
@corrie.python('3.11')
def known(table, least=corrie.Parameter('least')):
    return True


@corrie.expectation(on='events')
def priced(rows=corrie.Model('events', columns=['price'])):
    return True
