SELECT id, price, row_number() OVER (PARTITION BY kind ORDER BY seen_at) AS n FROM events
