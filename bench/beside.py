"""dbt and SQLMesh as bench/beside.lock pins them, each in an environment of its own under build/bench/beside, made when
they are first asked for."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from measure import ROOT

LOCK = ROOT / "bench" / "beside.lock"
FOLDER = ROOT / "build" / "bench" / "beside"
SYSTEMS = ("dbt", "sqlmesh")


def pins(name: str) -> str:
    """The lines of [pip NAME]."""
    section = LOCK.read_text().split(f"[pip {name}]\n", 1)[1]
    return section.split("\n[", 1)[0].strip() + "\n"


def environment(name: str) -> Path:
    """The folder of the environment, with `bin/dbt` or `bin/sqlmesh`; byte-compiled, as pip leaves it too."""
    wanted = pins(name)
    folder = FOLDER / f"{name}-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    if (folder / "complete").exists():
        return folder
    uv = ROOT / ".deps" / "venv" / "bin" / "uv"
    python = (ROOT / ".deps" / "venv" / "bin" / "python").resolve()
    subprocess.run([uv, "venv", "-q", "--clear", "--python", python, folder], check=True)
    listed = folder / "pins.txt"
    listed.write_text(wanted)
    subprocess.run([uv, "pip", "install", "-q", "--require-hashes", "--no-deps", "--only-binary", ":all:",
                    "--compile-bytecode", "--python", folder / "bin" / "python", "-r", listed], check=True)
    (folder / "complete").touch()
    return folder


def quiet_env(home: Path) -> dict[str, str]:
    """What both are run with: a home of their own, nothing sent anywhere."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("DBT_", "SQLMESH", "CORRIE_", "PYTHON"))}
    env.update(HOME=str(home), NO_COLOR="1", DBT_SEND_ANONYMOUS_USAGE_STATS="false",
               SQLMESH__DISABLE_ANONYMIZED_ANALYTICS="true")
    return env


def version(name: str) -> str:
    """As pinned: of dbt-core or of sqlmesh."""
    package = {"dbt": "dbt-core", "sqlmesh": "sqlmesh"}[name]
    return next(line.split(" ")[0] for line in pins(name).splitlines() if line.startswith(f"{package}=="))


if __name__ == "__main__":
    for system in SYSTEMS:
        print(environment(system))
