SELECT id FROM data WHERE kind IN ('a', 'b')
