-- Where the shop sells: a country has one territory or several.
SELECT *
FROM (VALUES
    (1, 'North Coast', 'Canada', 'North America'), (2, 'Prairie', 'Canada', 'North America'),
    (3, 'Pacific', 'United States', 'North America'), (4, 'Plains', 'United States', 'North America'),
    (5, 'Atlantic', 'United States', 'North America'), (6, 'France', 'France', 'Europe'),
    (7, 'Germany', 'Germany', 'Europe'), (8, 'Kenya', 'Kenya', 'Africa'),
    (9, 'Australia', 'Australia', 'Pacific'))
    AS territory(SalesTerritoryKey, Region, Country, Continent)
ORDER BY ALL
