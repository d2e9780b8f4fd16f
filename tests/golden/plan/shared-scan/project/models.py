import corrie


@corrie.model()
def a(x=corrie.Model('events', columns=['id'], filter='id>1')):
    return x


@corrie.model()
def b(x=corrie.Model('public.events', columns=['id'], filter='id > 1'), y=corrie.Model('events', columns=['id'])):
    return x


@corrie.expectation()
def c(x=corrie.Model('events')):
    return True
