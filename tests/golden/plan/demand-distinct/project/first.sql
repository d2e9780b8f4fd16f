-- corrie: materialization_strategy=REPLACE
SELECT id FROM ranked WHERE n = 1
