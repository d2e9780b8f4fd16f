-- What the shop sells, in the large.
SELECT *
FROM (VALUES (1, 'Bikes'), (2, 'Components'), (3, 'Clothing'), (4, 'Accessories'))
    AS category(ProductCategoryKey, CategoryName)
ORDER BY ALL
