SELECT id, (SELECT max(name) FROM other o WHERE o.id = d.id) AS name FROM data d
