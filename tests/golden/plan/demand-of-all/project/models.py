import corrie


@corrie.model()
def all_of_it(rows=corrie.Model('staged')):
    return rows
