-- The shop's users: one hundred thousand, each in one customer segment.
SELECT
    500000 + i AS user_id,
    (['new', 'new', 'regular', 'regular', 'regular', 'loyal', 'loyal', 'business'])[
        (md5_number_lower('user ' || i) % 8)::INTEGER + 1] AS customer_segment,
    strftime(DATE '2021-01-01' + (md5_number_upper('user ' || i) % 2000)::INTEGER, '%Y-%m-%d') AS signed_up
FROM range(100000) AS rows(i)
ORDER BY user_id
