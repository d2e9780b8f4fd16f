"""What duckdb's own backend imports: see ../mesonpy.py."""

from __future__ import annotations

from mesonpy import build_wheel, prepare_metadata_for_build_wheel

build_editable = build_sdist = build_wheel
prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def get_requires_for_build_wheel(*_args: object, **_options: object) -> list[str]:
    return []


get_requires_for_build_editable = get_requires_for_build_sdist = get_requires_for_build_wheel
