SELECT id, price * 2 AS doubled FROM a
