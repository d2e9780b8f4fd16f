"""Functions of projects: the forms of their inputs, what they may return, the environments they run in."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN, YAML, Lake


@pytest.fixture
def numbers(lake: Lake, tmp_path: Path) -> Lake:
    """A lake with a table `numbers` of 1000 rows: n, x = n / 2, s = 's<n>'."""
    path = tmp_path / "numbers.csv"
    path.write_text("n,x,s\n" + "".join(f"{i},{i / 2},s{i}\n" for i in range(1000)))
    lake.run("import", path, "numbers")
    return lake


def make_project(tmp_path: Path, **files: str) -> Path:
    folder = tmp_path / "project"
    folder.mkdir(exist_ok=True)
    (folder / "corrie.yaml").write_text(YAML)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def run(lake: Lake, project: Path, *arguments: str) -> Any:
    """Runs the project; where a package cannot be fetched, the test is skipped and says which."""
    done = lake.run("run", *arguments, "-o", "json", cwd=project, status=None)
    if done.returncode == 5 and "Python environment" in done.stderr + done.stdout:
        pytest.skip(f"no packages: {done.stderr.strip() or done.stdout.strip()}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done


# Imported by every model below: where an address lies.
LOOK = '''
def mapped(address):
    with open("/proc/self/maps") as maps:
        for line in maps:
            low, high = (int(end, 16) for end in line.split()[0].split("-"))
            if low <= address < high:
                return "memfd:" in line
    return False
'''

FORMS = '''
from __future__ import annotations

import corrie
import pyarrow as pa
from look import mapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    import duckdb as dk
    import pandas
    import polars as pl

PACKAGES = {'polars': '1.15.0', 'pandas': '2.2.3', 'duckdb': '1.0.0'}


def told(rows, total, in_place):
    return [{'kind': type(rows).__name__, 'total': float(total), 'in_place': in_place}]


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11', pip=PACKAGES)
def as_table(rows=corrie.Model('numbers')):
    import pyarrow.compute as pc
    return told(rows, pc.sum(rows['x']).as_py(), mapped(rows['x'].chunk(0).buffers()[1].address))


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11', pip=PACKAGES)
def as_reader(rows: pa.RecordBatchReader = corrie.Model('numbers')):
    import pyarrow.compute as pc
    batches = list(rows)
    where = batches[0].column('x').buffers()[1].address
    return told(rows, sum(pc.sum(batch.column('x')).as_py() for batch in batches), mapped(where))


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11', pip=PACKAGES)
def as_polars(rows: pl.DataFrame = corrie.Model('numbers')):
    return told(rows, rows['x'].sum(), mapped(rows['x']._get_buffer_info()[0]))


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11', pip=PACKAGES)
def as_lazy(rows: "pl.LazyFrame" = corrie.Model('numbers')):
    import polars
    return told(rows, rows.select(polars.col('x').sum()).collect().item(), False)


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11', pip=PACKAGES)
def as_pandas(rows: pandas.DataFrame | None = corrie.Model('numbers')):
    rows.loc[0, 'x'] = 1.0  # it is the function's own
    rows['x'] *= 2
    return told(rows, rows['x'].sum(), False)


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11', pip=PACKAGES)
def as_duckdb(rows: dk.DuckDBPyRelation = corrie.Model('numbers', filter='n < 10')):
    import duckdb
    inside = duckdb.sql('SELECT sum(x) FROM rows').fetchone()[0]
    assert inside == rows.aggregate('sum(x)').fetchone()[0]
    return told(rows, inside, False)
'''


def test_inputs_come_as_their_annotations_say(numbers: Lake, tmp_path: Path) -> None:
    # numbers are read where they lie: what a function gets costs no copy, unless it is pandas' own
    run(numbers, make_project(tmp_path, look=LOOK, models=FORMS))
    expected = {
        "table": ["Table", "249750.0", "true"],
        "reader": ["RecordBatchReader", "249750.0", "true"],
        "polars": ["DataFrame", "249750.0", "true"],
        "lazy": ["LazyFrame", "249750.0", "false"],
        "pandas": ["DataFrame", "499502.0", "false"],
        "duckdb": ["DuckDBPyRelation", "22.5", "false"],
    }
    for name, values in expected.items():
        assert numbers.rows(f"SELECT kind, total, in_place FROM as_{name}") == [values], name


def test_a_form_that_no_input_has(numbers: Lake, tmp_path: Path) -> None:
    project = make_project(tmp_path, models='''
import corrie
import polars as pl


@corrie.model()
def shown(rows: pl.Series = corrie.Model('numbers')):
    return rows
''')
    said = numbers.error("run", "--dry-run", cwd=project, status=1)
    assert "an input cannot be a polars.Series" in said and "models.py:7" in said
    assert "pandas.DataFrame, duckdb.DuckDBPyRelation" in said


RETURNS = '''
import corrie
import pyarrow as pa

PACKAGES = {'polars': '1.15.0', 'pandas': '2.2.3', 'duckdb': '1.0.0'}
TWO_ROWS = "SELECT * FROM (VALUES (1, 'x'), (2, NULL)) AS t(a, b)"
'''

# Each is a table of two rows: a = 1, 2 and b = 'x', null.
RESULTS = {
    "arrow": "return pa.table({'a': [1, 2], 'b': ['x', None]})",
    "batch": "return pa.record_batch({'a': [1, 2], 'b': ['x', None]})",
    "reader": "return pa.table({'a': [1, 2], 'b': ['x', None]}).to_reader()",
    "view": "return pa.table({'a': [1, 2], 'b': pa.array(['x', None]).cast(pa.string_view())})",
    "codes": "return pa.table({'a': [1, 2], 'b': pa.array(['x', None]).dictionary_encode()})",
    "eager": "import polars as pl; return pl.DataFrame({'a': [1, 2], 'b': ['x', None]})",
    "lazy": "import polars as pl; return pl.LazyFrame({'a': [1, 2, 3], 'b': ['x', None, 'z']}).filter(pl.col('a') < 3)",
    "category": "import polars as pl; return pl.DataFrame({'a': [1, 2], 'b': pl.Series(['x', None], "
                "dtype=pl.Categorical)})",
    "frame": "import pandas as pd; return pd.DataFrame({'a': [1, 2], 'b': ['x', None]}, index=[7, 8])",
    "grouped": "import pandas as pd; return pd.DataFrame({'a': [1, 2, 2], 'b': ['x', None, None]})"
               ".groupby('a').max()",
    "relation": "import duckdb; return duckdb.sql(TWO_ROWS)",
    "executed": "import duckdb; return duckdb.connect().execute(TWO_ROWS)",
    "records": "return [{'a': 1, 'b': 'x'}, {'a': 2}]",
    "batches": "return (pa.record_batch({'a': [i], 'b': ['x' if i == 1 else None]}) for i in (1, 2))",
    "mixed": "import pandas as pd, polars as pl\n"
             "    yield pl.DataFrame({'a': [1], 'b': ['x']})\n"
             "    yield pd.DataFrame({'a': [2], 'b': [None]})",
}


def test_what_functions_may_return(lake: Lake, tmp_path: Path) -> None:
    models = "".join(f"\n\n@corrie.model(materialization_strategy='REPLACE')\n@corrie.python('3.11', pip=PACKAGES)\n"
                     f"def as_{name}():\n    {body}\n" for name, body in RESULTS.items())
    models += ("\n\n@corrie.model(materialization_strategy='REPLACE')\n@corrie.python('3.11', pip=PACKAGES)\n"
               "def as_nothing():\n    return pa.schema([('a', pa.int64()), ('b', pa.string())]).empty_table()\n")
    run(lake, make_project(tmp_path, models=RETURNS + models))
    for name in RESULTS:
        assert lake.rows(f"SELECT a, b FROM as_{name} ORDER BY a") == [["1", "x"], ["2", ""]], name
        assert lake.rows(f"SELECT count(b) FROM as_{name}") == [["1"]], name
    assert lake.rows("SELECT count(*) FROM as_nothing") == [["0"]]


# What the libraries would change without a word, and what they say of it that nobody understands.
CHANGED = {
    "days": ("return [{'x': date(2024, 1, 2)}, {'x': None}, {'x': datetime(2024, 1, 2, 3)}]",
             "of 'x' do not go together: item 0 has a date, item 2 a datetime without a time zone"),
    "zones": ("return [{'x': {'t': [datetime(2024, 1, 2, tzinfo=zone)]}} for zone in (None, timezone.utc)]",
              "of 'x.t[]' do not go together: item 0 has a datetime without a time zone, item 1 a datetime with a"),
    "texts": ("return [{'x': 'a'}, {'x': b'b'}]", "item 0 has text, item 1 bytes"),
    "objects": ("import pandas as pd; return pd.DataFrame({'x': pd.Series([date(2024, 1, 2), datetime(2024, 1, 2, 3)], "
                "dtype=object)})", "returned a frame whose values of 'x' do not go together: item 0 has a date"),
    "digits": ("return (pa.table({'x': pa.array([0.1], kind)}) for kind in (pa.float32(), pa.float64()))",
               "column 'x' of number 2 is double, before it was float"),
    "index": ("import pandas as pd; return pd.DataFrame({'a': [1, 2]}, index=pd.Index([7, 8], name='a'))",
              "an index and a column that are both called 'a' and differ"),
    "periods": ("import pandas as pd; return pd.DataFrame({'p': pd.period_range('2024-01', periods=2, freq='M')})",
                "column 'p' is of periods"),
    "foreign": ("import polars as pl; return pl.DataFrame({'o': [object()]}, schema={'o': pl.Object})",
                "polars frame whose column 'o' is Object"),
    "levels": ("import pandas as pd; return pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([('a', 1), "
               "('a', '1')]))", "several columns that are called ('a', '1'): give each a name"),
    "bits": ("import duckdb; return duckdb.sql(\"SELECT '0101'::BIT AS x\")", "column 'x' is BIT"),
    "offsets": ("import duckdb; return duckdb.sql(\"SELECT ['10:00:00+02'::TIMETZ] AS x\")",
                "column 'x' is TIME WITH TIME ZONE[]"),
    "empty": ("return pa.table({'x': pa.array([{}], pa.struct([]))})", "column x: type struct without fields"),
    "months": ("return pa.table({'x': pa.array([None], pa.month_day_nano_interval())})",
               "type interval_month_day_nano"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_would_be_another_value_is_refused(lake: Lake, tmp_path: Path, name: str) -> None:
    body, expected = CHANGED[name]
    head = RETURNS + "from datetime import date, datetime, timezone\n"
    project = make_project(tmp_path, models=f"{head}\n\n@corrie.model(materialization_strategy='REPLACE')\n"
                                            f"@corrie.python('3.11', pip=PACKAGES)\ndef made():\n    {body}\n")
    said = lake.error("run", cwd=project, status=1)
    assert "made" in said and expected in said, said
    assert lake.json("table", "ls")["tables"] == []


# What a DuckDB result has -> what is said of it where DuckDB does not tell a connection's types (before 1.4), and
# where it does. None: it is taken.
KINDS = {
    "'101'::BIT": ("BLOB or BIT", "is BIT"),
    "TIMETZ '12:00:00+02'": ("TIME or TIME WITH TIME ZONE", "is TIME WITH TIME ZONE"),
    "[{'t': TIMETZ '12:00:00+02'}]": ("TIME or TIME WITH TIME ZONE", "is STRUCT(t TIME WITH TIME ZONE)[]"),
    "map {'k': '1'::BIT}": ("BLOB or BIT", "is MAP(VARCHAR, BIT)"),
    "'x'::BLOB": ("BLOB or BIT", None),
    "'12:00:00'::TIME": ("TIME or TIME WITH TIME ZONE", None),
    "[1.5, 2]": (None, None),
    "{'a': ['x'], 'n': 1::HUGEINT}": (None, None),
}


@pytest.mark.parametrize(("version", "told"), [("1.0.0", False), ("1.5.6", True)])
def test_types_of_duckdb_are_known_or_refused(lake: Lake, tmp_path: Path, version: str, told: bool) -> None:
    """As `as_output` says it, since a run of a function for each would take minutes."""
    project = make_project(tmp_path, models=f'''
import corrie


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11', pip={{'duckdb': '{version}'}})
def told():
    import sys
    import duckdb
    as_output = sys.modules['corrie_tables'].as_output
    for query in {list(KINDS)!r}:
        for way in 'execute', 'sql':
            connection = duckdb.connect()
            try:
                result = getattr(connection, way)(f'SELECT {{query}} AS x')
                said = f'{{sum(batch.num_rows for batch in as_output(result).batches)}} row'
            except Exception as error:
                said = f'{{type(error).__name__}}: {{error}}'
            yield [{{'query': query, 'way': way, 'said': said}}]
''')
    run(lake, project)
    said = {(query, way): text for query, way, text in lake.rows("SELECT query, way, said FROM told")}
    assert len(said) == 2 * len(KINDS)
    for query, (unsure, known) in KINDS.items():
        for way in "execute", "sql":
            text = said[query, way]
            hidden = unsure if way == "execute" and not told else None
            if hidden:
                assert f"whether it was {hidden}, of which" in text and "con.sql(" in text, (query, text)
            elif known:
                assert known in text and "cast it in the query" in text, (query, way, text)
            else:
                assert text == "1 row", (query, way, text)


def test_several_levels_of_columns(lake: Lake, tmp_path: Path) -> None:
    """Their names are pyarrow's, and the index is a column as it is of other frames."""
    run(lake, make_project(tmp_path, models=RETURNS + '''

@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11', pip=PACKAGES)
def grouped():
    import pandas as pd
    frame = pd.DataFrame({'k': [1, 1, 2], 'v': [1.0, 2.0, 4.5]})
    return frame.groupby('k').agg({'k': ['count'], 'v': ['mean', 'max']})


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11', pip=PACKAGES)
def keyed():
    import pandas as pd
    frame = pd.DataFrame({'k': [1, 1, 2], 'v': [1.0, 2.0, 4.5]}).groupby('k').agg({'v': ['max']}).reset_index()
    return frame.set_index([('k', '')])
'''))
    rows = lake.rows("""SELECT k, "('k', 'count')", "('v', 'mean')", "('v', 'max')" FROM grouped ORDER BY k""")
    assert rows == [["1", "2", "1.5", "2.0"], ["2", "1", "4.5", "4.5"]]
    assert lake.rows("""SELECT "('k', '')", "('v', 'max')" FROM keyed ORDER BY 1""") == [["1", "2.0"], ["2", "4.5"]]


def test_types_that_become_others_keep_their_values(lake: Lake, tmp_path: Path) -> None:
    run(lake, make_project(tmp_path, models='''
import decimal

import corrie
import pyarrow as pa


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11')
def made():
    five = decimal.Decimal('5.25')
    return pa.table({
        'half': pa.array([1.5, None]).cast(pa.float16()),
        'wide': pa.array([five, None], pa.decimal256(30, 2)),
        'views': pa.array([[1, None], None], pa.list_view(pa.int64())),
        'deep': pa.array([{'l': [2]}, {'l': None}], pa.struct([('l', pa.large_list_view(pa.int64()))])),
        'halves': pa.array([[1.5], None], pa.list_(pa.float32())).cast(pa.list_(pa.float16())),
    })
'''))
    assert lake.rows("SELECT half, wide, views[1], len(views), deep.l[1], halves[1] FROM made WHERE half > 0") == [
        ["1.5", "5.25", "1", "2", "2", "1.5"]]
    assert lake.rows("SELECT count(*), count(half), count(wide), count(views), count(deep.l), count(halves) "
                     "FROM made") == [["2", "1", "1", "1", "1", "1"]]


def test_wide_and_nested_results(lake: Lake, tmp_path: Path) -> None:
    # what is written is what the function made, however it is shaped
    run(lake, make_project(tmp_path, models='''
import corrie
import pyarrow as pa


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11')
def wide():
    return pa.table({f'c{i}': [i, i + 1] for i in range(5000)})


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11')
def sums(rows=corrie.Model('wide')):
    assert rows.num_columns == 5000
    return pa.table({'total': [sum(rows.column(i)[1].as_py() for i in range(5000))]})


@corrie.model(materialization_strategy='REPLACE')
@corrie.python('3.11')
def deep():
    word = pa.array(['x', 'x', 'y']).dictionary_encode()
    pairs = pa.StructArray.from_arrays([word, pa.array([1, 2, 3])], names=['w', 'n'])
    return pa.table({'pairs': pa.ListArray.from_arrays([0, 2, 3], pairs),
                     'maps': pa.array([[('k', [1.5])], []], pa.map_(pa.string(), pa.list_(pa.float64())))})
'''))
    assert lake.rows("SELECT total FROM sums") == [[str(5000 * 5001 // 2)]]
    assert lake.rows("SELECT c0, c4999 FROM wide ORDER BY c0") == [["0", "4999"], ["1", "5000"]]
    rows = lake.rows("SELECT pairs[1].w, pairs[1].n, len(pairs), maps['k'][1] FROM deep ORDER BY len(pairs) DESC")
    assert rows == [["x", "1", "2", "1.5"], ["y", "3", "1", ""]]


# ---- environments ---------------------------------------------------------------------------------------------------


def pythons() -> list[str]:
    """Series of Python that uv finds here."""
    uv = (BIN / "corrie").resolve().parent / "uv"
    listed = subprocess.run([uv, "python", "list", "--only-installed", "--offline"], capture_output=True, text=True)
    found = {line.split("-")[1] for line in listed.stdout.splitlines() if line.startswith("cpython-")}
    found |= {path.name for path in Path.home().glob(".pyenv/versions/3.*")}
    return sorted({".".join(version.split(".")[:2]) for version in found})


VERSIONS = '''
import corrie


@corrie.model(materialization_strategy='REPLACE')
{python}
def told(rows=corrie.Model('numbers', columns=['n'])):
    import sys
    {body}
'''


def versions(python: str, body: str) -> str:
    return VERSIONS.format(python=python, body=body)


def test_old_numpy_and_pandas_get_a_python_and_a_pyarrow_that_fit(numbers: Lake, tmp_path: Path) -> None:
    # numpy 1.23.2 has no wheel for Python 3.12, and new pyarrows do not work with it
    body = ("import numpy, pandas; frame = rows.to_pandas(); frame['twice'] = frame['n'] * 2; "
            "frame['made'] = f'{pandas.__version__} {numpy.__version__} {sys.version_info[1]}'; return frame")
    pins = "@corrie.python(pip={'pandas': '1.5.3', 'numpy': '1.23.2'})"
    run(numbers, make_project(tmp_path, models=versions(pins, body)))
    (made, total), = numbers.rows("SELECT any_value(made), sum(twice) FROM told")
    pandas, numpy, minor = made.split()
    assert (pandas, numpy, total) == ("1.5.3", "1.23.2", str(999 * 1000))
    have = [int(version.split(".")[1]) for version in pythons()]
    assert int(minor) == max(known for known in have if known <= 11)


def test_nothing_pinned_joins(numbers: Lake, tmp_path: Path) -> None:
    body = "return rows.join(rows, 'n', join_type='inner')"
    run(numbers, make_project(tmp_path, models=versions("", body)))
    assert numbers.rows("SELECT count(*), sum(n) FROM told") == [["1000", "499500"]]


@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_other_pythons(numbers: Lake, tmp_path: Path, version: str) -> None:
    if version not in pythons():
        pytest.skip(f"uv finds no Python {version} here")
    body = ("import polars as pl, pyarrow as pa\n"
            "    return [{'python': '%d.%d' % sys.version_info[:2], 'n': pl.from_arrow(rows)['n'].sum()}]")
    run(numbers, make_project(tmp_path, models=versions(f"@corrie.python('{version}', pip={{'polars': ''}})", body)))
    assert numbers.rows("SELECT python, n FROM told") == [[version, "499500"]]


def test_extras_bring_packages(numbers: Lake, tmp_path: Path) -> None:
    project = make_project(tmp_path, models=versions("@corrie.python('3.11')\n@corrie.extras('frames')",
                                                     "import polars; return polars.from_arrow(rows)"))
    (project / "corrie.yaml").write_text(YAML + "extras:\n  frames: [polars==1.15.0]\n")
    run(numbers, project)
    assert numbers.rows("SELECT count(*) FROM told") == [["1000"]]
    (project / "corrie.yaml").write_text(YAML)
    said = numbers.error("run", cwd=project, status=1)
    assert "the project has no extras 'frames'" in said and "models.py:7" in said


def test_environments_that_cannot_be(numbers: Lake, tmp_path: Path) -> None:
    cannot = {
        "@corrie.python('3.11', pip={'pandas': '1.5.3', 'numpy': '2.1.0'})": ("pandas", "numpy"),
        "@corrie.python('3.77')": ("Python 3.77 is not installed here", "found: 3."),
        "@corrie.python('3.11', pip={'no-such-package-of-anybody': '1.0'})": ("no-such-package-of-anybody",),
        # an old package that allows every numpy, and gets one that it was not built for
        "@corrie.python('3.11', pip={'pandas': '1.5.3'})": ("numpy.dtype size changed", "pandas 1.5.3 was built",
                                                            "'numpy': '<2', 'pandas': '1.5.3'"),
    }
    before = numbers.head()
    for python, words in cannot.items():
        project = make_project(tmp_path, models=versions(python, "return rows"))
        done = numbers.run("run", cwd=project, status=None)
        if done.returncode == 5:
            pytest.skip(f"no packages: {done.stderr}")
        words = ("told: Python environment", "models.py:7:5", *words)
        assert done.returncode == 1 and all(word in done.stderr for word in words), done.stderr
    assert numbers.head() == before


def test_without_network_what_was_made_once_still_runs(numbers: Lake, tmp_path: Path) -> None:
    project = make_project(tmp_path, models=versions("@corrie.python('3.11', pip={'polars': '1.15.0'})",
                                                     "import polars; return rows"))
    run(numbers, project)
    cut_off = {"UV_INDEX_URL": "http://127.0.0.1:9/simple", "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
               "UV_HTTP_TIMEOUT": "2", "UV_HTTP_RETRIES": "0", "ALL_PROXY": "http://127.0.0.1:9"}
    numbers.run("run", cwd=project, env=cut_off)
    # an environment that is new, of packages that uv has seen
    fresh = {**cut_off, "CORRIE_CACHE_DIR": str(tmp_path / "cache")}
    done = numbers.run("run", cwd=project, env=fresh, status=None)
    assert done.returncode in (0, 5), done.stderr  # by uv's own cache, unless it keeps none of another index
    project = make_project(tmp_path, models=versions("@corrie.python('3.11', pip={'polars': '0.20.1'})", "return rows"))
    said = numbers.error("run", cwd=project, env=fresh, status=5)
    assert "told: Python environment (polars ==0.20.1)" in said and "models.py:7:5" in said


# ---- what a run offers ----------------------------------------------------------------------------------------------


def test_logging_is_imported_when_it_is_wanted(numbers: Lake, tmp_path: Path) -> None:
    """Who imports it late has lost no line, nor who has a file of its name; who does not, does not wait for it."""
    body = """there = [name for name in ('logging', 'typing') if name in sys.modules]
    import importlib.util
    importlib.util.find_spec('logging')
    import logging
    logging.info('late %d', 7)
    logging.getLogger('x.y').warning('%d', 'no number')
    return [{'there': ' '.join(there), 'loader': type(logging.__loader__).__name__}]"""
    project = make_project(tmp_path, models=versions("", body), logging="raise ImportError('not this one')\n")
    run(numbers, project)
    assert numbers.rows("SELECT there, loader FROM told") == [["", "SourceFileLoader"]]
    logs = numbers.json("job", "logs", "last")["logs"]
    told = [(e["text"], e["line"]) for e in logs if e.get("stream") == "log"]
    assert told[0] == ("late 7", 13) and told[1][0].startswith("'%d' (cannot be formatted: %d format")


def test_a_package_beside_the_models_has_to_be_included(numbers: Lake, tmp_path: Path) -> None:
    project = make_project(tmp_path, models=versions("", "from shop.units import FACTOR; return [{'factor': FACTOR}]"))
    (project / "shop").mkdir()
    (project / "shop/units.py").write_text("FACTOR = 3\n")
    said = numbers.error("run", cwd=project, status=1)
    assert "No module named 'shop'" in said and 'include_paths: ["shop/**/*.py"]' in said and "models.py:9" in said
    (project / "corrie.yaml").write_text(YAML + 'include_paths: ["shop/**/*.py"]\n')
    run(numbers, project)
    assert numbers.rows("SELECT factor FROM told") == [["3"]]


def test_helpers_logging_and_expectations(numbers: Lake, tmp_path: Path) -> None:
    project = make_project(tmp_path, helper='''
import logging

log = logging.getLogger('helper')


def doubled(rows):
    import pyarrow.compute as pc
    log.warning('doubling %d', rows.num_rows)
    return rows.append_column('twice', pc.multiply(rows['n'], 2))
''', models='''
import bauplan
from bauplan.standard_expectations import expect_column_no_nulls
import helper


@bauplan.model(materialization_strategy='REPLACE')
@bauplan.python('3.11')
def told(rows=bauplan.Model('numbers', columns=['n'])):
    print('before')
    return helper.doubled(rows)


@bauplan.expectation()
@bauplan.python('3.11')
def full(data=bauplan.Model('told')):
    assert bauplan.standard_expectations.expect_column_all_unique(data, 'twice')
    return expect_column_no_nulls(data, 'twice')
''')
    numbers.run("run", "--strict", cwd=project)
    logs = numbers.json("job", "logs", "last")["logs"]
    said = [(e["text"], e["file"], e["line"]) for e in logs if e.get("stream") in ("stdout", "log")]
    assert said == [("before", "models.py", 10), ("doubling 1000", "helper.py", 9)]


def test_a_client_inside_a_function_is_refused(numbers: Lake, tmp_path: Path) -> None:
    project = make_project(tmp_path, models='''
import bauplan
from bauplan import Client


@bauplan.model()
@bauplan.python('3.11')
def told(rows=bauplan.Model('numbers', columns=['n'])):
    return Client().query('SELECT 1')
''')
    said = numbers.error("run", cwd=project, status=1)
    assert "bauplan.Client is not to be had inside a function" in said and "models.py:9" in said
