SELECT id, kind, price * 2 AS double_price, user_id FROM events
