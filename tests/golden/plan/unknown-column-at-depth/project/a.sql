SELECT id, kind, price FROM events
