SELECT DISTINCT kind, user_id FROM events ORDER BY user_id LIMIT 10
