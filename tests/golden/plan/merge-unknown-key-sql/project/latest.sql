-- corrie: materialization_strategy=MERGE
-- corrie: keys="id, kinds"
SELECT id, kind FROM events
