"""Declarations of corrie: what a project's Python files say about their functions.

>>> import corrie
>>> @corrie.model(columns=["id"], materialization_strategy="REPLACE")
... def orders(raw=corrie.Model("raw_orders", filter="price > 0")):
...     return raw.select(["id"])

A decorator changes nothing about its function, which can be called and tested like any other. Common checks are in
``corrie.standard_expectations``; they need pyarrow. ``corrie run`` carries the project out.
"""

from __future__ import annotations

from corrie import standard_expectations
from corrie._declare import Model, Parameter, expectation, extras, model, python, resources

__all__ = [
    "Model",
    "Parameter",
    "expectation",
    "extras",
    "model",
    "python",
    "resources",
    "standard_expectations",
]
