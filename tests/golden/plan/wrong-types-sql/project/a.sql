SELECT id FROM events
WHERE seen_at + kind > 3
