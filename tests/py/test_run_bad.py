"""Functions that do what they should not, in a run: one clear error or a right result; nothing left running, nothing
published."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import TIMEOUT, YAML, Lake


def write_model(project: Path, body: str, resources: str = "") -> None:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    (project / "models.py").write_text(
        f"import corrie\nimport pyarrow as pa\n\n\n@corrie.model(materialization_strategy='REPLACE')\n"
        f"@corrie.python('3.11')\n{resources}def made(rows=corrie.Model('numbers')):\n{lines}")


Refused = Callable[..., str]


@pytest.fixture
def refused(lake: Lake, project: Path, orphans: Callable[[], None], tmp_path: Path) -> Iterator[Refused]:
    """Runs the project, which must fail: one error, which is returned; no process, no file and no table is left."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    lake.env["TMPDIR"] = str(temporary)

    def run(*arguments: str, status: int = 1) -> str:
        before = lake.head()
        said = lake.error("run", *arguments, cwd=project, status=status)
        assert len(re.findall("^error:", said, re.MULTILINE)) == 1, said
        orphans()
        assert lake.head() == before
        assert list(temporary.iterdir()) == []
        job = lake.json("job", "get", "last")
        assert job["status"] == "failed"
        lake.fsck()
        return said

    yield run
    del lake.env["TMPDIR"]


@pytest.mark.parametrize(("body", "expected"), [
    ("pass", "made returned None"),
    ("return rows, rows", "tuple"),
    ("return 'text'", "str"),
    ("return pa.table({})", "column"),
    ("return pa.table([pa.array([1]), pa.array([2])], names=['a', 'a'])", "a"),
    ("import sys\nsys.exit('had enough')", "sys.exit"),
    ("import os\nos._exit(0)", "exit status 0"),
    ("import os\nos.abort()", "SIGABRT"),
    ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
    ("import os\nos.closerange(3, 100)", "made"),
    ("raise SystemExit", "sys.exit"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("def again():\n    return again()\nreturn again()", "RecursionError"),
])
def test_one_clear_error(lake: Lake, project: Path, refused: Refused, body: str, expected: str) -> None:
    write_model(project, body)
    said = refused()
    assert "made" in said and expected in said and "models.py:" in said, said
    assert said.count("Fatal Python error") == (1 if expected.startswith("SIG") else 0)  # where it crashed, told once
    assert lake.json("job", "get", "last")["nodes"][0]["status"] == "failed"


ONE = "one = pa.table({'x': pa.array(range(1_000_000))})\n"  # 8 MB


@pytest.mark.parametrize(("body", "status", "expected"), [
    (f"{ONE}return pa.concat_tables([one] * 1000)", 5, "result does not fit into memory"),
    (f"{ONE}return (one for i in range(10**6))", 5, "result does not fit into memory"),
    (f"{ONE}return pa.RecordBatchReader.from_batches(one.schema, (one.to_batches()[0] for i in range(10**6)))", 5,
     "result does not fit into memory"),
    ("return pa.table({'x': [bytearray(3_000_000_000)]})", 1, "MemoryError"),
    ("import pyarrow.compute as pc\nreturn pa.table({'x': pa.nulls(10**9, pa.int64())})", 1, "MemoryError"),
])
def test_tables_as_large_as_memory(project: Path, refused: Refused, body: str, status: int, expected: str) -> None:
    write_model(project, body)
    said = refused("--memory", "200M", status=status)
    assert "made" in said and expected in said and "--memory" in said, said


def test_tables_as_large_as_memory_from_sql(lake: Lake, project: Path, refused: Refused) -> None:
    """And what goes into it is as it always was, before and after."""
    (project / "made.sql").write_text("SELECT range AS n FROM range(1000000000)\n")
    said = refused("--memory", "200M", status=5)
    assert "made" in said and "left for results in memory" in said and "--memory" in said
    (project / "made.sql").unlink()
    write_model(project, f"{ONE}return (one for i in range(15))")
    lake.run("run", "--memory", "200M", cwd=project)
    assert lake.rows("SELECT count(*) FROM made") == [["15000000"]]


@pytest.mark.parametrize("left", [
    "import subprocess\nsubprocess.Popen(['sleep', '1000'])",
    "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()",
    "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
    "import os\nif os.fork() == 0:\n    import time\n    time.sleep(1000)",
    "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(1000)\n"
    "    os._exit(0)",
    "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)",
])
def test_what_is_left_is_ended(lake: Lake, project: Path, orphans: Callable[[], None], left: str) -> None:
    write_model(project, f"{left}\nreturn rows")
    lake.run("run", cwd=project)
    orphans()
    assert lake.rows("SELECT count(*) FROM made") == [["10"]]


@pytest.mark.parametrize("body", [
    "import time\ntime.sleep(1000)",
    "while True:\n    pass",
    "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True:\n    pass",
])
def test_what_hangs_is_ended(lake: Lake, project: Path, orphans: Callable[[], None], body: str) -> None:
    write_model(project, body, "@corrie.resources(timeout=2)\n")
    before = lake.head()
    assert "longer than 2 s" in lake.error("run", cwd=project, status=1)
    orphans()
    assert lake.head() == before


def test_the_project_says_how_long_functions_may_take(lake: Lake, project: Path) -> None:
    (project / "corrie.yaml").write_text(YAML + "defaults:\n  timeout: 2\n")
    write_model(project, "import time\ntime.sleep(1000)")
    assert "longer than 2 s" in lake.error("run", cwd=project, status=1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", place], capture_output=True).returncode != 0:
        pytest.skip("a small file system cannot be mounted here (not root?)")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("full", ["lake", "temporary"])
def test_a_full_disk(lake: Lake, project: Path, orphans: Callable[[], None], small_disk: Path, full: str) -> None:
    """The error says which place is full, nothing is published, and the next run has its room again."""
    if full == "lake":
        lake.env["CORRIE_LAKE"] = str(small_disk / "lake")
        lake.root = small_disk / "lake"
        lake.run("import", lake.home / "numbers.csv", "numbers")
        write_model(project, "import os\nreturn pa.table({'x': [os.urandom(1000) for i in range(8000)]})")
    else:
        lake.env["TMPDIR"] = str(small_disk)
        write_model(project, "import os\nwith open('scratch', 'wb') as file:\n"
                             "    for i in range(8000):\n        file.write(os.urandom(1000))\nreturn rows")
    before = lake.head()
    said = lake.error("run", cwd=project, status=5 if full == "lake" else 1)
    assert len(re.findall("^error:", said, re.MULTILINE)) == 1 and "space" in said, said
    assert (str(lake.root) if full == "lake" else "models.py") in said, said
    orphans()
    assert lake.head() == before
    lake.fsck()
    write_model(project, "return rows")
    lake.run("run", cwd=project)
    assert lake.rows("SELECT count(*) FROM made") == [["10"]]

    before = lake.head()
    with (small_disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"x" * 4096)
    if full == "lake":  # not a byte left
        said = lake.error("run", cwd=project, status=5)
        assert "space" in said and str(small_disk) in said, said
        orphans()
        (small_disk / "filler").unlink()
        assert lake.head() == before
    else:  # which a function that writes no files does not need
        lake.run("run", cwd=project)
    lake.run("run", cwd=project)
    lake.fsck()


def test_no_rows(lake: Lake, project: Path) -> None:
    write_model(project, "return rows.slice(0, 0)")
    done = lake.json("run", cwd=project)
    assert done["nodes"][0]["rows"] == 0
    assert lake.rows("SELECT count(*) FROM made") == [["0"]]
    assert [f["name"] for f in lake.json("table", "get", "made")["fields"]] == ["n", "s"]


def test_five_thousand_columns(lake: Lake, project: Path) -> None:
    write_model(project, "return pa.table({f'c{i}': rows['n'] for i in range(5000)})")
    (project / "read.sql").write_text("-- corrie: materialization_strategy=REPLACE\n"
                                      "SELECT sum(c0 + c4999)::BIGINT AS s FROM made\n")
    lake.run("run", cwd=project)
    assert lake.rows("SELECT s FROM read") == [["90"]]
    assert lake.rows("SELECT sum(c17) FROM made") == [["45"]]


def test_many_tables_of_many_columns_at_once(lake: Lake, project: Path) -> None:
    # each column is a file: more of them than a process may have open by default
    text = "import corrie\nimport pyarrow as pa\n"
    for i in range(8):
        text += (f"\n@corrie.model()\n@corrie.python('3.11')\ndef wide{i}(rows=corrie.Model('numbers')):\n"
                 f"    return pa.table({{f'c{{i}}': rows['n'] for i in range(250)}})\n")
    (project / "models.py").write_text(text)
    (project / "all.sql").write_text("-- corrie: materialization_strategy=REPLACE\n"
                                     "SELECT " + " + ".join(f"(SELECT sum(c{i}) FROM wide{i})" for i in range(8))
                                     + " AS s\n")
    run = lake.start("run", cwd=project, before=("prlimit", "--nofile=1024:"))
    assert run.wait(TIMEOUT) == 0, run.communicate()
    assert lake.rows("SELECT s FROM \"all\"") == [["360"]]


def test_nested_and_dictionary_types(lake: Lake, project: Path) -> None:
    write_model(project, """
kinds = pa.array(['a', 'b'] * 5).dictionary_encode()
lists = pa.array([[i, None] for i in range(10)])
structs = pa.array([{'x': i, 'y': [str(i)]} for i in range(10)])
maps = pa.array([[('k', i)] for i in range(10)], pa.map_(pa.string(), pa.int64()))
return pa.table({'n': rows['n'], 'kind': kinds, 'l': lists, 's': structs, 'm': maps})""")
    (project / "read.sql").write_text("-- corrie: materialization_strategy=REPLACE\n"
                                      "SELECT n, kind, l[1] AS l, s.y[1] AS y, m['k'] AS m FROM made\n")
    lake.run("run", cwd=project)
    assert lake.rows("SELECT * FROM read WHERE n = 3") == [["3", "b", "3", "3", "3"]]


def test_a_hundred_megabytes_of_output(lake: Lake, project: Path) -> None:
    write_model(project, "import os\nfor i in range(1000):\n    os.write(1, b'x' * 99_999 + b'\\n')\n"
                         "print('the end')\nos.write(1, b'no utf-8: \\xff\\xfe\\n')\nreturn rows")
    done = lake.json("run", cwd=project)
    logs = [e for e in lake.json("job", "logs", done["job"])["logs"] if e["kind"] == "log"]
    assert sum(len(e["text"]) for e in logs) < 4e6
    assert any(e["text"] == "the end" for e in logs)
    assert any("MB of output are left out" in e["text"] for e in logs)
    assert any(e["text"].startswith("no utf-8: \ufffd") for e in logs)


def test_an_expectation_that_is_no_bool(lake: Lake, project: Path) -> None:
    write_model(project, "return rows")
    checks = project / "checks.py"
    for value, called in ("1", "int"), ("None", "None"), ("rows", "Table"):
        checks.write_text(f"import corrie\n\n@corrie.expectation()\n@corrie.python('3.11')\n"
                          f"def holds(rows=corrie.Model('made')):\n    return {value}\n")
        before = lake.head()
        said = lake.error("run", cwd=project, status=1)
        assert "holds returned" in said and called in said
        assert lake.head() == before


@pytest.mark.parametrize("column", [
    "pa.array([1000, 1500], NS)",
    "pa.array([None, [0, None], [], [1500]], pa.list_(NS))",
    "pa.array([{'t': 1000}, None, {'t': 1500}], pa.struct([('t', NS)]))",
    "pa.array([[('k', 1500)]], pa.map_(pa.string(), NS))",
    "pa.array([[1000, 2000], [1500, 0]], pa.list_(NS, 2))",
    "pa.array([1000, 1500, 1000], NS).dictionary_encode()",
    "pa.chunked_array([pa.array([0] * 3000, NS), pa.array([7] + [1500], NS).slice(1)])",
])
def test_instants_of_nanoseconds_are_not_cut(lake: Lake, project: Path, column: str) -> None:
    """DuckDB would cut them without a word, and pandas makes them by default."""
    text = ("import corrie\nimport pyarrow as pa\n\nNS = pa.timestamp('ns', 'UTC')\n\n\n"
            "@corrie.model(materialization_strategy='REPLACE')\n@corrie.python('3.11')\n"
            "def times(rows=corrie.Model('numbers')):\n    return pa.table({'t': COLUMN})\n")
    (project / "models.py").write_text(text.replace("COLUMN", column))
    said = lake.error("run", cwd=project, status=1)
    assert "column t: a time has nanoseconds" in said and "1970-01-01T00:00:00.0000015Z" in said
    assert "models.py:9" in said
    (project / "models.py").write_text(text.replace("COLUMN", column.replace("1500", "5000")))
    lake.run("run", cwd=project)
    assert "00:00:00.000005" in str(lake.rows("SELECT t FROM times"))


def test_a_nul_cuts_nothing(lake: Lake, project: Path) -> None:
    (project / "models.py").write_text("""
import os

import corrie


@corrie.model()
@corrie.python('3.11')
def says(rows=corrie.Model('numbers')):
    print('one\\0two')
    os.write(1, b'three\\0four\\n')
    raise ValueError('five\\0six')
""")
    said = lake.error("run", cwd=project, status=1)
    assert all(text in said for text in ("one\ufffdtwo", "three\ufffdfour", "ValueError: five\ufffdsix"))
    logs = [line.get("text") for line in lake.json("job", "logs", "last")["logs"]]
    assert "one\ufffdtwo" in logs and "three\ufffdfour" in logs
