SELECT count(*) AS n FROM data WHERE cost > 1.5
