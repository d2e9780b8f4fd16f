-- bauplan: materialisation-strategy=REPLACE
SELECT id FROM events
