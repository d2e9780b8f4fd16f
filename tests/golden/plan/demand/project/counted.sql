-- corrie: materialization_strategy=REPLACE
SELECT count(*) AS n FROM staged
