SELECT id, kind FROM data ORDER BY price LIMIT 3
