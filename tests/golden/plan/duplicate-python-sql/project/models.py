import corrie


@corrie.model(name='public.orders')
def f(x=corrie.Model('events')):
    return x
