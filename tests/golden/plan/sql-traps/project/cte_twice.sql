WITH d AS (SELECT id, kind FROM data WHERE price > 1) SELECT a.id FROM d a JOIN d b ON a.id = b.id
