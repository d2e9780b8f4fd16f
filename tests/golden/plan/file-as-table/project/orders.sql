SELECT *
FROM 'events.parquet'
