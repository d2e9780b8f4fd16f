SELECT id FROM events
WHERE kind = $token
