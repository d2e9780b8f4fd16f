"""Completion: what a shell offers for a line that is being typed. The program says it; bash, zsh and fish ask."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cli_lake import make_lake
from conftest import BIN, TIMEOUT, Lake
from test_cli_help import verbs


@pytest.fixture
def full(lake: Lake) -> Lake:
    make_lake(lake)
    return lake


def offered(lake: Lake, *words: str) -> list[str]:
    return [line.split("\t")[0] for line in lake.run("complete", "--", *words).stdout.splitlines()]


def shell(lake: Lake, *command: str) -> str:
    env = {**lake.env, "CORRIE_LAKE": str(lake.root), "PATH": f"{BIN}:{os.environ['PATH']}", "TERM": "dumb"}
    done = subprocess.run(command, env=env, cwd=lake.home, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_commands_options_and_choices(lake: Lake) -> None:
    assert offered(lake, "bran") == ["branch"]
    assert "create" in offered(lake, "branch", "")
    assert offered(lake, "table", "get", "t", "--namesp") == ["--namespace"]
    assert "-o" in offered(lake, "-") and "-o" not in offered(lake, "--o")
    assert offered(lake, "-o", "js") == ["json", "jsonl"]
    assert offered(lake, "--output=js") == ["--output=json", "--output=jsonl"]
    assert offered(lake, "import", "") == [":files"]
    assert "complete" not in offered(lake, "co")


def test_names_come_from_the_lake(full: Lake) -> None:
    assert offered(full, "table", "get", "shop.cu") == ["shop.customers"]
    assert offered(full, "table", "rm", "--branch", "de") == ["dev"]
    assert offered(full, "branch", "merge", "de") == ["dev"]
    assert offered(full, "namespace", "rm", "sh") == ["shop"]
    full.run("tag", "create", "v1")
    assert offered(full, "tag", "rm", "") == ["v1"]
    assert {"main", "v1"} <= set(offered(full, "log", ""))
    jobs = offered(full, "job", "get", "")
    assert jobs[0] == "last" and len(jobs) > 1


def test_the_lake_of_the_line_counts_and_none_is_made(lake: Lake, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert offered(lake, "--lake", str(other), "table", "get", "") == []
    assert not other.exists()
    lake.run("branch", "create", "there", "--lake", str(other))
    assert offered(lake, "--lake", str(other), "branch", "rm", "t") == ["there"]


def test_bash(full: Lake) -> None:
    """As bash calls it, which cuts words at = too and puts what is offered behind the last cut."""
    def reply(*words: str) -> list[str]:
        typed = " ".join(f"'{w}'" for w in words)
        return shell(full, "bash", "-c", f"source <(corrie completion bash); COMP_WORDS=(corrie {typed}); "
                     f"COMP_CWORD={len(words)}; _corrie; printf '%s\\n' \"${{COMPREPLY[@]}}\"").split()

    assert reply("table", "get", "shop.cu") == ["shop.customers"]
    assert reply("log", "--ref", "=", "de") == ["dev"]
    assert "dev" in reply("table", "rm", "--branch", "=")
    assert reply("import", "sal") == ["sales.csv"]


def test_fish(full: Lake) -> None:
    if not shutil.which("fish"):
        pytest.skip("there is no fish on this machine")
    line = "corrie completion fish | source; complete -C '{}'"
    assert shell(full, "fish", "-c", line.format("corrie table get shop.cu")).startswith("shop.customers\t")
    assert shell(full, "fish", "-c", line.format("corrie import sal")) == "sales.csv\n"


def test_zsh(full: Lake) -> None:
    """In a terminal of zsh's own: completion lives nowhere else there."""
    if not shutil.which("zsh"):
        pytest.skip("there is no zsh on this machine")
    folder = full.home / "functions"
    folder.mkdir()
    (folder / "_corrie").write_text(full.run("completion", "zsh").stdout)
    script = full.home / "ask.zsh"
    script.write_text(f"""
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1='READY> '; fpath=({folder} \\$fpath); autoload -Uz compinit; compinit -u -D"
zpty -r z line '*READY> *READY> *'
zpty -w -n z "corrie table get shop.cu"$'\\t'
zpty -r z line '*shop.customers*' && print found
zpty -d z
""")
    assert "found" in shell(full, "timeout", str(TIMEOUT // 2), "zsh", "-f", str(script))


@pytest.mark.parametrize("verb", ["", *verbs()])
def test_manual_pages(lake: Lake, verb: str) -> None:
    page = lake.run("help", "--man", *verb.split()).stdout
    assert page.startswith(f'.TH "corrie{"-" if verb else ""}{verb.replace(" ", "-")}" 1')
    if shutil.which("groff"):
        done = subprocess.run(["groff", "-man", "-ww", "-z", "-Kutf8"], input=page, capture_output=True, text=True,
                              timeout=TIMEOUT, check=True)
        assert not done.stderr, done.stderr
