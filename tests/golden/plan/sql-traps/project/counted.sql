SELECT count(*) AS n FROM data
