SELECT id FROM data WHERE date_trunc('month', day) = DATE '2024-03-01'
