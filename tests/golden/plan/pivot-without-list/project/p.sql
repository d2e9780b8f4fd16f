SELECT * FROM (PIVOT data ON kind USING sum(price) GROUP BY id)
