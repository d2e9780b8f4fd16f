"""AdventureWorks: the second seed's data and commands word for word, and the example made after them."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from conftest import ROOT, Lake

EXAMPLE = ROOT / "examples/adventureworks"
MADE = ("dim_product", "dim_country", "fact_sale")

TABLES = {"product": "Products", "product_category": "Product_Categories",
          "product_subcategory": "Product_Subcategories", "sale": "Sales_2017", "territories": "Territories"}
BRANCH = "ada.adventure"


def rows_of(path: Path) -> int:
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
        assert lake.rows(f"SELECT count(*) FROM adventure.{table}") == [[str(rows_of(path))]]
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


def cells(lake: Lake, table: str, *arguments: str) -> list[list[str]]:
    return lake.rows(f"SELECT * FROM adventure.{table} ORDER BY ALL", *arguments)


def bauplan_project(folder: Path) -> Path:
    """The example's functions as a project in the seed's spelling."""
    shutil.copytree(EXAMPLE / "pipeline", folder / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pipeline/corrie.yaml").rename(folder / "pipeline/bauplan_project.yml")
    models = folder / "pipeline/models.py"
    models.write_text(re.sub(r"\bcorrie\b", "bauplan", models.read_text()))
    return folder


def test_the_pipeline_on_the_real_data(shared: Path, lake: Lake, files: dict[str, Path], tmp_path: Path) -> None:
    """The seed's commands as it gives them; then SQL models in the place of the functions, with equal results."""
    import duckdb

    text = (shared / "seeds/faas-lakehouse-overview.txt").read_text()
    lines = [line for line in text.splitlines() if line.startswith("bauplan ")]
    assert "bauplan run --project-dir pipeline --namespace adventure" in lines
    set_up(lake, files)
    folder = bauplan_project(tmp_path)
    for line in lines:
        shown = lake.run(*shlex.split(line)[1:], program="bauplan", cwd=folder).stdout
    assert all(name in shown for name in MADE)
    of_functions = {name: cells(lake, name) for name in MADE}
    typed = {name: types(lake, name) for name in MADE}

    lake.run("checkout", "-b", "ada.sql", "--from-ref", f"{BRANCH}~1")
    lake.run("run", "--project-dir", EXAMPLE / "pipeline_sql", "--namespace", "adventure")
    assert {name: types(lake, name) for name in MADE} == typed
    for name in MADE:
        assert cells(lake, name) == of_functions[name], name

    (revenue, n), = duckdb.sql(f"""
        SELECT sum(OrderQuantity * ProductPrice::DECIMAL(10, 4)), count(*)
        FROM '{files["sale"]}' JOIN '{files["product"]}' USING (ProductKey)""").fetchall()
    assert lake.rows("SELECT sum(revenue), count(*) FROM adventure.fact_sale") == [[str(revenue), str(n)]]
    assert (len(of_functions["dim_product"]), len(of_functions["dim_country"]), n) == (
        rows_of(files["product"]), 6, rows_of(files["sale"]))


def test_the_example_word_for_word(lake: Lake, tmp_path: Path) -> None:
    """The commands of its README, in a fresh copy."""
    folder = tmp_path / "adventureworks"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "csv"))
    shown = {}
    for line in re.findall(r"^\$ (.*)$", (folder / "README.md").read_text(), re.MULTILINE):
        program, *arguments = shlex.split(line)
        if program == "mkdir":
            (folder / arguments[0]).mkdir()
        else:
            shown[line] = lake.run(*arguments, program=program, cwd=folder).stdout
    compared = shown["corrie query -f compare.sql --namespace adventure"].splitlines()
    assert [line.split() for line in compared[1:]] == [[name, "0"] for name in sorted(MADE)]
    assert ": rows" not in shown["corrie diff ada.adventure --rows 5"]
    assert len(shown["corrie query -f best.sql --namespace adventure"].splitlines()) == 6
    assert len(cells(lake, "fact_sale")) == 30000
