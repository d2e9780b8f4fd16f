"""Arrow files of others: text and bytes as views, as polars writes them unless told otherwise."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pytest
from conftest import BIN, Lake

if TYPE_CHECKING:
    import polars

LONG = "more than twelve bytes of it, é"


def frame(n: int = 6) -> polars.DataFrame:
    import polars as pl

    texts = [[None, "", "short", "twelve bytes", LONG, LONG + str(i)][i % 6] for i in range(n)]
    return pl.DataFrame({
        "id": range(n), "s": texts, "b": [None if t is None else t.encode() for t in texts],
        "l": [[t, "x"] for t in texts], "st": [{"a": t, "n": i} for i, t in enumerate(texts)],
        "c": pl.Series(["red", "green", None, "a colour of many letters", "red", "red"] * (n // 6),
                       dtype=pl.Categorical)})


WANTED = [["", "", "2", ""], ["", "", "2", ""], ["short", "short", "2", "short"],
          ["twelve bytes", "twelve bytes", "2", "twelve bytes"], [LONG, LONG, "2", LONG],
          [LONG + "5", LONG + "5", "2", LONG + "5"]]


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
@pytest.mark.parametrize("kind", ["file", "stream"])
def test_what_polars_writes(lake: Lake, tmp_path: Path, kind: str,
                            compression: Literal["uncompressed", "lz4", "zstd"]) -> None:
    path = tmp_path / "x.arrow"
    if kind == "file":
        frame().write_ipc(path, compression=compression)
    else:
        frame().write_ipc_stream(path, compression=compression)
    columns = lake.json("import", path, "t")["schema"]
    assert [c["type"] for c in columns][1:3] == ["string", "binary"]
    assert lake.rows("SELECT s, decode(b), len(l), st.a FROM t ORDER BY id") == WANTED
    assert lake.rows("SELECT s IS NULL, b IS NULL, st.a IS NULL, l[1] IS NULL FROM t WHERE id < 2 ORDER BY id") == [
        ["true"] * 4, ["false"] * 4]
    assert lake.rows("SELECT c FROM t ORDER BY id") == [
        ["red"], ["green"], [], ["a colour of many letters"], ["red"], ["red"]]


def test_views_through_a_pipe(lake: Lake, tmp_path: Path) -> None:
    frame().write_ipc_stream(tmp_path / "x.arrows")
    with (tmp_path / "x.arrows").open("rb") as source:
        subprocess.run([BIN / "corrie", "import", "-", "t"], stdin=source, env=lake.env, cwd=lake.home, check=True,
                       capture_output=True)
    assert lake.rows("SELECT s FROM t WHERE id = 4") == [[LONG]]


def test_views_of_many_batches_and_buffers(lake: Lake, tmp_path: Path) -> None:
    """pyarrow keeps one buffer an array; slices have views that start inside of it."""
    schema = pa.schema([("s", pa.string_view()), ("b", pa.binary_view()), ("l", pa.list_(pa.string_view()))])
    texts = [f"text number {i} of some length" if i % 3 else f"{i}" for i in range(1000)]
    with pa.ipc.new_file(tmp_path / "x.arrow", schema) as out:
        for first in range(0, 1000, 250):
            part = texts[first:first + 250]
            columns = [pa.array(part, pa.string_view()), pa.array([t.encode() for t in part], pa.binary_view()),
                       pa.array([[t, None] for t in part], pa.list_(pa.string_view()))]
            out.write_batch(pa.record_batch(columns, schema=schema).slice(5))
    lake.run("import", tmp_path / "x.arrow", "t")
    wanted = [[t, t, t] for first in range(0, 1000, 250) for t in texts[first + 5:first + 250]]
    assert lake.rows("SELECT s, decode(b), l[1] FROM t") == wanted
    assert lake.rows("SELECT count(*) FROM t WHERE l[2] IS NULL AND len(l) = 2") == [["980"]]


def test_text_as_views_that_is_none(lake: Lake, tmp_path: Path) -> None:
    bad = pa.array([b"\xff and some more bytes than twelve"], pa.binary_view())
    schema = pa.schema([("s", pa.string_view())])
    with pa.ipc.new_file(tmp_path / "x.arrow", schema) as out:
        column = pa.Array.from_buffers(pa.string_view(), 1, bad.buffers())
        out.write_batch(pa.RecordBatch.from_arrays([column], schema=schema))
    assert "UTF-8" in lake.error("import", tmp_path / "x.arrow", "t", status=1)
    # a view that leads out of its buffer
    data = bytearray((tmp_path / "x.arrow").read_bytes())
    at = data.index(b"\xff an")  # its prefix; the buffer's number and the offset follow
    data[at + 8:at + 12] = (1 << 30).to_bytes(4, "little")
    (tmp_path / "y.arrow").write_bytes(data)
    assert "a view of no bytes" in lake.error("import", tmp_path / "y.arrow", "t", status=1)


def test_two_outputs_of_one_query_are_equal_bytes(lake: Lake, tmp_path: Path) -> None:
    """Who compares or caches results by their bytes must not see memory that nobody set."""
    sql = ("SELECT nullif(i, 3) AS n, i % 3 = 0 AS b, nullif(i % 2 = 0, i = 4) AS nb, "
           "CASE WHEN i % 5 > 0 THEN 'text ' || i END AS s, "
           "CASE WHEN i % 4 > 0 THEN {'a': nullif(i, 6), 'b': [i, NULL]} END AS st, nullif(i, 1)::DECIMAL(9,2) AS d, "
           "[i % 3 = 1, NULL] AS l, CASE WHEN i > 7 THEN uuid() END IS NULL AS u, NULL AS none, "
           "nullif(i, 2)::UTINYINT AS t, "
           "map {i: nullif(i, 5)} AS m, nullif(i / 2, 1) AS f FROM range(11) r(i)")
    found = set()
    for number, fill in enumerate(("0", "85", "170", "255")):  # what memory that is not set holds
        lake.run("query", sql, "--to", tmp_path / f"{number}.arrow", env={"MALLOC_PERTURB_": fill})
        found.add((tmp_path / f"{number}.arrow").read_bytes())
    assert len(found) == 1
