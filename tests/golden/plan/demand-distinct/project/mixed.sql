SELECT id, kind FROM events UNION ALL SELECT user_id, segment FROM users
