import corrie


@corrie.model(
    materialization_strategy="REPLACE",
    outputs={
        "good": {"columns": ["id", "price"], "partitioned_by": "bucket(4, id)"},
        "bad": {"columns": ["id", "reason"], "materialization_strategy": "APPEND"},
        "rest": None,
    },
)
def split(rows=corrie.Model("events", columns=["id", "price"], filter="price > 0")):
    return {"good": rows, "bad": rows, "rest": rows}


@corrie.model(columns=["n"])
def counted(bad=corrie.Model("bad", columns=["reason"]), rest=corrie.Model("rest")):
    return bad


@corrie.expectation(on="good")
def prices(table):
    return True
