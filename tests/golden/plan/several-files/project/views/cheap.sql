SELECT id FROM marts.totals WHERE price < 1
