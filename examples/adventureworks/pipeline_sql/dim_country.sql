-- corrie: materialization_strategy=REPLACE
SELECT
    row_number() OVER (ORDER BY Country) AS country_key,
    Country AS country,
    Continent AS continent,
    count(*) AS regions
FROM territories
GROUP BY Country, Continent
