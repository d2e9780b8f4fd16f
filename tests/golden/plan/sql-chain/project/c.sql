-- corrie: materialization_strategy=APPEND
WITH top AS (SELECT kind, max(double_price) AS best FROM b GROUP BY kind)
SELECT top.kind, top.best, count(*) AS n FROM top JOIN events e ON e.kind = top.kind WHERE e.price < 3 GROUP BY ALL
