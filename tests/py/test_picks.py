"""Imports that are brought to another branch alone, and taken back under later ones: rows and the ledger with them."""

from __future__ import annotations

from conftest import Lake


def load(lake: Lake, file: str, rows: str, *more: str) -> str:
    path = lake.home / file
    path.write_text(rows)
    return str(lake.json("import", path, "s.t", *more)["commit"])


def numbers(lake: Lake, ref: str = "main") -> list[int]:
    return [row["n"] for row in lake.json("query", "--ref", ref, "select n from s.t order by n")["rows"]]


def test_a_bad_import_is_taken_back_under_later_ones(lake: Lake) -> None:
    """Else a mistake could only be taken back as long as nobody had worked on."""
    load(lake, "a.csv", "n\n1\n")
    bad = load(lake, "bad.csv", "n\n666\n")
    load(lake, "b.csv", "n\n2\n")
    lake.run("revert", f"@{bad}")
    assert numbers(lake) == [1, 2]
    load(lake, "bad.csv", "n\n3\n")  # the ledger forgot it: the mended file can come
    assert numbers(lake) == [1, 2, 3]
    lake.run("fsck")


def test_an_import_is_brought_alone(lake: Lake) -> None:
    load(lake, "a.csv", "n\n1\n")
    lake.run("branch", "create", "dev")
    load(lake, "b.csv", "n\n2\n", "--branch", "dev")
    wanted = load(lake, "c.csv", "n\n3\n", "--branch", "dev")
    load(lake, "d.csv", "n\n4\n")
    lake.run("cherry-pick", f"@{wanted}")
    assert numbers(lake) == [1, 3, 4]
    load(lake, "c.csv", "n\n3\n")  # imported already: skipped
    assert numbers(lake) == [1, 3, 4]
    lake.run("branch", "merge", "dev")
    assert numbers(lake) == [1, 2, 3, 4]
    lake.run("fsck")


def test_a_replaced_table_is_no_plain_change(lake: Lake) -> None:
    load(lake, "a.csv", "n\n1\n")
    replaced = load(lake, "b.csv", "n\n2\n", "--replace")
    load(lake, "c.csv", "n\n3\n")
    lake.run("revert", f"@{replaced}")
    assert numbers(lake) == [1, 3]
    lake.run("fsck")


def test_an_import_of_a_changed_file_is_brought_alone(lake: Lake) -> None:
    """The branch never had the file's first content; else its next import would bring the same rows again."""
    load(lake, "o.csv", "n\n0\n")
    for branch in ("dev", "bare", "own", "other"):
        lake.run("branch", "create", branch)
    load(lake, "f.csv", "n\n1\n", "--branch", "dev")
    wanted = load(lake, "f.csv", "n\n2\n", "--branch", "dev")
    load(lake, "x.csv", "n\n9\n", "--branch", "bare")
    lake.run("cherry-pick", f"@{wanted}", "--into", "bare")
    load(lake, "f.csv", "n\n2\n", "--branch", "bare")  # imported already
    assert numbers(lake, "bare") == [0, 2, 9]
    load(lake, "f.csv", "n\n2\n", "--branch", "own")
    lake.run("cherry-pick", f"@{wanted}", "--into", "own")  # the same rows, from the same content
    assert numbers(lake, "own") == [0, 2]
    load(lake, "f.csv", "n\n3\n", "--branch", "other")
    assert "f.csv" in lake.error("cherry-pick", f"@{wanted}", "--into", "other", status=4)
    lake.fsck()


def test_the_ledger_forgets_what_was_taken_back(lake: Lake) -> None:
    """In whatever order: what is in the ledger has its rows in the table, and the other way round."""
    load(lake, "o.csv", "n\n0\n")
    commits = [load(lake, "f.csv", f"n\n{i}\n") for i in (1, 2, 3)]
    lake.run("revert", f"@{commits[2]}")
    load(lake, "f.csv", "n\n3\n")  # the ledger forgot it
    assert numbers(lake) == [0, 1, 2, 3]
    lake.run("revert", f"@{commits[0]}")
    undone = lake.json("log")["commits"][0]["commit"]
    load(lake, "o.csv", "n\n5\n")
    lake.run("revert", f"@{undone}")
    assert numbers(lake) == [0, 1, 2, 3, 5]
    load(lake, "f.csv", "n\n3\n")  # still the newest of its imports
    assert numbers(lake) == [0, 1, 2, 3, 5]
    lake.fsck()
