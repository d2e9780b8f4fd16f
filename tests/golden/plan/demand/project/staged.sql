-- only what is asked for is made of this
SELECT id, seen_at, kind, price, user_id, lower(kind) AS small
FROM events
WHERE price > $least;
-- the end
