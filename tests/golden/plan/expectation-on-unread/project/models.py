import corrie


@corrie.expectation(on='users')
def known(rows=corrie.Model('events')):
    return True
