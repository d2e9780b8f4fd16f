"""A build backend that builds nothing: it answers pip's question for metadata from PKG-INFO.

`pip download` of a source archive prepares the package's metadata before it hands the file over, with the package's
own backend: minutes of compiling for two header files and a few C sources. With this folder on PYTHONPATH and
--no-build-isolation pip asks these modules instead (mesonpy for nanoarrow, scikit_build_core for duckdb).
"""

from __future__ import annotations

from pathlib import Path


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: object = None) -> str:
    text = Path("PKG-INFO").read_text(encoding="utf-8")
    fields = dict(line.split(": ", 1) for line in text.split("\n\n")[0].splitlines() if ": " in line)
    folder = Path(metadata_directory, f"{fields['Name']}-{fields['Version']}.dist-info")
    folder.mkdir()
    (folder / "METADATA").write_text(text, encoding="utf-8")
    return folder.name


def build_wheel(*_args: object, **_options: object) -> str:
    raise RuntimeError("tools/sdist-backend is for `pip download` only")
