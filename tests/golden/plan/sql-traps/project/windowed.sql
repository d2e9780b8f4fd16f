SELECT id, sum(price) OVER (PARTITION BY kind) AS s FROM data
