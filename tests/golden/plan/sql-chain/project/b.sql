SELECT kind, double_price FROM a WHERE id > 10 AND kind IN ('x', 'y')
