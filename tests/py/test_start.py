"""Where a lake is, who may use it, who commits, and settings: the first day of somebody, the second of a team.

Tests of several users run programs under numbers of users that nobody has; only root can do that."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN, TIMEOUT, Lake, clean_environment

TEAM = 61000
ADA, BOB, EVE = 61001, 61002, 61003
SANITIZED = bool(os.environ.get("CORRIE_SANITIZED"))
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run programs as several users")

# ---- several users -----------------------------------------------------------------------------------------------


@dataclass
class Users:
    """A folder that all may enter, and the program in it."""

    folder: Path
    program: Path
    homes: dict[int, Path] = field(default_factory=dict)

    def popen(self, user: int, *arguments: str | Path, umask: int = 0o077, groups: tuple[int, ...] = (TEAM,),
              ) -> subprocess.Popen[str]:
        home = self.homes.get(user)
        if home is None:
            home = self.homes[user] = self.folder / f"home-{user}"
            home.mkdir()
            os.chown(home, user, user)
        env = clean_environment(home)
        env.pop("USER")
        env.update(CORRIE_LAKE=str(self.folder / "lake"), XDG_CACHE_HOME=str(home / ".cache"))
        return subprocess.Popen([self.program, *map(str, arguments)], user=user, group=user, extra_groups=groups,
                                umask=umask, cwd=home, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def run(self, user: int, *arguments: str | Path, status: int = 0, umask: int = 0o077,
            groups: tuple[int, ...] = (TEAM,)) -> str:
        child = self.popen(user, *arguments, umask=umask, groups=groups)
        out, said = child.communicate(timeout=TIMEOUT)
        assert child.returncode == status, f"{user} {arguments}: exit {child.returncode}\n{out}\n{said}"
        return out + said

    def share(self) -> Path:
        """The team's folder, and a lake that Ada makes in it for all of them."""
        lake = self.folder / "lake"
        lake.mkdir()
        os.chown(lake, ADA, TEAM)
        self.run(ADA, "init", "--bare", "--shared=group")
        return lake


@pytest.fixture
def users(open_folder: Path) -> Users:
    bin_dir = open_folder / "bin"
    bin_dir.mkdir()
    real = (BIN / "corrie").resolve()
    shutil.copy(real, bin_dir / "corrie")
    duckdb = real.parent / "libduckdb.so"
    if duckdb.exists():
        shutil.copy(duckdb.resolve(), bin_dir / "libduckdb.so")
    return Users(open_folder, bin_dir / "corrie")


def check_modes(lake: Path) -> None:
    """Everything in a shared lake is for all of the group, and for nobody else."""
    for path in [lake, *lake.rglob("*")]:
        info = path.lstat()
        wanted = 0o2770 if path.is_dir() else 0o660
        assert stat.S_IMODE(info.st_mode) == wanted, f"{path}: {stat.S_IMODE(info.st_mode):o}"
        assert info.st_gid == TEAM, path


@needs_root
def test_two_users_of_a_group_share_a_lake(users: Users) -> None:
    """Whatever their umask: what one could not read or replace of the other's would stop the team's work."""
    lake = users.share()
    check_modes(lake)
    (users.folder / "a.csv").write_text("n\n1\n2\n")
    (users.folder / "b.csv").write_text("n\n3\n")
    users.run(ADA, "import", users.folder / "a.csv", "t")
    check_modes(lake)
    users.run(BOB, "import", users.folder / "b.csv", "t")
    users.run(BOB, "branch", "create", "bobs", umask=0o022)
    users.run(ADA, "import", users.folder / "b.csv", "t", "--import-duplicate-files", "--branch", "bobs", umask=0o022)
    users.run(ADA, "branch", "merge", "bobs", "--into", "main")
    assert json.loads(users.run(BOB, "query", "SELECT sum(n)::BIGINT AS s FROM t", "-o", "json"))["rows"] == [{"s": 9}]
    users.run(BOB, "job", "logs", json.loads(users.run(BOB, "job", "ls", "-o", "json"))["jobs"][-1]["job"])
    users.run(BOB, "branch", "rm", "bobs", "--yes")
    users.run(BOB, "fsck")
    check_modes(lake)
    info = json.loads(users.run(BOB, "info", "-o", "json"))
    assert (info["shared"], info["features"], info["user"]) == ("group", ["shared"], f"uid-{BOB}")
    authors = {c["author"] for c in json.loads(users.run(ADA, "log", "-o", "json"))["commits"]}
    assert authors == {f"uid-{ADA}", f"uid-{BOB}"}


@needs_root
def test_two_users_at_once(users: Users) -> None:
    """Each moment at which SQLite's files appear and vanish is one at which the other may come."""
    lake = users.share()
    children = [users.popen(user, "branch", "create", f"b{i}.{user}") for i in range(10) for user in (ADA, BOB)]
    for child in children:
        _, said = child.communicate(timeout=TIMEOUT)
        assert child.returncode == 0, said
    assert len(json.loads(users.run(BOB, "branch", "ls", "-o", "json"))["refs"]) == 21
    check_modes(lake)


def grow_old(lake: Path) -> None:
    """A day goes by."""
    then = time.time() - 100_000
    for path in (*(lake / "data").rglob("*"), lake / "data"):
        os.utime(path, (then, then))
    with contextlib.closing(sqlite3.connect(lake / "catalog/catalog.db", isolation_level=None)) as db:
        db.execute("UPDATE objects SET stamp = stamp - 100000")
        db.execute("UPDATE reflog SET time = time - 100000 * 1000000000")


COLLECT = ("gc", "--grace", "0", "--keep-reflog", "0", "--yes", "-o", "json")


@needs_root
def test_one_collects_what_the_other_left(users: Users) -> None:
    """Files and objects of one user's that nothing reaches are removed by the other's gc, and only those."""
    lake = users.share()
    (users.folder / "a.csv").write_text("n\n1\n")
    (users.folder / "b.csv").write_text("n\n2\n")
    users.run(ADA, "import", users.folder / "a.csv", "t")
    for user, other in ((ADA, BOB), (BOB, ADA)):
        name = f"of{user}"
        users.run(user, "branch", "create", name)
        users.run(user, "import", users.folder / "b.csv", "t", "--branch", name)
        users.run(user, "import", users.folder / "b.csv", f"only{user}", "--branch", name)
        users.run(user, "branch", "rm", name, "--yes")
        grow_old(lake)
        gone = json.loads(users.run(other, *COLLECT))
        assert gone["files"] == 8 and gone["objects"] > 0, gone
        left = [path.name for path in (lake / "data/public").iterdir()]
        assert len(left) == 1 and left[0].startswith("t-"), left
        users.run(user, "fsck")
        check_modes(lake)
    assert json.loads(users.run(BOB, "query", "SELECT n::BIGINT AS n FROM t", "-o", "json"))["rows"] == [{"n": 1}]


@needs_root
def test_two_users_collect_at_once(users: Users) -> None:
    """Each twice at the same time, while both import and remove branches: no failure is told, no row lost."""
    lake = users.share()
    rounds = 40 if os.environ.get("CORRIE_TORTURE") == "1" else 1 if SANITIZED else 3
    stop = threading.Event()

    def collect(user: int) -> int:
        n = 0
        while n == 0 or not stop.is_set():
            users.run(user, *COLLECT)
            n += 1
        return n

    def work(user: int) -> None:
        for turn in range(rounds):
            path = users.folder / f"{user}-{turn}.csv"
            path.write_text(f"n\n{user * 100 + turn}\n")
            users.run(user, "import", path, f"t{user}")
            users.run(user, "branch", "create", f"{user}-{turn}")
            users.run(user, "import", path, "x", "--branch", f"{user}-{turn}")
            users.run(user, "branch", "rm", f"{user}-{turn}", "--yes")

    for user in (ADA, BOB):
        users.run(user, "branch", "ls")  # makes their homes
    with ThreadPoolExecutor(6) as pool:
        collectors = [pool.submit(collect, user) for user in (ADA, ADA, BOB, BOB)]
        try:
            for worker in [pool.submit(work, user) for user in (ADA, BOB)]:
                worker.result()
        finally:
            stop.set()
        assert sum(collector.result() for collector in collectors) >= 4
    users.run(ADA, "fsck")
    check_modes(lake)
    for user, other in ((ADA, BOB), (BOB, ADA)):
        found = json.loads(users.run(other, "query", f"SELECT n::BIGINT AS n FROM t{user} ORDER BY n", "-o", "json"))
        assert found["rows"] == [{"n": user * 100 + turn} for turn in range(rounds)]


@needs_root
def test_who_is_not_of_the_group_is_told(users: Users) -> None:
    lake = users.share()
    said = users.run(EVE, "branch", "ls", groups=(), status=7)
    assert f"uid-{EVE} may not enter the directory {lake} (owner uid-{ADA}, group gid-{TEAM}, mode 2770)" in said
    assert f"ask uid-{ADA} to add uid-{EVE} to the group gid-{TEAM}" in said
    said = users.run(EVE, "init", "--bare", groups=(), status=7)
    assert "may not enter" in said


@needs_root
def test_a_lake_of_one_is_shared_later(users: Users) -> None:
    """Made without --shared it is for its owner alone; the message says how to change that, and it then works."""
    lake = users.folder / "lake"
    lake.mkdir()
    os.chown(lake, ADA, ADA)
    (users.folder / "a.csv").write_text("n\n1\n2\n")
    users.run(ADA, "import", users.folder / "a.csv", "t", umask=0o022)
    said = users.run(BOB, "branch", "create", "x", umask=0o022, status=7)
    assert f"write to the directory {lake}/catalog (owner uid-{ADA}, group gid-{ADA}, mode 0755)" in said
    assert f"corrie init --bare --shared=group {lake}" in said
    users.run(BOB, "init", "--bare", "--shared=group", status=7)
    os.chown(lake, ADA, TEAM)
    assert "shared with its group" in users.run(ADA, "init", "--bare", "--shared=group", umask=0o022)
    check_modes(lake)
    users.run(BOB, "import", users.folder / "a.csv", "t", "--replace")
    users.run(ADA, "branch", "create", "x")
    check_modes(lake)
    assert "shared with its group" in users.run(BOB, "init", "--bare", "--shared=group")
    assert "shared with its group" in users.run(BOB, "init", "--bare")


def test_init_says_what_it_did(lake: Lake, tmp_path: Path) -> None:
    other = tmp_path / "deep/er/lake"
    assert lake.json("init", "--bare")["created"] is True
    made = lake.json("init", "--bare", other)
    assert made["created"] and made["root"] == str(other) and made["shared"] is None
    again = lake.json("init", "--bare", other)
    assert not again["created"] and again["id"] == made["id"]
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter").write_text("dear")
    assert "not empty" in lake.error("init", "--bare", tmp_path / "full", status=3)
    lake.error("init", "--bare", "--shared=world", status=2)


# ---- places where no lake can be ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("magic", "name"), [("6969", "nfs"), ("ff534d42", "cifs"), ("fe534d42", "smb2"),
                                             ("1021997", "9p"), ("65735546", "fuse"), ("c36400", "ceph"),
                                             ("bd00bd0", "lustre"), ("1161970", "gfs2"), ("19830326", "beegfs")])
def test_network_file_systems_are_refused(lake: Lake, magic: str, name: str) -> None:
    """Locks do not hold there: two writers would destroy the catalog."""
    env = {"CORRIE_FAULT_FS": magic}
    for command in (["branch", "ls"], ["init", "--bare"]):
        said = lake.error(*command, status=7, env=env)
        assert f"({name})" in said and "PostgreSQL" in said
        assert not lake.root.exists()
    lake.run("branch", "ls")
    assert f"({name})" in lake.error("branch", "ls", status=7, env=env)


@needs_root
def test_a_lake_that_nobody_may_write_is_read(users: Users) -> None:
    """An archive, a backup on read-only media: reading needs no writing, and writing says why it cannot."""
    lake = users.folder / "lake"
    lake.mkdir()
    os.chown(lake, ADA, TEAM)
    (users.folder / "a.csv").write_text("n\n1\n2\n")
    users.run(ADA, "import", users.folder / "a.csv", "t")
    for path in [*lake.rglob("*"), lake]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = sorted((p, p.lstat().st_mtime_ns) for p in lake.rglob("*"))
    assert json.loads(users.run(ADA, "query", "SELECT sum(n)::BIGINT AS s FROM t", "-o", "json"))["rows"] == [{"s": 3}]
    users.run(BOB, "log", groups=())
    users.run(BOB, "fsck", groups=())
    assert "may not be written" in users.run(ADA, "branch", "create", "x", status=7)
    assert before == sorted((p, p.lstat().st_mtime_ns) for p in lake.rglob("*"))
    # at another place, which cannot be noted
    moved = users.folder / "moved"
    lake.chmod(0o755)
    lake.rename(moved)
    moved.chmod(0o555)
    out = users.run(ADA, "--lake", moved, "query", "SELECT sum(n)::BIGINT AS s FROM t", "-o", "json")
    assert json.loads(out)["rows"] == [{"s": 3}]
    # with a log that is not in the file yet the newest commits would be missing: that is said
    (moved / "catalog").chmod(0o755)
    (moved / "catalog/catalog.db-wal").write_bytes(b"x" * 100)
    (moved / "catalog").chmod(0o555)
    said = users.run(ADA, "--lake", moved, "branch", "ls", status=7)
    assert "catalog.db-wal" in said and "copy" in said


# ---- lakes of newer programs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"features": ["flux"], "reader": "9.1"}, {"format": 2, "reader": "9.1"}])
def test_a_lake_that_cannot_be_understood_is_refused(lake: Lake, change: dict[str, Any]) -> None:
    """Also for reading and taking care: what looks like garbage to an old program may be what a new one lives by."""
    (lake.home / "a.csv").write_text("n\n1\n")
    lake.run("import", lake.home / "a.csv", "t")
    copy = lake.home / "copy"
    shutil.copytree(lake.root, copy)
    config = copy / "lake.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **change}))
    before = {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()}
    for command in (["query", "SELECT * FROM t"], ["import", lake.home / "a.csv", "u"], ["log"], ["fsck"],
                    ["fsck", "--repair"], ["gc", "--yes"], ["init", "--bare"], ["init", "--bare", "--shared=group"]):
        said = lake.error(*command, status=7, env={"CORRIE_LAKE": str(copy)})
        assert ("flux" in said or "format 2" in said) and "9.1" in said
    assert {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()} == before


def test_what_may_be_ignored_is_not_lost(lake: Lake) -> None:
    """The copy notes its new root: a field of a newer program's stays."""
    (lake.home / "a.csv").write_text("n\n1\n")
    lake.run("import", lake.home / "a.csv", "t")
    copy = lake.home / "copy"
    shutil.copytree(lake.root, copy)
    config = copy / "lake.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "hue": {"a": [1]}, "shared": "x"}))
    assert lake.rows("SELECT n FROM t", "--lake", str(copy)) == [["1"]]
    now = json.loads(config.read_text())
    assert len(now["roots"]) == 2 and (now["hue"], now["shared"]) == ({"a": [1]}, "x")


# ---- who commits -------------------------------------------------------------------------------------------------


def test_who_commits_and_why(lake: Lake) -> None:
    lake.unreadable = "the settings are wrong in the end"

    def who(**env: str) -> tuple[str, str]:
        info = lake.json("info", env=env)
        return info["user"], info["user_from"]

    assert who()[1] == "system"
    lake.run("config", "set", "user.name", "Ada Lovelace")
    assert who() == ("Ada Lovelace", "user.name")
    assert who(CORRIE_USER="Bob") == ("Bob", "CORRIE_USER")
    assert who(CORRIE_USER="") == ("Ada Lovelace", "user.name")
    lake.run("branch", "create", "x")
    assert lake.json("log", "-n", "1")["commits"][0]["author"] != ""
    for bad in (" ", "a\nb", "a\x1b[1m", "x" * 1025):
        assert "CORRIE_USER" in lake.error("info", status=2, env={"CORRIE_USER": bad})
    lake.error("config", "set", "user.name", "x" * 1025, status=2)
    config = lake.home / ".config/corrie/config.yaml"
    config.write_text("user:\n  name: \"a\\tb\"\n")
    said = lake.error("info", status=2)
    assert "control character" in said and "config.yaml:2:" in said


# ---- settings ----------------------------------------------------------------------------------------------------


def test_the_lake_is_looked_for_in_order(lake: Lake, tmp_path: Path) -> None:
    """--lake, CORRIE_LAKE, the nearest project, the user's settings, the default place."""
    del lake.env["CORRIE_LAKE"]
    project = tmp_path / "project"
    below = project / "a/b"
    below.mkdir(parents=True)

    def where(*arguments: str, **env: str) -> str:
        return str(lake.json("info", *arguments, cwd=below, env=env)["root"])

    assert where() == str(lake.home / ".local/share/corrie/lake")
    lake.run("config", "set", "lake", "mine", cwd=lake.home)
    assert where() == str(lake.home / "mine")
    lake.run("config", "set", "lake", "~/tilde")
    assert where() == str(lake.home / "tilde")
    lake.run("config", "set", "--project", "lake", "data/lake", cwd=project)
    assert "lake: data/lake\n" in (project / ".corrie/config.yaml").read_text()
    assert where() == str(project / "data/lake")
    lake.run("config", "set", "--project", "lake", "here", cwd=below)
    assert where() == str(below / "here")
    assert not (below / ".corrie").exists()
    assert where(CORRIE_LAKE=str(tmp_path / "variable")) == str(tmp_path / "variable")
    assert where("--lake", str(tmp_path / "option"), CORRIE_LAKE="/nowhere") == str(tmp_path / "option")
    listed = {s["name"]: s["file"] for s in lake.json("config", "ls", cwd=below)["settings"]}
    assert listed == {"lake": str(project / ".corrie/config.yaml")}
    lake.run("config", "unset", "lake", "--project", cwd=below)
    assert where() == str(lake.home / "tilde")


def test_settings_of_nobody_do_not_count(lake: Lake, tmp_path: Path) -> None:
    """In /tmp whoever likes could name the lake into which others then write."""
    public = tmp_path / "public"
    (public / ".corrie").mkdir(parents=True)
    (public / "mine").mkdir()
    (public / ".corrie/config.yaml").write_text("lake: /nowhere/lake\n")
    del lake.env["CORRIE_LAKE"]
    assert lake.json("config", "ls", cwd=public / "mine")["settings"] != []
    public.chmod(0o1777)
    assert lake.json("config", "ls", cwd=public / "mine")["settings"] == []
    lake.error("config", "set", "--project", "a", "b", cwd=public, status=7)


def test_secrets_are_kept_and_not_shown(lake: Lake) -> None:
    lake.run("config", "set", "user.name", "Ada")
    config = lake.home / ".config/corrie/config.yaml"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    config.chmod(0o644)
    done = lake.run("config", "set", "api_key", "very-secret")
    assert "very-secret" not in done.stdout + done.stderr
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    for form in ("json", "csv", "table", "tty"):
        assert "very-secret" not in lake.run("config", "ls", "-o", form).stdout
    assert lake.run("config", "get", "api_key").stdout == "very-secret\n"


def test_comments_and_links_stay(lake: Lake, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.yaml"
    kept.write_text("# mine\nuser:\n  name: Ada  # me\n\nother: [1, 2] # of another program\n")
    config = lake.home / ".config/corrie/config.yaml"
    config.parent.mkdir(parents=True)
    config.symlink_to(kept)
    lake.run("config", "set", "user.name", "Ada Lovelace")
    lake.run("config", "set", "user.mail", "ada@example.org")
    assert config.is_symlink()
    assert kept.read_text() == ("# mine\nuser:\n  name: Ada Lovelace  # me\n  mail: \"ada@example.org\"\n\n"
                                "other: [1, 2] # of another program\n").replace('"', "")
    lake.run("config", "unset", "user.mail")
    assert lake.run("config", "get", "other").stdout == "[1, 2]\n"


def test_a_damaged_file_is_told_with_its_place(lake: Lake) -> None:
    lake.unreadable = "the settings are wrong"
    config = lake.home / ".config/corrie/config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("lake: /a\nlake: /b\n")
    for command in (["branch", "ls"], ["config", "ls"], ["config", "set", "a", "b"]):
        said = lake.error(*command, status=1, env={"CORRIE_LAKE": ""})
        assert "config.yaml:2:1" in said and "^" in said and "twice" in said
    assert config.read_text() == "lake: /a\nlake: /b\n"
    lake.run("branch", "ls", env={"CORRIE_USER": "ada"})  # settings that do not matter are not read


def test_unknown_names_get_the_nearest(lake: Lake) -> None:
    said = lake.error("config", "get", "usr.name", status=3)
    assert "user.name" in said
    assert "--project" not in lake.error("config", "unset", "user.name", status=3)
    lake.run("config", "set", "--project", "user.name", "Ada")
    assert "corrie config unset user.name --project" in lake.error("config", "unset", "user.name", status=3)
    lake.run("config", "unset", "user.name", "--project")
    lake.run("config", "set", "user.name", "Ada")
    said = lake.error("config", "unset", "user.name", "--project", status=3)
    assert "corrie config unset user.name" in said and "user.name --project" not in said
    lake.run("config", "unset", "user.name")
    lake.error("config", "set", "a b", "c", status=2)
    lake.error("config", "set", "a", "", status=2)


def test_many_set_at_once(lake: Lake) -> None:
    """Nothing is lost, and no reader ever meets half a file."""
    names = [f"n{i}" for i in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: lake.run("config", "set", name, f"value of {name}"), names))
    assert {s["name"]: s["value"] for s in lake.json("config", "ls")["settings"]} == {n: f"value of {n}" for n in names}


@pytest.mark.skipif(SANITIZED, reason="the sanitizers bring libraries of their own")
def test_settings_cost_one_library(lake: Lake, tmp_path: Path) -> None:
    """libfyaml comes only where there is a file to read."""
    def libraries() -> set[str]:
        lake.run("branch", "ls", env={"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(tmp_path / "loader")})
        log = "".join(p.read_text() for p in tmp_path.glob("loader.*"))
        for path in tmp_path.glob("loader.*"):
            path.unlink()
        return {line.split("file=")[1].split(" ")[0] for line in log.splitlines() if "generating link map" in line}

    lake.run("branch", "ls")
    assert not any("fyaml" in name for name in libraries())
    lake.run("config", "set", "user.name", "Ada")
    found = libraries()
    assert any("fyaml" in name for name in found) and len(found) <= 8, sorted(found)
