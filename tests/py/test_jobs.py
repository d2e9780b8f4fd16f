"""Jobs: what their records keep, who finds them, how they are stopped, followed, detached, and when they go."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN, TIMEOUT, Lake
from kills import catalog, kill_after
from test_cli_json import check
from waiting import listens, stops, until, wait_for_end

PROJECT = """project:
  id: 550e8400-e29b-41d4-a716-446655440000
  name: example
"""


def write_project(home: Path, **models: str) -> None:
    """In home/p: the project, and each text as the model of that name (NAME.sql)."""
    (home / "p").mkdir(exist_ok=True)
    (home / "p/corrie.yaml").write_text(PROJECT)
    for name, text in models.items():
        (home / "p" / f"{name}.sql").write_text(text)


def record(lake: Lake, job: str) -> Path:
    """The directory of a job's record."""
    (found,) = (lake.root / "jobs").glob(f"*/{job}*")
    return found


@pytest.fixture
def small(lake: Lake) -> Lake:
    """A table t (n: 1, 2, 3)."""
    (lake.home / "t.csv").write_text("n\n1\n2\n3\n")
    lake.run("import", "t.csv", "t")
    return lake


# It goes on to the end when the test opens the gate.
SLOW = """
import corrie


@corrie.model(materialization_strategy="REPLACE")
@corrie.python("3.11")
def slow(t=corrie.Model("t")):
    import pathlib
    import time

    for i in range(20):
        print("at", i, flush=True)
        while i == 10 and not pathlib.Path("GATE").exists():
            time.sleep(0.02)
    return t
"""


def gate(lake: Lake) -> Path:
    return lake.home / "gate"


def slow(lake: Lake) -> str:
    return SLOW.replace("GATE", str(gate(lake)))


def slow_project(lake: Lake) -> None:
    write_project(lake.home)
    (lake.home / "p/models.py").write_text(slow(lake))


def running(lake: Lake, kind: str) -> str:
    """The job of that kind that is at work; "" where there is none."""
    jobs = lake.json("job", "ls", "-s", "running", "-k", kind)["jobs"]
    return str(jobs[0]["job"]) if jobs else ""


@contextlib.contextmanager
def under_way(lake: Lake, kind: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A job of that kind that would take long, and its id."""
    words = {"import": ["import", "-", "slow", "--format", "csv"], "run": ["run", "-p", "p"],
             "sql": ["sql", "INSERT INTO t SELECT i FROM range(1000000000000) AS r(i)"]}[kind]
    if kind == "run":
        slow_project(lake)
    child = lake.start(*words, stdin=subprocess.PIPE)
    try:
        assert child.stdin
        if kind == "import":
            child.stdin.write("n\n" + "1\n" * 10)
            child.stdin.flush()
        yield child, until(lambda: running(lake, kind), child)
    finally:
        child.kill()
        child.communicate()


# ---- what a record keeps ----


def test_the_code_of_a_run_is_kept_as_it_was(small: Lake) -> None:
    """Who asks months later what made a table must not be shown what the file says today."""
    write_project(small.home, a="SELECT n FROM t", b="SELECT n + 1 AS n FROM a -- größer\n")
    done = small.json("run", "-p", "p")
    (small.home / "p/a.sql").write_text("SELECT 0 AS n")
    code = json.loads((record(small, done["job"]) / "code.json").read_text())
    assert code["format"] == 1
    assert {f["path"]: f["text"] for f in code["files"]} == {
        "corrie.yaml": PROJECT, "a.sql": "SELECT n FROM t", "b.sql": "SELECT n + 1 AS n FROM a -- größer\n"}


def test_the_graph_of_a_run_is_kept(small: Lake) -> None:
    """What a table was made of, by what, must be found when nobody remembers the project."""
    before = small.head()
    write_project(small.home, a="SELECT n FROM t", c="SELECT count(*) AS k FROM b JOIN a USING (n)")
    (small.home / "p/models.py").write_text(slow(small).replace("slow(t=corrie.Model(\"t\"))",
                                                                "b(t=corrie.Model(\"a\"))"))
    gate(small).touch()
    small.run("run", "-p", "p")
    record = small.json("job", "get", "last")
    check("job get", record)
    nodes = {node["name"]: node for node in record["nodes"]}
    (table,) = nodes["a"]["inputs"]
    assert (table["namespace"], table["table"], table["ref"], table["commit"]) == ("public", "t", "main", before)
    assert table["snapshot_id"] == small.json("table", "get", "t", "--ref", f"@{before}")["current_snapshot_id"]
    assert nodes["b"]["inputs"] == [{"model": "a"}]
    assert sorted(i["model"] for i in nodes["c"]["inputs"]) == ["a", "b"]
    assert nodes["a"]["environment"] is None and nodes["b"]["environment"]["python"].startswith("3.11.")
    assert nodes["b"]["environment"]["env"] in [e["env"] for e in small.json("env", "ls")["environments"]]
    assert record["max_rss"] >= nodes["b"]["max_rss"] > 0
    assert "public.t@main" in small.run("job", "get", "last").stdout


def test_snapshots_are_expired_by_a_job(small: Lake) -> None:
    assert small.json("table", "expire", "t", "--older-than", "0", "--keep", "1")["job"] is None  # nothing is to go
    small.run("sql", "INSERT INTO t SELECT 4")
    assert small.json("table", "expire", "t", "--older-than", "0", "--keep", "1", "--dry-run")["job"] is None
    done = small.json("table", "expire", "t", "--older-than", "0", "--keep", "1")
    check("table expire", done)
    job = small.json("job", "get", done["job"])
    assert (job["kind"], job["status"], job["commit_out"]) == ("expire", "done", done["commit"])
    assert small.json("log", "-n", "1")["commits"][0]["job"] == done["job"]


# ---- stopping ----


@pytest.mark.parametrize("kind", ["import", "run", "sql"])
def test_a_job_is_stopped_from_elsewhere(small: Lake, kind: str) -> None:
    """By another person, in another process: what was under way must end, and nothing of it come to the branch."""
    head = small.head()
    with under_way(small, kind) as (child, job):
        done = small.json("job", "stop", job[:8], env={"CORRIE_USER": "bob"})
        check("job stop", done)
        assert done == {"job": job, "kind": kind, "status": "cancelled", "ended": done["ended"]}
        assert child.wait(TIMEOUT) == 130
        assert child.stderr and "bob stopped the job" in child.stderr.read()
    record = small.json("job", "get", job)
    check("job get", record)
    assert record["stop"]["user"] == "bob" and record["status"] == "cancelled"
    assert small.head() == head
    assert "is over: cancelled" in small.error("job", "stop", job, status=4)
    small.fsck()


def test_who_cannot_be_stopped(small: Lake) -> None:
    over = small.json("job", "ls")["jobs"][0]["job"]
    assert "is over: done" in small.error("job", "stop", over, status=4)
    assert "does not exist" in small.error("job", "stop", "00000000", status=3)
    assert "at least 4" in small.error("job", "stop", over[:3], status=2)
    with under_way(small, "import") as (child, job):
        child.kill()
        child.wait()
        assert "is lost" in small.error("job", "stop", job, status=4)
    assert small.json("job", "ls", "-n", "1")["jobs"][0]["status"] == "lost"


def test_one_who_does_not_answer_is_told_of(small: Lake) -> None:
    """A process that was suspended hears nothing: who stops it must not believe that it has ended."""
    with under_way(small, "import") as (child, job):
        assert stops(child)
        assert small.json("job", "stop", job, "--no-wait")["status"] == "running"
        assert "runs still" in small.run("job", "stop", job, "--no-wait").stdout
        child.send_signal(signal.SIGCONT)
        assert child.wait(TIMEOUT) == 130


# ---- following ----


def test_a_log_is_followed_to_the_end(small: Lake) -> None:
    with under_way(small, "run") as (child, job):
        formats: list[list[str]] = [[], ["-o", "jsonl"], ["-o", "json"]]
        followers = [small.start("job", "logs", job, "--follow", *more) for more in formats]
        gate(small).touch()
        text, rows, document = (f.communicate(timeout=TIMEOUT) for f in followers)
        assert child.wait(TIMEOUT) == 0
    assert [f.returncode for f in followers] == [0, 0, 0]
    assert f"job {job[:8]} is done" in text[1]
    assert all(f"at {i}\n" in text[0] for i in range(20))
    lines = [json.loads(line) for line in rows[0].splitlines()]
    assert lines[-1]["kind"] == "publish" and [x["text"] for x in lines if x["kind"] == "log"][:2] == ["at 0", "at 1"]
    assert json.loads(document[0]) == {"logs": lines, "job": job}
    again = small.run("job", "logs", job, "-f")  # which is over: no wait
    assert again.stdout == text[0] == small.run("job", "logs", job).stdout


def test_who_follows_sees_that_a_job_is_lost(small: Lake) -> None:
    with under_way(small, "run") as (child, job):
        follower = small.start("job", "logs", job, "--follow")
        child.kill()
        child.wait()
        _, said = follower.communicate(timeout=TIMEOUT)
    assert follower.returncode == 0 and f"job {job[:8]} is lost" in said


def test_a_follower_has_enough_of_it(small: Lake) -> None:
    with under_way(small, "import") as (_, job):
        follower = small.start("job", "logs", job, "--follow")
        until(lambda: listens(follower), follower)
        follower.send_signal(signal.SIGINT)
        follower.communicate(timeout=TIMEOUT)
        assert follower.returncode == 130
        assert small.json("job", "get", job)["status"] == "running"


# ---- in the background ----


def test_a_run_outlives_its_terminal(small: Lake) -> None:
    """Who closes the window, or the pipe, must find the tables there later."""
    slow_project(small)
    shell = small.start("run", "-p", "p", "--detach", "-o", "json", start_new_session=True)
    out, said = shell.communicate(timeout=TIMEOUT)  # which ends at once: nobody holds the pipes open
    assert shell.returncode == 0, said
    answer = json.loads(out)
    check("run --detach", answer)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(shell.pid, signal.SIGKILL)  # all that the terminal could reach
    assert small.json("job", "get", answer["job"])["status"] == "running"
    gate(small).touch()
    assert f"job {answer['job'][:8]} is done" in small.run("job", "logs", answer["job"], "-f").stderr
    assert small.rows("SELECT count(*) FROM slow") == [["3"]]
    assert "slow" in (record(small, answer["job"]) / "output").read_text()


def test_a_detached_job_is_stopped(small: Lake) -> None:
    slow_project(small)
    done = small.run("run", "-p", "p", "-d")
    job = small.json("job", "ls", "-s", "running")["jobs"][0]
    assert done.stdout == f"job {job['job'][:8]} goes on in the background\n"
    assert small.json("job", "stop", job["job"])["status"] == "cancelled"
    wait_for_end(job["pid"])  # it tidies up when its record has ended


def test_a_detached_import_and_how_it_failed(small: Lake) -> None:
    job = small.json("import", "t.csv", "u", "--detach")["job"]
    small.run("job", "logs", job, "--follow")
    assert small.json("job", "get", job)["status"] == "done" and small.rows("SELECT max(n) FROM u") == [["3"]]
    (small.home / "bad.csv").write_text("n\nx\n")
    job = small.json("import", "bad.csv", "u", "--detach")["job"]
    small.run("job", "logs", job, "--follow")
    failed = small.json("job", "get", job)
    assert failed["status"] == "failed" and "bad.csv" in failed["error"]["message"]
    wait_for_end(failed["pid"])  # it tells what its record has already
    assert "error" in (record(small, job) / "output").read_text()


@pytest.mark.parametrize(("words", "status", "says"), [
    (["run", "-p", "nothing", "--detach"], 3, "nothing"),
    (["run", "-p", "p", "--detach"], 3, "nowhere"),
    (["run", "-p", "p", "--detach", "--dry-run"], 2, "--dry-run"),
    (["run", "-p", "p", "--detach", "--events"], 2, "--events"),
    (["import", "-", "x", "--format", "csv", "--detach"], 2, "standard input"),
    (["import", "t.csv", "more.csv", "--detach"], 2, "several tables"),
])
def test_what_is_wrong_is_told_before_it_detaches(small: Lake, words: list[str], status: int, says: str) -> None:
    write_project(small.home, a="SELECT n FROM nowhere")
    (small.home / "more.csv").write_text("n\n1\n")
    assert says in small.error(*words, status=status)
    assert len(small.json("job", "ls")["jobs"]) == 1


# ---- which are listed ----


def ids(lake: Lake, *words: str) -> list[str]:
    return [job["job"] for job in lake.json("job", "ls", *words)["jobs"]]


def test_filters(small: Lake) -> None:
    (mine,) = ids(small)
    bob = small.json("sql", "INSERT INTO t SELECT 4", env={"CORRIE_USER": "bob"})["job"]
    (small.home / "bad.csv").write_text("n\nx\n")
    small.error("import", "bad.csv", "t", status=1, env={"CORRIE_USER": "bob"})
    failed, *_ = ids(small, "-u", "bob")
    assert ids(small) == [mine]
    assert ids(small, "--all-users") == [failed, bob, mine]
    assert ids(small, "-u", "bob") == [failed, bob] and ids(small, "--user", "nobody") == []
    assert ids(small, "--all-users", "-k", "sql") == [bob]
    assert ids(small, "--all-users", "-k", "table-import", "-k", "sql") == [failed, bob, mine]
    assert ids(small, "--all-users", "-s", "failed") == ids(small, "--all-users", "-s", "fail") == [failed]
    assert ids(small, "--all-users", "-s", "complete", "-s", "lost") == [bob, mine]
    assert ids(small, "--all-users", "-s", "not-started") == []
    assert ids(small, "-i", bob[:8], "-i", mine, "-i", mine) == [bob, mine]
    assert ids(small, "-i", bob, "-k", "import") == []
    started = small.json("job", "get", bob)["started"]
    assert ids(small, "--all-users", "--created-after", started) == [failed, bob]
    assert ids(small, "--all-users", "--created-before", started, "-z") == [mine]
    assert ids(small, "--all-users", "--created-after", "2020-01-01", "--created-before", "2021-01-01") == []
    page = small.json("job", "ls", "--all-users", "-n", "2")
    assert page["more"] and len(page["jobs"]) == 2
    assert not small.json("job", "ls", "--all-users", "-n", "3")["more"]


@pytest.mark.parametrize(("words", "status", "says"), [
    (["--created-after", "yesterday"], 2, ["created-after", "yesterday", "2026-11-20T10:00:00Z"]),
    (["--created-before", "2026-13-01"], 2, ["created-before"]),
    (["-s", "dunning"], 2, ["no status dunning", "running, done, failed, cancelled, lost"]),
    (["-k", "rum"], 2, ["no kind rum", "run, import"]),
    (["-i", "12345678"], 3, ["12345678 does not exist"]),
    (["-i", "12"], 2, ["at least 4"]),
])
def test_filters_that_mean_nothing(small: Lake, words: list[str], status: int, says: list[str]) -> None:
    said = small.error("job", "ls", *words, status=status)
    assert all(part in said for part in says), said


def test_ids_that_are_misspelt_or_several(small: Lake) -> None:
    job = ids(small)[0]
    wrong = job[:6] + ("0" if job[6] != "0" else "1") + job[7]
    assert f"did you mean {job}" in small.error("job", "get", wrong, status=3)
    # two that begin alike: found by making jobs, of which two soon do in one character but not in four
    seen: dict[str, str] = {}
    for i in range(2):
        where = record(small, job)
        other = where.with_name(job[:8] + f"-0000-4000-8000-00000000000{i}")
        other.mkdir()
        text = (where / "job.json").read_text().replace(job, other.name)
        (other / "job.json").write_text(text)
        seen[other.name] = text
    small.run("fsck", "--repair", status=None)
    for verb in (["get"], ["logs"], ["stop"], ["ls", "-i"]):
        said = small.error("job", *verb, job[:8], status=2)
        assert "is not unique" in said and all(name in said for name in [job, *seen]), said


def test_queries_are_listed_where_they_are_asked_for(small: Lake) -> None:
    """Who asked what, and what came of it; a listing of what changed the lake is not drowned in them."""
    (imported,) = ids(small)
    small.run("query", "SELECT * FROM t")
    small.error("query", "SELECT * FROM nothing", status=3, env={"CORRIE_USER": "bob"})
    small.error("query", "SELECT (n::VARCHAR || 'x')::INT FROM t", status=1)
    small.run("query", "SELECT n + 1 FROM t", "--to", "a.csv")
    long = ["query", "SELECT '" + "ä" * 5000 + "'", "-o", "parquet"]
    subprocess.run([BIN / "corrie", *long], cwd=small.home, env=small.env, stdout=subprocess.DEVNULL, check=True)
    assert ids(small) == ids(small, "--all-users") == [imported]
    assert small.json("job", "get", "last")["job"] == imported
    page = small.json("job", "ls", "-k", "query", "--all-users")
    check("job ls", page)
    letters, to_file, broken, missing, plain = page["jobs"]
    assert [j["status"] for j in page["jobs"]] == ["done", "done", "failed", "failed", "done"]
    assert letters["statement"].startswith("SELECT 'ää") and 4094 <= len(letters["statement"].encode()) <= 4096
    assert (letters["rows"], to_file["rows"], broken["rows"], plain["rows"]) == (1, 3, None, 3)
    assert letters["bytes"] > 0 and to_file["bytes"] == (small.home / "a.csv").stat().st_size
    assert "nothing does not exist" in missing["error"]["message"] and missing["user"] == "bob"
    assert ids(small, "-k", "query", "-u", "bob") == [missing["job"]]
    assert ids(small, "-k", "QUERY", "-s", "failed") == [broken["job"]]
    assert ids(small, "-k", "query", "-s", "running") == []
    mine = [letters["job"], to_file["job"], broken["job"], plain["job"]]
    assert ids(small, "-k", "query", "-k", "import") == [*mine, imported]
    assert ids(small, "-k", "query", "-k", "import", "-n", "2") == [letters["job"], to_file["job"]]
    assert ids(small, "-k", "query", "--created-after", to_file["started"]) == [letters["job"], to_file["job"]]
    assert ids(small, "-k", "query", "--created-before", broken["started"]) == [plain["job"]]
    assert ids(small, "-i", plain["job"][:8], "-i", imported) == [plain["job"], imported]
    whole = small.json("job", "get", plain["job"][:8])
    check("job get", whole)
    assert (whole["args"], whole["ref"], whole["commit_in"]) == ({"sql": "SELECT * FROM t"}, "main", small.head())
    assert "SELECT * FROM t" in small.run("job", "get", plain["job"]).stdout
    assert small.json("job", "logs", plain["job"])["logs"] == []
    assert "is over: done" in small.error("job", "stop", plain["job"], status=4)
    listed = [j["kind"] for j in small.json("job", "ls", program="bauplan")["jobs"]]
    assert listed == ["query"] * 4 + ["import"]


def test_how_a_long_query_ended(small: Lake) -> None:
    """Its rows go out while it computes: the record is of what came of it in the end."""
    small.error("query", "SELECT CASE WHEN range = 4000000 THEN error('boom') ELSE 'x' END AS a FROM range(5000000)",
                "--all-rows", "-o", "csv", status=1)
    asked = small.start("query", "SELECT range AS a FROM range(1000000000)", "--all-rows", "-o", "csv")
    assert asked.stdout and asked.stdout.read(1000)
    asked.send_signal(signal.SIGINT)
    asked.communicate(timeout=TIMEOUT)
    small.run("query", "SELECT * FROM range(1000)", "--max-rows", "10", "-o", "table")
    jobs = small.json("job", "ls", "-k", "query")["jobs"]
    assert [(j["status"], (j["error"] or {}).get("message")) for j in jobs] == [
        ("done", None), ("cancelled", "interrupted"), ("failed", "boom")]
    assert jobs[1]["rows"] is jobs[2]["rows"] is None


def test_a_query_of_a_lake_that_cannot_be_written(small: Lake) -> None:
    """The answer is what was asked for; a record is not worth a word."""
    days = small.root / "jobs"
    shutil.rmtree(days)
    days.write_text("no folder")
    done = small.run("query", "SELECT count(*) FROM t")
    assert (done.stdout.split()[-1], done.stderr) == ("3", "")


# ---- records that are damaged, and processes that are killed ----


def test_records_that_cannot_be_read(small: Lake) -> None:
    """One torn record must not hide all the others."""
    with under_way(small, "import") as (child, lost):
        child.kill()
        child.wait()
    (done,) = ids(small, "-s", "done")
    for job in (lost, done):
        (record(small, job) / "job.json").write_text('{"job":')
    assert {j["job"]: j["status"] for j in small.json("job", "ls")["jobs"]} == {lost: "lost", done: "done"}
    assert f"read the record of job {done}" in small.error("job", "get", done, status=6)
    assert "job.json" in small.error("job", "stop", lost, status=6)
    (record(small, done) / "job.json").write_text("[]")
    assert "no record" in small.error("job", "get", done, status=6)


def test_logs_that_are_torn(small: Lake) -> None:
    (job,) = ids(small)
    log = record(small, job) / "log.jsonl"
    log.write_bytes(b'{"kind":"log","text":"one"}\n{"kind":"lo{"kind":"log","text":"two"}\n[1]\n\xff\xfe\n{"kind":"log","te')
    for words in ([], ["--follow"]):
        logs = small.json("job", "logs", job, *words)["logs"]
        assert [entry.get("kind") for entry in logs] == ["log", None, None, None]
        assert logs[1]["text"].startswith('{"kind":"lo{') and logs[2]["text"] == "[1]"


def test_killed_at_any_moment(small: Lake) -> None:
    """What was killed reads as lost or as what it had become by then; the branch is as before or has all of it."""
    write_project(small.home, a="SELECT n FROM t", b="SELECT n + 1 AS n FROM a")
    for name in ("a", "b"):
        path = small.home / "p" / f"{name}.sql"
        path.write_text("-- corrie: materialization_strategy=REPLACE\n" + path.read_text())
    begin = time.monotonic()
    small.run("run", "-p", "p")
    takes = time.monotonic() - begin
    chance = random.Random(6)
    for i in range(8):
        before = small.head()
        known = set(ids(small, "-n", "0"))
        (small.home / "p/a.sql").write_text(
            f"-- corrie: materialization_strategy=REPLACE\nSELECT n + {i} AS n FROM t")
        status = kill_after(small, chance.random() * takes, False, "run", "-p", "p")
        new: list[dict[str, Any]] = [j for j in small.json("job", "ls", "-n", "0")["jobs"] if j["job"] not in known]
        assert len(new) <= 1
        if small.head() == before and new and status != 0:
            assert new[0]["status"] == "lost"
        elif new:
            assert new[0]["status"] in ("done", "lost")
            assert [int(a) + 1 for (a,) in small.rows("SELECT n FROM a ORDER BY n")] == \
                [int(b) for (b,) in small.rows("SELECT n FROM b ORDER BY n")]
        if new:
            small.json("job", "get", new[0]["job"])
            small.json("job", "logs", new[0]["job"])
    small.fsck()


def test_what_a_killed_run_leaves_in_the_temporary_folder(small: Lake) -> None:
    """Gigabytes of what was spilled, for ever."""
    temporary = small.home / "tmp"
    temporary.mkdir()
    small.env["TMPDIR"] = str(temporary)
    with under_way(small, "run") as (child, job):
        until(lambda: "at 1" in small.run("job", "logs", job).stdout, child)
        small.run("query", "SELECT 1")
        living = {path.name for path in temporary.iterdir()}
        assert any(name.startswith("corrie-call-") for name in living)
        for path in temporary.iterdir():
            os.utime(path, (0, 0))
        small.run("query", "SELECT 1")
        assert {path.name for path in temporary.iterdir()} == living
        child.kill()
        child.wait()
    for path in temporary.iterdir():
        os.utime(path, (0, 0))
    small.run("query", "SELECT 1")
    assert not list(temporary.glob("corrie-*"))


# ---- how long they are kept ----


def make_older(lake: Lake, job: str, days: int) -> Path:
    """The job was started so long ago: its record lies where it would, and is in the index anew."""
    where = record(lake, job)
    text = json.loads((where / "job.json").read_text())
    then = time.gmtime(time.time() - days * 86400)
    text["started"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", then)
    (where / "job.json").write_text(json.dumps(text))
    there = lake.root / "jobs" / time.strftime("%Y-%m-%d", then) / job
    there.parent.mkdir()
    where.rename(there)
    with catalog(lake) as db:
        db.execute("DELETE FROM records WHERE space = 'job' AND id = ?", (job,))
    lake.run("fsck", "--repair", status=None)
    return there


def test_records_go_after_ninety_days(small: Lake) -> None:
    """Else a busy lake is full of them; what a failed job left must be explained as long as it is there."""
    write_project(small.home, a="-- corrie: materialization_strategy=REPLACE\nSELECT n FROM t")
    (small.home / "p/models.py").write_text(slow(small).replace("    return t", "    raise ValueError('no')").replace(
        'Model("t")', 'Model("a")'))
    gate(small).touch()
    small.error("run", "-p", "p", status=1)
    failed, imported = ids(small)
    old = {job: make_older(small, job, days) for job, days in ((imported, 91), (failed, 100))}
    young = small.json("sql", "INSERT INTO t SELECT 1")["job"]
    assert set(ids(small)) == {young, failed, imported}
    assert small.json("gc", "--dry-run")["jobs"] == 1 and old[imported].exists()
    assert "1 record of jobs" in small.run("gc", "--yes").stdout
    collection, *others = ids(small)
    assert others == [young, failed]  # tx/<failed> is there
    record_of_gc = small.json("job", "get", collection)
    check("job get", record_of_gc)
    assert (record_of_gc["kind"], record_of_gc["status"]) == ("gc", "done")
    assert not list(old[imported].glob("*")) and old[failed].exists()
    assert "does not exist" in small.error("job", "get", imported, status=3)
    small.run("branch", "prune", "--older-than", "0", f"tx/{failed}", "--yes")
    os.utime(old[imported], (0, 0))  # when it was emptied
    assert small.json("gc", "--yes", "--grace", "0")["jobs"] == 1
    assert small.json("gc", "--yes", "--grace", "0")["jobs"] == 0
    assert not old[imported].exists()
    small.fsck()
