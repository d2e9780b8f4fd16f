import corrie
from datetime import date

TODAY = date.today()


@corrie.model()
def f(x=corrie.Model('events', filter=f'seen_at > {TODAY}')):
    return x
