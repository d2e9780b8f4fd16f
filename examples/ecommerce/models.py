"""What customers of each segment buy, day by day.

    shop.ecommerce_sessions ── sales ──┐
                                       ├── segment_sales ── segment_days
    shop.ecommerce_users ──────────────┘

Only segment_days becomes a table; the other two live as long as the run.
"""

import corrie

POLARS = {"polars": "1.15.0"}


@corrie.model(columns=["sold_at", "category_code", "brand", "price", "user_id"])
@corrie.python("3.11", pip=POLARS)
def sales(
    events=corrie.Model(
        "ecommerce_sessions",
        columns=["event_time", "category_code", "brand", "price", "user_id"],
        filter="event_type = 'purchase' AND price > 0",
    ),
):
    """Paid purchases, with names where the shop left them out."""
    import polars as pl

    sold = pl.from_arrow(events).rename({"event_time": "sold_at"})
    sold = sold.with_columns(
        pl.col("category_code").fill_null("other"),
        pl.col("brand").fill_null("no name"),
    )
    print(f"{sold.height} purchases of {sold['user_id'].n_unique()} customers")
    return sold.to_arrow()


@corrie.model(columns=["sold_at", "category_code", "price", "customer_segment"])
@corrie.python("3.11", pip=POLARS)
def segment_sales(
    sold=corrie.Model("sales", columns=["sold_at", "category_code", "price", "user_id"]),
    users=corrie.Model("ecommerce_users", columns=["user_id", "customer_segment"]),
):
    """Each purchase with the segment of who bought."""
    import polars as pl

    joined = pl.from_arrow(sold).join(pl.from_arrow(users), on="user_id", how="inner")
    return joined.drop("user_id").to_arrow()


@corrie.model(
    columns=["day", "customer_segment", "purchases", "revenue", "average"],
    materialization_strategy="REPLACE",
)
@corrie.python("3.11", pip=POLARS)
def segment_days(
    sold=corrie.Model("segment_sales", columns=["sold_at", "price", "customer_segment"]),
):
    """Revenue by day and segment: the table that others read."""
    import polars as pl

    days = (
        pl.from_arrow(sold)
        .with_columns(day=pl.col("sold_at").str.head(10).str.to_date())
        .group_by("day", "customer_segment")
        .agg(
            purchases=pl.len().cast(pl.Int64),
            revenue=pl.col("price").sum().round(2),
            average=pl.col("price").mean().round(2),
        )
        .sort("day", "customer_segment")
    )
    return days.to_arrow()


@corrie.expectation()
@corrie.python("3.11", pip=POLARS)
def every_segment_sells(days=corrie.Model("segment_days", columns=["purchases"])):
    """No day and segment without a purchase, and none with nonsense."""
    import pyarrow.compute as pc

    return pc.min(days["purchases"]).as_py() > 0
