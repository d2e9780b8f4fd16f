SELECT id FROM data WHERE price > 1 UNION ALL SELECT id FROM data WHERE price < -1
