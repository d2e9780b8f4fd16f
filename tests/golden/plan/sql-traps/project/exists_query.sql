SELECT kind FROM data d WHERE EXISTS (SELECT 1 FROM other o WHERE o.id = d.id)
