SELECT unnest([id, 2]) AS n FROM data
