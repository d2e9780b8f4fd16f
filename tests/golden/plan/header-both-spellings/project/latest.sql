-- bauplan: name=newest
-- corrie: materialization_strategy=REPLACE
-- bauplan: partitioned-by="day(seen_at), kind"
SELECT id, seen_at, kind FROM events
