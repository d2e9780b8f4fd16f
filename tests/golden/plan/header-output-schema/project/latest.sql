-- bauplan: output_schema = Newest
SELECT id FROM events
