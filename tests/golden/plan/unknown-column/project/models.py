import corrie


@corrie.model()
def orders(
    x=corrie.Model(
        'events',
        columns=['id', 'seen_at',
                 'prise'],
    ),
):
    return x
