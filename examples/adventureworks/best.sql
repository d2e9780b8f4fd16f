-- Where which category earns most.
SELECT country, category, sum(revenue) AS revenue, sum(profit) AS profit, sum(quantity) AS sold
FROM fact_sale
JOIN dim_product USING (product_key)
JOIN dim_country USING (country_key)
GROUP BY ALL
ORDER BY revenue DESC, country, category
LIMIT 5
