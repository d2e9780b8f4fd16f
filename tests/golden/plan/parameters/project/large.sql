SELECT id
FROM events
WHERE kind = $kind AND price > $least
