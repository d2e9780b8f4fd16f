"""Checks that many tables want, for the body of an expectation: each takes a ``pyarrow.Table`` and says ``True`` or
``False``.

>>> import pyarrow as pa
>>> from corrie import standard_expectations
>>> orders = pa.table({"id": [1, 2, 3], "price": [4.5, None, 2.0], "currency": ["EUR", "EUR", "USD"]})
>>> standard_expectations.expect_column_all_unique(orders, "id")
True
>>> standard_expectations.expect_column_no_nulls(orders, "price")
False

Nulls are no values: they take no part in means, and are neither unique nor accepted or refused. A column that is not
there is an error, not ``False``.

pyarrow only, Python 3.9 and newer: functions' processes and the SDK share this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

__all__ = [
    "expect_column_accepted_values",
    "expect_column_all_null",
    "expect_column_all_unique",
    "expect_column_equal_concatenation",
    "expect_column_mean_greater_or_equal_than",
    "expect_column_mean_greater_than",
    "expect_column_mean_smaller_or_equal_than",
    "expect_column_mean_smaller_than",
    "expect_column_no_nulls",
    "expect_column_not_unique",
    "expect_column_some_null",
]


def _compute() -> Any:
    # Not at the top: whoever only declares models has no need of pyarrow.
    import pyarrow.compute

    return pyarrow.compute


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    if table.schema.get_field_index(name) < 0:
        have = ", ".join(table.column_names)
        raise KeyError(f"the table has no column {name!r}, or more than one; it has {have}")
    import pyarrow

    column = table.column(name)
    if isinstance(column.type, pyarrow.BaseExtensionType):
        column = column.cast(column.type.storage_type)
    if pyarrow.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow

    return column.cast(pyarrow.large_string())


def expect_column_equal_concatenation(
    table: pa.Table, target_column: str, columns: Sequence[str], separator: str = ""
) -> bool:
    """Whether ``target_column`` holds in every row the texts of ``columns``, joined by ``separator``.

    A row in which one of ``columns`` is null has no such text: there ``target_column`` has to be null.

    >>> import pyarrow as pa
    >>> people = pa.table({"first": ["Ada", "Alan"], "last": ["Lovelace", "Turing"],
    ...                    "name": ["Ada Lovelace", "Alan Turing"]})
    >>> expect_column_equal_concatenation(people, "name", ["first", "last"], separator=" ")
    True
    """
    import pyarrow

    compute = _compute()
    parts = [_as_text(_column(table, name)) for name in columns]
    if not parts:
        raise ValueError("columns names no column to join")
    gap = pyarrow.scalar(separator, pyarrow.large_string())
    joined = compute.binary_join_element_wise(*parts, gap)
    target = _as_text(_column(table, target_column))
    one_null = compute.xor(compute.is_null(target), compute.is_null(joined))
    differs = compute.fill_null(compute.not_equal(target, joined), False)
    return not compute.any(compute.or_(one_null, differs), min_count=0).as_py()


def _mean(table: pa.Table, column_name: str) -> Any:
    """None where there is no value."""
    return _compute().mean(_column(table, column_name)).as_py()


def expect_column_mean_greater_than(table: pa.Table, column_name: str, value: float) -> bool:
    """Whether the mean of the column's values is above ``value``; ``False`` where there are none."""
    mean = _mean(table, column_name)
    return bool(mean is not None and mean > value)


def expect_column_mean_greater_or_equal_than(table: pa.Table, column_name: str, value: float) -> bool:
    """Whether the mean of the column's values is ``value`` or above; ``False`` where there are none."""
    mean = _mean(table, column_name)
    return bool(mean is not None and mean >= value)


def expect_column_mean_smaller_than(table: pa.Table, column_name: str, value: float) -> bool:
    """Whether the mean of the column's values is below ``value``; ``False`` where there are none."""
    mean = _mean(table, column_name)
    return bool(mean is not None and mean < value)


def expect_column_mean_smaller_or_equal_than(table: pa.Table, column_name: str, value: float) -> bool:
    """Whether the mean of the column's values is ``value`` or below; ``False`` where there are none."""
    mean = _mean(table, column_name)
    return bool(mean is not None and mean <= value)


def expect_column_some_null(table: pa.Table, column_name: str) -> bool:
    """Whether at least one row of the column is null."""
    return bool(_column(table, column_name).null_count > 0)


def expect_column_no_nulls(table: pa.Table, column_name: str) -> bool:
    """Whether no row of the column is null."""
    return bool(_column(table, column_name).null_count == 0)


def expect_column_all_null(table: pa.Table, column_name: str) -> bool:
    """Whether every row of the column is null."""
    column = _column(table, column_name)
    return bool(column.null_count == len(column))


def expect_column_all_unique(table: pa.Table, column_name: str) -> bool:
    """Whether no value stands in two rows of the column."""
    column = _column(table, column_name)
    return bool(_compute().count_distinct(column, mode="only_valid").as_py() == len(column) - column.null_count)


def expect_column_not_unique(table: pa.Table, column_name: str) -> bool:
    """Whether some value stands in two rows of the column."""
    return not expect_column_all_unique(table, column_name)


def expect_column_accepted_values(table: pa.Table, column_name: str, accepted_values: Sequence[Any]) -> bool:
    """Whether every value of the column is one of ``accepted_values``.

    >>> import pyarrow as pa
    >>> expect_column_accepted_values(pa.table({"size": ["S", "L", None]}), "size", ["S", "M", "L"])
    True
    """
    import pyarrow

    compute = _compute()
    column = _column(table, column_name)
    accepted = pyarrow.array([value for value in accepted_values if value is not None], type=column.type)
    known = compute.is_in(column.drop_null(), value_set=accepted)
    return bool(compute.all(known, min_count=0).as_py())
