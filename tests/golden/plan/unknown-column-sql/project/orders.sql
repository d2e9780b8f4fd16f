SELECT id,
       prise
FROM events
