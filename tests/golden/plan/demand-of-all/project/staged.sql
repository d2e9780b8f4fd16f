SELECT id, price, kind FROM events
