"""A lake with a bit of everything, for the tests of the command line: the examples of its help are written for it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from conftest import BIN, TIMEOUT, Lake

MODELS = '''
import corrie


@corrie.model(columns=["name", "n"], materialization_strategy="REPLACE")
@corrie.python("3.11")
def counted(customers=corrie.Model("shop.customers", columns=["name"]), least=corrie.Parameter("least")):
    import pyarrow as pa

    print("\\x1b[2Jcustomers", customers.num_rows)
    return pa.table({"name": customers["name"], "n": [least] * customers.num_rows})
'''

PROJECT = """project:
  id: 550e8400-e29b-41d4-a716-446655440000
  name: example
parameters:
  least: {type: int, default: 1}
"""


def make_lake(lake: Lake) -> None:
    """In the lake's home: files sales.csv customers.csv parts/ us.csv report.sql project/. In the lake: the table
    shop.customers on main (last commit) and one row more on dev; main is checked out."""
    home = lake.home
    (home / "parts").mkdir()
    (home / "project").mkdir()
    (home / "sales.csv").write_text("id,customer,total\n1,ada,9.5\n2,bob,3\n")
    (home / "customers.csv").write_text("name,since\nada,2026-01-01\nbob,2026-02-01\n")
    (home / "more.csv").write_text("name,since\ncyn,2026-03-01\n")
    (home / "parts/a.csv").write_text("n,s\n1,x\n2,NA\n")
    (home / "parts/b.csv").write_text("n,s\n3,y\n")
    (home / "us.csv").write_text("day;n\n12/31/2026;1\n01/02/2026;2\n")
    (home / "report.sql").write_text("SELECT name, count(*) AS n\nFROM shop.customers\nGROUP BY name\n")
    (home / "project/corrie.yaml").write_text(PROJECT)
    (home / "project/models.py").write_text(MODELS)
    lake.run("namespace", "create", "shop")
    lake.run("import", "customers.csv", "shop.customers")
    lake.run("branch", "create", "dev")
    lake.run("import", "more.csv", "shop.customers", "--branch", "dev")


# In a process of its own: the system counts what a parent has taken before as that of its children too.
MEASURE = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def peak_memory(lake: Lake, *arguments: str | Path) -> int:
    """Bytes of memory that a command takes at most."""
    done = subprocess.run([sys.executable, "-c", MEASURE, BIN / "corrie", *arguments], cwd=lake.home,
                          env={**os.environ, **lake.env}, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    return int(done.stdout) * 1024


def on_terminal(lake: Lake, *arguments: str | Path, columns: int = 100, keys: str = "", program: str = "corrie",
                env: dict[str, str] | None = None, interrupt: str | None = None) -> tuple[int, str]:
    """Calls the program on a terminal of that width; gives its exit status and all that it wrote there. `keys` are
    typed at once; SIGINT is sent when the text `interrupt` has appeared."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    full = {**lake.env, "TERM": "xterm-256color", "CORRIE_PAGER": "cat", **(env or {})}
    if "NO_COLOR" not in (env or {}):
        full.pop("NO_COLOR", None)
    child = subprocess.Popen([BIN / program, *map(str, arguments)], cwd=lake.home, env=full, stdin=slave,
                             stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    os.write(master, keys.encode())
    out = b""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.1)[0]:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            out += piece
        if interrupt is not None and interrupt.encode() in out:
            child.send_signal(signal.SIGINT)
            interrupt = None
    os.close(master)
    return child.wait(TIMEOUT), out.decode().replace("\r\n", "\n")
