-- Kinds of products, each in one category.
SELECT *
FROM (VALUES
    (1, 'Trail Bikes', 1), (2, 'Race Bikes', 1), (3, 'Travel Bikes', 1),
    (4, 'Handlebars', 2), (5, 'Chains', 2), (6, 'Frames', 2), (7, 'Wheels', 2),
    (8, 'Gloves', 3), (9, 'Jerseys', 3), (10, 'Socks', 3),
    (11, 'Bottles', 4), (12, 'Helmets', 4), (13, 'Lights', 4))
    AS subcategory(ProductSubcategoryKey, SubcategoryName, ProductCategoryKey)
ORDER BY ALL
