import corrie


@corrie.expectation(on='usres')
def known(table):
    return True
