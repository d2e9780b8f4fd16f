-- corrie: materialization_strategy=REPLACE
SELECT
    ProductKey AS product_key,
    ProductSKU AS sku,
    ProductName AS product,
    ModelName AS model,
    nullif(ProductColor, 'NA') AS color,
    SubcategoryName AS subcategory,
    CategoryName AS category,
    ProductCost::DECIMAL(10, 4) AS cost,
    ProductPrice::DECIMAL(10, 4) AS price
FROM product
JOIN product_subcategory USING (ProductSubcategoryKey)
JOIN product_category USING (ProductCategoryKey)
