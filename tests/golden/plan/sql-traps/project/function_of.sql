SELECT id FROM data WHERE lower(kind) = 'a'
