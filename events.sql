-- A month of a shop's events: one million rows, the same on every machine.
--
-- Every random-looking choice is cut from the MD5 of the row number, so nothing depends on threads, seeds or the
-- order of execution. As in real shops most events are views, a third of the products have no category, some no
-- brand, and a few prices are zero.
WITH draw AS (
    SELECT
        i,
        md5_number_lower('event ' || i) AS a,
        md5_number_upper('event ' || i) AS b
    FROM range(1000000) AS rows(i)
),
event AS (
    SELECT
        i,
        TIMESTAMP '2026-10-01 00:00:00' + to_seconds(i * 2592 // 1000) AS moment,
        a % 100 AS kind,
        -- squares make some products and visitors far busier than others
        ((a // 100) % 20000) * ((a // 2000000) % 20000) // 20000 AS product,
        (b % 100000) * ((b // 100000) % 100000) // 100000 AS visitor,
        (b // 10000000000) % 400 AS slip
    FROM draw
),
product AS (
    SELECT
        i AS product,
        md5_number_lower('product ' || i) AS p
    FROM range(20000) AS rows(i)
)
SELECT
    strftime(moment, '%Y-%m-%d %H:%M:%S UTC') AS event_time,
    CASE
        WHEN kind < 82 THEN 'view'
        WHEN kind < 93 THEN 'cart'
        WHEN kind < 95 THEN 'remove_from_cart'
        ELSE 'purchase'
    END AS event_type,
    1000000 + product::BIGINT AS product_id,
    CASE (p % 12)::INTEGER
        WHEN 0 THEN 'electronics.smartphone'
        WHEN 1 THEN 'electronics.audio.headphone'
        WHEN 2 THEN 'computers.notebook'
        WHEN 3 THEN 'appliances.kitchen.kettle'
        WHEN 4 THEN 'furniture.bedroom.bed'
        WHEN 5 THEN 'apparel.shoes'
        WHEN 6 THEN 'kids.toys'
        WHEN 7 THEN 'auto.accessories'
    END AS category_code,
    CASE WHEN p // 12 % 7 > 0
        THEN (['alder', 'birch', 'cedar', 'elm', 'hazel', 'linden', 'maple', 'rowan', 'willow'])[(p // 84 % 9)::INTEGER + 1]
    END AS brand,
    CASE WHEN slip = 0
        THEN 0.0
        ELSE ((299 + p // 756 % 400 * (p // 302400 % 400))::DOUBLE / 100)
    END AS price,
    500000 + visitor::BIGINT AS user_id,
    md5(visitor || ' ' || strftime(moment, '%Y-%m-%d')) AS user_session
FROM event
JOIN product USING (product)
ORDER BY i
