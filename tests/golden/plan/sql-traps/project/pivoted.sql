SELECT * FROM (PIVOT data ON kind IN ('a', 'b') USING sum(price) GROUP BY id)
