SELECT id FROM events;
SELECT id FROM users
