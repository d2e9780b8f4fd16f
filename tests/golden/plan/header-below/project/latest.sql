SELECT id
-- corrie: name=newest
FROM events
