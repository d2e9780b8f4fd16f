"""Builds corrie's wheel: what building needs is laid out by tools/deps, the rest is meson-python's.

The build directory stays (build/wheel), so that a second `pip install .` compiles what has changed.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

# pip puts it into the environment it builds in; nowhere else is it installed.
mesonpy: Any = importlib.import_module("mesonpy")
build_sdist = mesonpy.build_sdist
get_requires_for_build_wheel = mesonpy.get_requires_for_build_wheel


def lay_out() -> None:
    """Brings headers, libraries and subprojects as deps.lock says; says what the system lacks."""
    done = subprocess.run([ROOT / "tools" / "deps", "build"], cwd=ROOT)
    if done.returncode != 0:
        sys.exit("corrie cannot be built here: what tools/deps said above is missing")


def build_wheel(wheel_directory: str, config_settings: dict[str, Any] | None = None,
                metadata_directory: str | None = None) -> str:
    lay_out()
    settings = dict(config_settings or {})
    if not {"build-dir", "builddir"} & settings.keys():
        settings["build-dir"] = str(ROOT / "build" / "wheel")
    name: str = mesonpy.build_wheel(wheel_directory, settings, metadata_directory)
    return name
