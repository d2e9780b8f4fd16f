-- corrie: materialization_strategy=REPLACE
SELECT id,, price
FROM events
