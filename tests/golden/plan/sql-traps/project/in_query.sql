SELECT kind FROM data WHERE id IN (SELECT id FROM other WHERE name = 'x')
