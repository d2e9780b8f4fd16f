SELECT id FROM data WHERE kind = 'a' OR price > 3
