-- corrie: materialization_strategy=REPLACE
SELECT id FROM mixed
