-- corrie: materialization_strategy=REPLACE columns="id, total"
SELECT id, price FROM events
