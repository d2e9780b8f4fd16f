SELECT d.id, o.name FROM data d LEFT JOIN other o ON d.id = o.id AND o.name <> 'x' WHERE d.price > 0
