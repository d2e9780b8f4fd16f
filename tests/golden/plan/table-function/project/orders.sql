SELECT *
FROM read_parquet('/lake/data/*.parquet')
