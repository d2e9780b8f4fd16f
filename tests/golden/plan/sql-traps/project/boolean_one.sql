SELECT id FROM data WHERE flag
