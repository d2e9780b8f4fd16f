-- corrie: materialization_strategy=MERGE, keys=user_id
SELECT user_id, max(seen_at) AS seen_at FROM events GROUP BY ALL
