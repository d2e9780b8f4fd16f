SELECT id FROM data QUALIFY row_number() OVER (PARTITION BY kind ORDER BY seen DESC) = 1
