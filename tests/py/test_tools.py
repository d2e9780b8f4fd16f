"""The checks of `make lint` find what they are there for: without these tests a check could fall silent unnoticed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(os.environ.get("CORRIE_SOURCE_ROOT", Path(__file__).resolve().parents[2]))

CLEAN = """#include "base/thing.h"

#include <string.h>

/* strcpy(a, b) in a comment and "sprintf(" in a string are no calls */
int thing_length(const char *text)
{
    return (int)strlen(text) + (int)strlen("system(x)");
}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout with one clean room."""
    shutil.copytree(SOURCE / "tools", tmp_path / "tools")
    (tmp_path / "tools/limits.allow").write_text("")
    (tmp_path / "include/corrie").mkdir(parents=True)
    put(tmp_path, "src/base/thing.h", "int thing_length(const char *text);\n")
    put(tmp_path, "src/base/thing.c", CLEAN)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def put(tree: Path, name: str, text: str) -> None:
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def check(tree: Path, tool: str) -> tuple[int, str]:
    done = subprocess.run([str(tree / "tools" / tool)], cwd=tree, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("tool", ["check-layers", "limits"])
def test_clean_tree_passes(tree: Path, tool: str) -> None:
    status, said = check(tree, tool)
    assert (status, "0 problems" in said) == (0, True), said


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("src/base/x.c", '#include "store/store.h"', "base (level 0) must not include"),
        ("src/arrow/x.c", '#include "lang/filter.h"', "arrow (level 1) must not include"),
        ("src/base/x.c", '#include "thing.h"', "write includes from src/"),
        ("src/lake/x.c", "#include <duckdb.h>", "belongs to engine"),
        ("src/jobs/x.c", "#include <sqlite3.h>", "belongs to catalog"),
        ("src/store/x.c", "#include <sys/mman.h>", "belongs to os"),
        ("include/corrie/x.h", '#include "base/thing.h"', "a public header includes only"),
        ("src/run/x.c", "int f(void) { return system(0); }", "system is banned"),
        ("src/cli/x.c", "int f(char *a) { return atoi(a); }", "atoi is banned"),
        ("src/store/x.c", "int f(int d) { return fsync(d); }", "syscalls belong to os"),
        ("src/lake/x.c", "void *f(void) { return malloc(1); }", "allocate through base/mem.h"),
        ("src/plan/x.c", "void f(void) { exit(1); }", "does not change or end the process"),
        ("src/attic/x.c", "int f(void);", "a room that tools/layers.txt does not know"),
    ],
)
def test_layers_are_kept(tree: Path, name: str, line: str, expected: str) -> None:
    put(tree, name, line + "\n")
    status, said = check(tree, "check-layers")
    assert status == 1
    assert expected in said
    assert "1 problems" in said


def test_a_stated_reason_excuses_a_line(tree: Path) -> None:
    put(tree, "src/run/x.c", "void f(void) { exit(1); } /* layers: only after fork */\n")
    assert check(tree, "check-layers")[0] == 0


def test_a_callback_called_write_is_no_system_call(tree: Path) -> None:
    put(tree, "src/store/x.c", "typedef int (*write_fn)(int a);\nint f(write_fn write) { return write(1); }\n")
    assert check(tree, "check-layers")[0] == 0


def test_long_functions_and_files_are_found(tree: Path) -> None:
    body = "    thing();\n"
    put(tree, "src/base/edge.c", "int edge(void)\n{\n" + body * 78 + "}\n")
    assert check(tree, "limits")[0] == 0
    put(tree, "src/base/long.c", "int long_one(int a,\n             int b)\n{\n" + body * 79 + "}\n")
    put(tree, "src/base/file.h", "\n" * 1201)
    status, said = check(tree, "limits")
    assert status == 1
    assert "src/base/long.c:3: long_one has 81 lines, at most 80" in said
    assert "src/base/file.h:1: the file has 1201 lines, at most 1200" in said


def test_allowed_lengths_need_to_be_needed(tree: Path) -> None:
    put(tree, "tools/limits.allow", "src/base/thing.c:thing_length 100 a table\n")
    status, said = check(tree, "limits")
    assert (status, "thing_length is not needed" in said) == (1, True), said
