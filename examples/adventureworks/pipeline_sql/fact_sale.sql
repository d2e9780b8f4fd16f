-- corrie: materialization_strategy=REPLACE
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
JOIN dim_country ON dim_country.country = territories.Country
JOIN dim_product ON product_key = ProductKey
