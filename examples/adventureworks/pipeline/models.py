"""From the tables of a shop's till to a star: one table of facts, two that say what the facts are about.

    product ─────────────┐
    product_category ────┼── dim_product ──┐
    product_subcategory ─┘                 │
    sale ──────────────────────────────────┼── fact_sale
    territories ── dim_country ────────────┤
               └───────────────────────────┘

Each function gets its inputs as Arrow tables, and DuckDB finds them under the names of its arguments.
"""

import corrie

DUCKDB = {"duckdb": "1.0.0"}


@corrie.model(
    columns=["product_key", "sku", "product", "model", "color", "subcategory", "category", "cost", "price"],
    materialization_strategy="REPLACE",
)
@corrie.python("3.11", pip=DUCKDB)
def dim_product(
    product=corrie.Model(
        "product",
        columns=["ProductKey", "ProductSubcategoryKey", "ProductSKU", "ProductName", "ModelName", "ProductColor",
                 "ProductCost", "ProductPrice"],
    ),
    subcategory=corrie.Model("product_subcategory"),
    category=corrie.Model("product_category"),
):
    """Every product, with the names of what it belongs to beside it."""
    import duckdb

    return duckdb.sql("""
        SELECT
            ProductKey AS product_key,
            ProductSKU AS sku,
            ProductName AS product,
            ModelName AS model,
            nullif(ProductColor, 'NA') AS color,
            SubcategoryName AS subcategory,
            CategoryName AS category,
            ProductCost::DECIMAL(10, 4) AS cost,
            ProductPrice::DECIMAL(10, 4) AS price
        FROM product
        JOIN subcategory USING (ProductSubcategoryKey)
        JOIN category USING (ProductCategoryKey)
    """).arrow()


@corrie.model(columns=["country_key", "country", "continent", "regions"], materialization_strategy="REPLACE")
@corrie.python("3.11", pip=DUCKDB)
def dim_country(territories=corrie.Model("territories")):
    """Countries, each once, numbered by their names."""
    import duckdb

    return duckdb.sql("""
        SELECT
            row_number() OVER (ORDER BY Country) AS country_key,
            Country AS country,
            Continent AS continent,
            count(*) AS regions
        FROM territories
        GROUP BY Country, Continent
    """).arrow()


@corrie.model(
    columns=["order_number", "line", "ordered_on", "product_key", "country_key", "customer_key", "quantity",
             "revenue", "profit"],
    materialization_strategy="REPLACE",
)
@corrie.python("3.11", pip=DUCKDB)
def fact_sale(
    sale=corrie.Model(
        "sale",
        columns=["OrderDate", "OrderNumber", "ProductKey", "CustomerKey", "TerritoryKey", "OrderLineItem",
                 "OrderQuantity"],
    ),
    territories=corrie.Model("territories", columns=["SalesTerritoryKey", "Country"]),
    countries=corrie.Model("dim_country", columns=["country_key", "country"]),
    products=corrie.Model("dim_product", columns=["product_key", "cost", "price"]),
):
    """A line of an order: what, where, when, how many, and what it brought."""
    import duckdb

    lines = duckdb.sql("""
        SELECT
            OrderNumber AS order_number,
            OrderLineItem AS line,
            strptime(OrderDate, '%m/%d/%Y')::DATE AS ordered_on,
            product_key,
            country_key,
            CustomerKey AS customer_key,
            OrderQuantity AS quantity,
            (OrderQuantity * price)::DECIMAL(12, 4) AS revenue,
            (OrderQuantity * (price - cost))::DECIMAL(12, 4) AS profit
        FROM sale
        JOIN territories ON SalesTerritoryKey = TerritoryKey
        JOIN countries USING (country)
        JOIN products ON product_key = ProductKey
    """).arrow()
    print(f"{lines.num_rows} of {sale.num_rows} lines have a product and a country")
    return lines


@corrie.expectation()
@corrie.python("3.11")
def every_line_is_there(
    sale=corrie.Model("sale", columns=["OrderNumber"]),
    facts=corrie.Model("fact_sale", columns=["order_number"]),
):
    """A join that loses or doubles lines would make every report wrong."""
    return facts.num_rows == sale.num_rows
