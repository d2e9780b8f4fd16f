-- corrie: materialization_strategy=OVERWRITE_PARTITIONS overwrite_filter="kind > 3"
SELECT id, kind FROM events
