WITH priced AS (
  SELECT id, price FROM events
)
SELECT id, prise FROM priced
