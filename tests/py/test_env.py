"""Environments of functions: which are kept, what locks them, what removes them."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN, TIMEOUT, Lake, write_project
from faults import Faults

SIX = """import corrie


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11', pip={'six': '<2'})
def told():
    import pyarrow as pa
    import six

    return pa.table({'version': [six.__version__]})


@corrie.model()
@corrie.python('3.11')
def plain(rows=corrie.Model('told')):
    return rows
"""
CUT_OFF = {"UV_INDEX_URL": "http://127.0.0.1:9/simple", "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
           "UV_HTTP_TIMEOUT": "2", "UV_HTTP_RETRIES": "0", "ALL_PROXY": "http://127.0.0.1:9"}


@pytest.fixture
def six(lake: Lake, tmp_path: Path) -> Path:
    """A project whose function takes any six."""
    return write_project(tmp_path / "six", {"models.py": SIX})


def locked(project: Path) -> dict[str, Any]:
    """Package and what the lock file has of it, of the environment with six."""
    document = json.loads((project / "corrie.lock").read_text())
    entry = next(e for e in document["environments"] if e["packages"])
    return {p["name"]: p for p in entry["locked"]["packages"]}


def relock(project: Path, version: str, hashes: list[str]) -> None:
    path = project / "corrie.lock"
    document = json.loads(path.read_text())
    for entry in document["environments"]:
        for package in entry["locked"]["packages"]:
            if package["name"] == "six":
                package.update(version=version, hashes=hashes)
    path.write_text(json.dumps(document))


def test_a_run_takes_what_is_locked(lake: Lake, six: Path) -> None:
    made = lake.json("env", "lock", cwd=six)
    assert made["written"] and [e["status"] for e in made["environments"]] == ["new", "new"]
    newest = locked(six)["six"]["version"]
    assert set(locked(six)) == {"pyarrow", "six"}
    assert all(h.startswith("sha256:") for p in locked(six).values() for h in p["hashes"])
    assert all(p["hashes"] for p in locked(six).values())
    text = (six / "corrie.lock").read_text()
    assert not lake.json("env", "lock", cwd=six)["written"]
    assert (six / "corrie.lock").read_text() == text

    lake.run("run", cwd=six)
    assert lake.rows("SELECT version FROM told") == [[newest]]
    assert [e["locked"] for e in lake.json("explain", "-p", six)["environments"]] == [True, True]
    users = {name for e in lake.json("env", "ls", cwd=six)["environments"] for name in e["functions"]}
    assert users == {"told", "plain"}

    # an older one, as if it had been locked then: it is what the run gets, until it is locked anew
    relock(six, "1.16.0", [])
    lake.run("run", cwd=six)
    assert lake.rows("SELECT version FROM told") == [["1.16.0"]]
    assert lake.json("env", "lock", cwd=six)["environments"][0]["status"] == "kept"
    anew = lake.json("env", "lock", "--upgrade", cwd=six)["environments"][0]
    assert anew["status"] == "changed" and anew["changes"] == [{"name": "six", "from": "1.16.0", "to": newest}]
    lake.run("run", cwd=six)
    assert lake.rows("SELECT version FROM told") == [[newest]]

    # another file of that version than the one that was locked
    relock(six, "1.15.0", ["sha256:" + "0" * 64])
    said = lake.error("run", cwd=six, status=1)
    assert "six==1.15.0" in said and "ash mismatch" in said


def test_other_hashes_are_another_environment(lake: Lake, six: Path, tmp_path: Path) -> None:
    """What was made from the files of before is not found by a lock file whose hashes somebody has changed."""
    cache = tmp_path / "cache/python"
    lake.env["CORRIE_CACHE_DIR"] = str(cache.parent)
    (six / "models.py").write_text(SIX[:SIX.index("\n\n\n@corrie.model()")] + "\n")
    lake.run("env", "lock", cwd=six)
    right = (six / "corrie.lock").read_text()
    lake.run("run", cwd=six)
    assert len(list((cache / "envs").iterdir())) == 1  # the run takes what was just locked
    before, made = lake.head(), sorted(cache.rglob("corrie-env.json"))

    version = locked(six)["six"]["version"]
    relock(six, version, ["sha256:" + "0" * 64])
    said = lake.error("run", cwd=six, status=1)
    assert f"six=={version}" in said and "ash mismatch" in said and "corrie.lock" in said
    assert lake.head() == before and sorted(cache.rglob("corrie-env.json")) == made
    assert list((cache / "building").iterdir()) == []
    assert lake.json("explain", "-p", six)["environments"][0]["locked"]

    (six / "corrie.lock").write_text(right)
    lake.run("run", cwd=six, env=CUT_OFF)


def test_a_pin_that_has_changed_since(lake: Lake, six: Path) -> None:
    lake.run("env", "lock", cwd=six)
    models = six / "models.py"
    models.write_text(SIX.replace("'<2'", "'1.16.0'"))
    done = lake.run("run", cwd=six)
    assert "corrie.lock does not have the environment that told asks for" in done.stderr
    assert "corrie env lock" in done.stderr and "models.py:6" in done.stderr
    assert lake.rows("SELECT version FROM told") == [["1.16.0"]]
    assert "corrie.lock" in lake.error("run", "--strict", cwd=six, status=1)
    assert "models.py:6" in lake.error("env", "lock", "--check", cwd=six, status=1)
    made = lake.json("env", "lock", cwd=six)
    assert [e["status"] for e in made["environments"]] == ["new", "kept"] and made["removed"] == 1
    lake.run("env", "lock", "--check", cwd=six)
    assert "corrie.lock" not in lake.run("run", "--strict", cwd=six).stderr


def test_what_is_locked_runs_without_network(lake: Lake, six: Path) -> None:
    lake.run("env", "lock", cwd=six)
    lake.run("run", cwd=six, env=CUT_OFF)
    lake.run("env", "lock", "--check", cwd=six, env=CUT_OFF)
    (six / "models.py").write_text(SIX.replace("'<2'", "'1.4.0'"))
    for command in ("run",), ("env", "lock"):
        said = lake.error(*command, cwd=six, env=CUT_OFF, status=5)
        assert "told: Python environment (six ==1.4.0)" in said and "models.py:6:5" in said


@pytest.mark.parametrize(("text", "expected"), [
    ("{", "corrie.lock:1"),
    ("[]", "corrie.lock"),
    ('{"format": 2, "environments": []}', "version 2"),
    ('{"format": 1, "environments": [{"python": "3.11", "packages": []}]}', "locked"),
    ('{"format": 1, "environments": [{"python": "3.11", "packages": [], "locked": {"python": "3.11.7", "packages": '
     '[{"name": "six", "version": "1.0 --index-url http://evil", "hashes": []}]}}]}', "corrie.lock"),
    ('{"format": 1, "environments": [{"python": "3.11", "packages": [], "locked": {"python": "3.11.7", "packages": '
     '[{"name": "six", "version": "1.0", "hashes": ["sha256:00\\n--index-url=http://evil"]}]}}]}', "sha256"),
])
def test_a_lock_file_that_is_none(lake: Lake, six: Path, text: str, expected: str) -> None:
    (six / "corrie.lock").write_text(text)
    assert expected in lake.error("run", "--dry-run", cwd=six, status=1 if "2," not in text else 2)


def test_a_damaged_lock_file_is_written_anew(lake: Lake, six: Path) -> None:
    (six / "corrie.lock").write_text("{")
    assert "corrie env lock" in lake.error("run", cwd=six, status=1)
    lake.run("env", "lock", cwd=six)
    lake.run("run", "--strict", cwd=six)


def test_what_is_in_use_stays(lake: Lake, six: Path, tmp_path: Path) -> None:
    lake.env["CORRIE_CACHE_DIR"] = str(tmp_path / "cache")
    mark = tmp_path / "mark"
    sleeps = f"    import pathlib, six, time\n    pathlib.Path('{mark}').touch()\n    time.sleep(1000)\n"
    (six / "models.py").write_text(SIX.replace("    import six\n", sleeps))
    child = lake.start("run", cwd=six)
    deadline = time.monotonic() + TIMEOUT
    while not mark.exists():
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.05)
    listed = lake.json("env", "ls", cwd=six)["environments"]
    assert sorted(e["functions"] for e in listed if e["in_use"]) == [["plain"], ["told"]]
    done = lake.json("env", "clean", "--all", cwd=six)
    assert done["in_use"] == done["kept"] == 2 and done["removed"] == []
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=TIMEOUT)
    assert lake.json("env", "clean", cwd=six)["removed"] == []  # it was used just now
    gone = lake.json("env", "clean", "--unused", "0", cwd=six)["removed"]
    assert {p["name"] for e in gone for p in e["packages"]} == {"pyarrow", "six"}
    assert len(gone) == 2 and all(e["bytes"] > 0 for e in gone)
    assert lake.json("env", "ls", cwd=six)["environments"] == []
    assert list((tmp_path / "cache/python/building").iterdir()) == []
    assert list((tmp_path / "cache/python/requests").glob("*.json")) == []


KEEPS = """import corrie


@corrie.model(materialization_strategy="REPLACE")
@corrie.python("3.11", pip={"six": "1.16.0"})
def told(token=corrie.Parameter("token")):
    import pathlib, time
    pathlib.Path("MARK").touch()
    time.sleep(1000)
"""


def test_secrets_lie_nowhere(lake: Lake, tmp_path: Path) -> None:
    """While a function has the value and after corrie was killed: on no disk, and in no other process' environment."""
    mark, secret = tmp_path / "mark", "Wonderland-" + uuid.uuid4().hex
    folder = write_project(tmp_path / "p", {"models.py": KEEPS.replace("MARK", str(mark))},
                           "parameters:\n  token: {type: secret, default: \"env:THE_TOKEN\"}\n")
    uv = tmp_path / "uv"
    uv.write_text(f"#!/bin/sh\nenv >> {tmp_path}/told\nexec {(BIN / 'corrie').resolve().parent / 'uv'} \"$@\"\n")
    uv.chmod(0o755)
    (tmp_path / "tmp").mkdir()
    lake.env.update(CORRIE_CACHE_DIR=str(tmp_path / "cache"), CORRIE_UV=str(uv), TMPDIR=str(tmp_path / "tmp"),
                    THE_TOKEN=secret)
    lake.run("env", "lock", cwd=folder)
    shutil.rmtree(tmp_path / "cache")
    child = lake.start("run", "--events", cwd=folder)
    deadline = time.monotonic() + TIMEOUT
    while not mark.exists():
        assert time.monotonic() < deadline and child.poll() is None, child.communicate()
        time.sleep(0.05)

    knowing = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            knowing |= {int(process.name)} if secret.encode() in told else set()
    assert knowing == {child.pid}
    limits = Path(f"/proc/{child.pid}/limits").read_text()
    assert next(line.split()[4] for line in limits.splitlines() if line.startswith("Max core")) == "0"
    child.kill()
    out, said = child.communicate(timeout=TIMEOUT)
    assert secret not in out + said
    lake.run("job", "ls")
    assert "HOME=" in (tmp_path / "told").read_text()
    files = (f for f in tmp_path.rglob("*") if f.is_file() and "site-packages" not in f.parts)
    assert [f for f in files if secret.encode() in f.read_bytes()] == []


def test_a_lock_file_is_the_old_one_or_the_new_one(lake: Lake, six: Path) -> None:
    """Killed or out of space at any step of writing it; and two who write at once."""
    lake.run("env", "lock", cwd=six)
    new = (six / "corrie.lock").read_text()
    document = json.loads(new)
    document["environments"].append({"python": "3.10", "packages": [], "locked": {"python": "3.10.1", "packages": []}})
    old = json.dumps(document)
    words: list[str | Path] = [BIN / "corrie", "env", "lock"]
    faults = Faults(six, program="corrie")
    (six / "corrie.lock").write_text(old)
    total = faults.count(words, cwd=six, env=lake.env, timeout=TIMEOUT)
    assert total > 2
    seen = set()
    for at in range(1, total + 1):
        for fault in "kill", "errno=ENOSPC":
            (six / "corrie.lock").write_text(old)
            ended = faults.run(words, f"op=any,at={at},{fault}", cwd=six, env=lake.env, timeout=TIMEOUT)
            there = (six / "corrie.lock").read_text()
            assert there in (old, new), f"{fault} at {at}"
            seen.add(there)
            if fault != "kill":
                assert (ended.returncode, there) in ((0, new), (5, old), (5, new)), ended.stderr
    assert seen == {old, new}

    (six / "corrie.lock").write_text(old)
    both = [lake.start("env", "lock", cwd=six) for _ in range(2)]
    assert [child.wait(TIMEOUT) for child in both] == [0, 0]
    assert (six / "corrie.lock").read_text() == new
    assert {p.name for p in six.iterdir() if "tmp" not in p.name} == {"corrie.lock", "corrie.yaml", "models.py"}
