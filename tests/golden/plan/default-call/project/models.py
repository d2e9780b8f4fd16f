import corrie


def source(name):
    return corrie.Model(name)


@corrie.model()
def paid(events=source("events")):
    return events
