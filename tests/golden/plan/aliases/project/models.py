import corrie

c = corrie
M = corrie.Model
table = c.model
EVENTS = M("events", columns=["id", "price"], filter="price > 0")


@table(materialization_strategy="REPLACE")
def paid(events=EVENTS, users=M("users"), kinds=frozenset(["a"])):
    return events
