SELECT id FROM data WHERE (id > 1 AND price < 3) OR (id < 0 AND price > 9)
