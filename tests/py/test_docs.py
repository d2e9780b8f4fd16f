"""Pages that show commands: they are typed as they stand, in their order."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from conftest import ROOT, Lake

BLOCK = re.compile(r"^(?:<!-- exit status (\d+) -->\n)?```sh\n(.*?)^```$", re.M | re.S)


def follow(page: Path, lake: Lake, folder: str) -> str:
    """Runs the page's shell blocks in one shell; what must fail is marked. `folder` is where the page works."""
    text = page.read_text()
    blocks = BLOCK.findall(text)
    assert len(blocks) == text.count("```sh\n") > 3, "a block is indented or ends wrongly"
    notes = lake.home / "failed"
    notes.touch()
    script = [f"trap 'echo \"$block $?\" >> {notes}' ERR"]
    for i, (_, block) in enumerate(blocks):
        script += [f"block={i}", block.replace(folder, str(lake.home / "page"))]
    done = subprocess.run(["bash", "-c", "\n".join(script)], cwd=ROOT, env=lake.env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=600)
    failed = notes.read_text().splitlines()
    expected = [f"{i} {status}" for i, (status, _) in enumerate(blocks) if status]
    assert failed == expected, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def test_the_tutorial(lake: Lake) -> None:
    said = follow(ROOT / "docs/tutorial.md", lake, "/tmp/tutorial")
    assert "did you mean purchases?" in said
    assert 'models.py:46\n    return joined.drop("userid").to_arrow()' in said
    lake.env["CORRIE_LAKE"] = str(lake.home / "page/lake")
    tables = {f"{t['namespace']}.{t['name']}" for t in lake.json("table", "ls", "--ref", "ada.segments")["tables"]}
    assert tables == {"shop.ecommerce_sessions", "shop.ecommerce_users", "shop.segment_days", "shop.best_days"}
    assert len(lake.json("table", "ls")["tables"]) == 2


def test_the_reference_of_projects(lake: Lake) -> None:
    """Every example of the page together is a project, and it runs."""
    text = (ROOT / "docs/reference/project.md").read_text()
    files = re.findall(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", text, re.M | re.S)
    assert [name for name, _ in files] == ["corrie.yaml", "models.py", "views/worst.sql"]
    project = lake.home / "weather"
    for name, content in files:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    (lake.home / "gauges.csv").write_text(
        "gauge,day,level_m\nRed Tarn,2026-10-02,3.1\nRed Tarn,2026-10-03,5.6\nSmall Water,2026-10-02,\n"
        "Blea Water,2026-10-02,5.5\nBlea Water,2026-09-30,9.9\n")
    lake.run("import", lake.home / "gauges.csv", cwd=project)
    lake.run("run", "--strict", cwd=project)
    assert lake.rows("SELECT gauge, highest_m FROM valley.worst ORDER BY 1") == [
        ["Blea Water", "5.5"], ["Red Tarn", "5.6"]]
    assert [t["name"] for t in lake.json("table", "ls", "-n", "valley")["tables"]] == [
        "floods", "gauges", "readings", "worst"]
