-- corrie: name=purchases
SELECT id, seen_at, price, user_id FROM events WHERE kind = 'purchase' AND price > 0
