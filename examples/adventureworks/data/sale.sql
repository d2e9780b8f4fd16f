-- Half a year of sales, thirty thousand lines of orders. Dates are text of the form 6/30/2017, as they come.
WITH draw AS (
    SELECT
        i,
        md5_number_lower('order ' || (i // 3)) AS a,
        md5_number_lower('line ' || i) AS b
    FROM range(30000) AS rows(i)
)
SELECT
    strftime(DATE '2017-01-01' + (i // 166)::INTEGER, '%-m/%-d/%Y') AS OrderDate,
    strftime(DATE '2016-12-31' - (b % 150)::INTEGER, '%-m/%-d/%Y') AS StockDate,
    'SO' || (60000 + i // 3) AS OrderNumber,
    200 + ((b // 150 % 200) * (b // 30000 % 200) // 200)::INTEGER AS ProductKey,
    11000 + (a % 8000)::INTEGER AS CustomerKey,
    1 + (a // 8000 % 9)::INTEGER AS TerritoryKey,
    1 + i % 3 AS OrderLineItem,
    1 + (b // 6000000 % 3)::INTEGER AS OrderQuantity
FROM draw
ORDER BY i
