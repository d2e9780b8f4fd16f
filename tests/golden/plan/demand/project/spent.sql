-- corrie: materialization_strategy=REPLACE
SELECT segment, sum(price) AS spent FROM known GROUP BY segment
