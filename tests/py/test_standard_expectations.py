"""The checks that `standard_expectations` offers, as a function in a run and the installed package have them."""

from __future__ import annotations

import sys

import pyarrow as pa
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "python"))

from corrie import standard_expectations as checks

TABLE = pa.table({
    "id": [1, 2, 3, 4],
    "twice": [1, 1, 2, None],
    "gone": pa.array([None] * 4, pa.float64()),
    "price": [1.0, 2.0, 3.0, None],
    "first": ["a", "b", None, "d"],
    "last": ["x", "y", "z", "w"],
    "both": ["a-x", "b-y", None, "d-w"],
    "code": pa.array(["u", "v", "u", None]).dictionary_encode(),
})
NONE = TABLE.slice(0, 0)

CASES = [
    ("expect_column_equal_concatenation", ("both", ["first", "last"], "-"), True),
    ("expect_column_equal_concatenation", ("both", ["first", "last"]), False),
    ("expect_column_equal_concatenation", ("last", ["first", "last"], "-"), False),
    ("expect_column_mean_greater_than", ("price", 1.9), True),
    ("expect_column_mean_greater_than", ("price", 2.0), False),
    ("expect_column_mean_greater_or_equal_than", ("price", 2.0), True),
    ("expect_column_mean_greater_or_equal_than", ("price", 2.1), False),
    ("expect_column_mean_smaller_than", ("price", 2.1), True),
    ("expect_column_mean_smaller_than", ("price", 2.0), False),
    ("expect_column_mean_smaller_or_equal_than", ("price", 2.0), True),
    ("expect_column_mean_smaller_or_equal_than", ("price", 1.9), False),
    ("expect_column_mean_smaller_than", ("gone", 100.0), False),
    ("expect_column_some_null", ("price",), True),
    ("expect_column_some_null", ("id",), False),
    ("expect_column_no_nulls", ("id",), True),
    ("expect_column_no_nulls", ("price",), False),
    ("expect_column_all_null", ("gone",), True),
    ("expect_column_all_null", ("price",), False),
    ("expect_column_all_unique", ("id",), True),
    ("expect_column_all_unique", ("price",), True),
    ("expect_column_all_unique", ("twice",), False),
    ("expect_column_not_unique", ("twice",), True),
    ("expect_column_not_unique", ("id",), False),
    ("expect_column_accepted_values", ("code", ["u", "v", "w"]), True),
    ("expect_column_accepted_values", ("code", ["u"]), False),
    ("expect_column_accepted_values", ("twice", [1, 2]), True),
]


@pytest.mark.parametrize(("name", "arguments", "holds"), CASES)
def test_each(name: str, arguments: tuple[object, ...], holds: bool) -> None:
    assert getattr(checks, name)(TABLE, *arguments) is holds


def test_there_are_eleven_and_each_has_a_case() -> None:
    assert len(checks.__all__) == 11
    assert {name for name, _, _ in CASES} == set(checks.__all__)


@pytest.mark.parametrize("name", checks.__all__)
def test_a_column_that_is_not_there(name: str) -> None:
    # a misspelt name is not an expectation that does not hold
    more = {"expect_column_equal_concatenation": (["first"],), "expect_column_accepted_values": ([1],)}
    arguments = more.get(name, (1.0,) if "mean" in name else ())
    with pytest.raises(KeyError, match="nowhere"):
        getattr(checks, name)(TABLE, "nowhere", *arguments)


def test_no_rows() -> None:
    assert checks.expect_column_equal_concatenation(NONE, "both", ["first", "last"])
    assert checks.expect_column_all_unique(NONE, "id") and checks.expect_column_no_nulls(NONE, "id")
    assert checks.expect_column_accepted_values(NONE, "id", [])
    assert not checks.expect_column_mean_greater_than(NONE, "price", -1.0)
