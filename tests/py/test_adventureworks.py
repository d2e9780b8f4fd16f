"""The data of the second seed, imported as its scripts do it."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Lake

TABLES = {"product": "Products", "product_category": "Product_Categories",
          "product_subcategory": "Product_Subcategories", "sale": "Sales_2017", "territories": "Territories"}
BRANCH = "ada.adventure"


def lines(path: Path) -> int:
    import csv

    with path.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.reader(file)) - 1


@pytest.fixture
def files(shared: Path) -> dict[str, Path]:
    return {table: shared / f"data/adventureworks/AdventureWorks_{name}.csv" for table, name in TABLES.items()}


def set_up(lake: Lake, files: dict[str, Path], *more: str) -> None:
    """What setup.sh does once the files are there."""
    lake.run("checkout", "-b", BRANCH, program="bauplan")
    lake.run("namespace", "create", "adventure", "--branch", BRANCH, program="bauplan")
    for table, path in files.items():
        name = f"adventure.{table}"
        made = lake.run("table", "create", "--branch", BRANCH, "--name", name, "--search-uri", path, *more,
                        program="bauplan")
        assert "0 rows" in made.stdout
        lake.run("table", "import", "--branch", BRANCH, "--name", name, "--search-uri", path, *more, program="bauplan")


def types(lake: Lake, table: str) -> dict[str, str]:
    return {f["name"]: f["type"] for f in lake.json("table", "get", f"adventure.{table}")["fields"]}


def test_the_scripts_word_for_word(lake: Lake, files: dict[str, Path]) -> None:
    set_up(lake, files)
    shown = lake.run("table", "--namespace", "adventure", program="bauplan").stdout
    for table, path in files.items():
        assert table in shown
        assert lake.rows(f"SELECT count(*) FROM adventure.{table}") == [[str(lines(path))]]
    assert types(lake, "sale") == {
        "OrderDate": "string", "StockDate": "string", "OrderNumber": "string", "ProductKey": "long",
        "CustomerKey": "long", "TerritoryKey": "long", "OrderLineItem": "long", "OrderQuantity": "long"}
    assert lake.rows("SELECT OrderDate, StockDate FROM adventure.sale LIMIT 1") == [["1/1/2017", "12/13/2003"]]
    assert lake.json("table", "ls", "--ref", "main")["tables"] == []
    for table in files:
        lake.run("table", "delete", "--branch", BRANCH, f"adventure.{table}", "--yes", program="bauplan")
    lake.run("namespace", "delete", "adventure", "--branch", BRANCH, "--yes", program="bauplan")


def test_dates_by_their_format(lake: Lake, files: dict[str, Path]) -> None:
    set_up(lake, {"sale": files["sale"]}, "--date-format", "%m/%d/%Y")
    assert types(lake, "sale")["OrderDate"] == types(lake, "sale")["StockDate"] == "date"
    assert lake.rows("SELECT OrderDate, StockDate FROM adventure.sale LIMIT 1") == [["2017-01-01", "2003-12-13"]]
    first, last = lake.rows("SELECT min(OrderDate), max(OrderDate) FROM adventure.sale")[0]
    assert first.startswith("2017-") and last.startswith("2017-")
