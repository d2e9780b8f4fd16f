import corrie


@corrie.model()
@corrie.resources(memory='lots')
def daily(rows=corrie.Model('events')):
    return rows
