SELECT id FROM data WHERE kind LIKE 'ab%'
