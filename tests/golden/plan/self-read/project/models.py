import corrie


@corrie.model(materialization_strategy='REPLACE', columns=['id', 'price'])
def events(old=corrie.Model('events', columns=['id', 'price'])):
    return old


@corrie.model()
def reader(new=corrie.Model('events', columns=['price'])):
    return new
