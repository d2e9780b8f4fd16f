SELECT id
FROM events
WHERE kind = $kid
