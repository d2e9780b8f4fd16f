-- corrie: materialization_strategy=REPLACE
SELECT kind FROM staged
