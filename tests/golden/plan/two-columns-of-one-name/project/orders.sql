SELECT id, price AS id FROM events
