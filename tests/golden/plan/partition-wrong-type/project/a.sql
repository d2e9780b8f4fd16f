-- corrie: materialization_strategy=REPLACE partitioned_by="id, day(kind)"
SELECT id, kind FROM events
