import corrie


@corrie.model(columns=["id", "price", "kind", "user_id"])
def staged(rows=corrie.Model("events", columns=["id", "price", "kind", "user_id"])):
    return rows


@corrie.model(columns=["id", "price"], materialization_strategy="REPLACE")
def kept(rows=corrie.Model("staged", columns=["id"], filter="price > 1")):
    return rows


@corrie.expectation()
def priced(rows=corrie.Model("kept", columns=["price"])):
    return True
