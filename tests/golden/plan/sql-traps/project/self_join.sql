SELECT a.kind FROM data a JOIN data b ON a.id = b.id AND b.price > 2 WHERE a.price < 1
