-- Two hundred products, the same on every machine: what looks random is cut from the MD5 of the key. As in the real
-- data a text that is not known is 'NA', a size that does not apply '0', and descriptions have commas.
WITH draw AS (
    SELECT
        200 + i AS key,
        md5_number_lower('product ' || i) AS a,
        md5_number_upper('product ' || i) AS b
    FROM range(200) AS rows(i)
),
product AS (
    SELECT
        *,
        1 + (a % 13)::INTEGER AS kind,
        (['Alder', 'Birch', 'Cedar', 'Hazel', 'Linden', 'Rowan'])[(a // 13 % 6)::INTEGER + 1] AS model,
        (['Black', 'Blue', 'Red', 'Silver', 'NA'])[(a // 78 % 5)::INTEGER + 1] AS color,
        (300 + b % 90000)::DOUBLE / 100 AS price
    FROM draw
)
SELECT
    key AS ProductKey,
    kind AS ProductSubcategoryKey,
    upper(model[:2]) || '-' || key AS ProductSKU,
    model || ' ' || key || CASE WHEN color = 'NA' THEN '' ELSE ', ' || color END AS ProductName,
    model AS ModelName,
    'Made for long days, short nights, and roads that end.' AS ProductDescription,
    color AS ProductColor,
    CASE WHEN kind > 3 THEN '0' ELSE (38 + b // 90000 % 13 * 2)::VARCHAR END AS ProductSize,
    (['0', 'M', 'U', 'W'])[(b // 1170000 % 4)::INTEGER + 1] AS ProductStyle,
    round(price * 0.62, 4) AS ProductCost,
    price AS ProductPrice
FROM product
ORDER BY ProductKey
