SELECT d.id, o.name FROM data d ASOF JOIN other o ON d.id >= o.id
