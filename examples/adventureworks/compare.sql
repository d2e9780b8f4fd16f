-- Rows that only one of two branches has, by table: none, if both pipelines give the same.
WITH
product AS (FROM dim_product AT (VERSION => 'ada.adventure')),
country AS (FROM dim_country AT (VERSION => 'ada.adventure')),
sale AS (FROM fact_sale AT (VERSION => 'ada.adventure')),
different AS (
    SELECT 'dim_product' AS name, count(*) AS rows
    FROM ((FROM product EXCEPT ALL FROM dim_product) UNION ALL (FROM dim_product EXCEPT ALL FROM product))
    UNION ALL
    SELECT 'dim_country', count(*)
    FROM ((FROM country EXCEPT ALL FROM dim_country) UNION ALL (FROM dim_country EXCEPT ALL FROM country))
    UNION ALL
    SELECT 'fact_sale', count(*)
    FROM ((FROM sale EXCEPT ALL FROM fact_sale) UNION ALL (FROM fact_sale EXCEPT ALL FROM sale))
)
SELECT name, rows AS rows_that_differ
FROM different
ORDER BY name
