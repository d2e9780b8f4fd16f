import corrie


@corrie.expectation(on='users')
def known(table, other):
    return True
