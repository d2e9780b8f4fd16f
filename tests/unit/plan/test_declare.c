#include <stdlib.h>

#include "base/mem.h"
#include "cache/cache.h"
#include "os/dir.h"
#include "tests/unit/plan/support.h"

/* Declares a project with `text` as models.py. */
static void declare(struct sample *sample, const char *text)
{
    sample_init(sample);
    sample_project(sample, "extras: {ai: [openai, polars==0.1]}\n");
    sample_file(sample, "models.py", text);
    int r = sample_declare(sample, NULL);
    _free_ char *message = error_text(&sample->err);
    ck_assert_msg(r >= 0, "%s", message);
}

static void names_are(const struct name_list *list, const char *const *expected, size_t n)
{
    ck_assert_uint_eq(list->count, n);
    for (size_t i = 0; i < n; i++) {
        ck_str_eq(list->items[i], str_of(expected[i]));
    }
}

START_TEST(reads_everything_that_is_declared)
{
    struct sample sample;

    declare(
        &sample,
        "import bauplan\n"
        "\n"
        "@bauplan.model(name='sales.orders', columns=['id', '*'], partitioned_by=('day(t)', 'x'),\n"
        "               materialization_strategy='APPEND', cache_strategy='NONE',\n"
        "               internet_access=True)\n"
        "@bauplan.python('3.11', pip={'Polars': '1.15.0', 'duckdb': None})\n"
        "@bauplan.resources(cpus=1.5, memory='2G', memory_swap=512, timeout=60)\n"
        "@bauplan.extras('ai')\n"
        "def f(raw=bauplan.Model('ns.events', columns=['a', 'b'], filter='a > 1', ref='dev'),\n"
        "      *, country=bauplan.Parameter('country'), plain=3, **rest):\n"
        "    return raw\n"
        "\n"
        "@bauplan.expectation()\n"
        "def check(data=bauplan.Model('f')):\n"
        "    return True\n");
    ck_assert_uint_eq(sample.declarations->n_functions, 2);
    const struct declared_function *f = sample_function(&sample, "sales.orders");
    ck_assert_int_eq(f->kind, FUNCTION_MODEL);
    ck_str_eq(f->function, STR("f"));
    ck_str_eq(f->place.file, STR("models.py"));
    ck_assert_int_eq(f->place.line, 9);
    ck_assert_int_eq(f->place.column, 5);
    ck_str_eq(f->python, STR("3.11"));
    ck_assert_uint_eq(f->n_packages, 3);
    ck_str_eq(f->packages[0].name, STR("duckdb"));
    ck_str_eq(f->packages[0].version, STR(""));
    ck_str_eq(f->packages[1].name,
              STR("openai")); /* of the extras; what the function pins itself wins */
    ck_str_eq(f->packages[2].name, STR("polars"));
    ck_str_eq(f->packages[2].version, STR("1.15.0"));
    ck_assert_int_eq(f->strategy, STRATEGY_APPEND);
    ck_assert(f->no_cache && f->internet_access);
    ck_assert(f->cpus == 1.5 && f->timeout == 60);
    ck_assert_uint_eq(f->memory, (uint64_t)2 << 30);
    ck_assert_uint_eq(f->memory_swap, (uint64_t)512 << 20);
    ck_assert_uint_eq(f->n_extras, 1);
    ck_assert_uint_eq(f->n_partitioned_by, 2);
    ck_str_eq(f->partitioned_by[0], STR("day(t)"));
    ck_assert(f->columns.given && f->columns.all);
    names_are(&f->columns, (const char *[]){"id"}, 1);

    ck_assert_uint_eq(f->n_inputs, 1);
    ck_str_eq(f->inputs[0].argument, STR("raw"));
    ck_str_eq(f->inputs[0].table, STR("ns.events"));
    names_are(&f->inputs[0].columns, (const char *[]){"a", "b"}, 2);
    ck_assert(!f->inputs[0].columns.all);
    ck_str_eq(f->inputs[0].filter, STR("a > 1"));
    ck_str_eq(f->inputs[0].ref, STR("dev"));
    ck_assert_uint_eq(f->n_parameters, 1);
    ck_str_eq(f->parameters[0].argument, STR("country"));
    ck_str_eq(f->parameters[0].name, STR("country"));

    const struct declared_function *check = sample_function(&sample, "check");
    ck_assert_int_eq(check->kind, FUNCTION_EXPECTATION);
    ck_assert(check->inputs[0].columns.all && !check->inputs[0].columns.given);
    sample_done(&sample);
}
END_TEST

START_TEST(every_spelling_of_the_module)
{
    static const char *const spellings[] = {
        "import bauplan\n@bauplan.model()\ndef m(a=bauplan.Model('t')): pass\n",
        "import corrie\n@corrie.model()\ndef m(a=corrie.Model('t')): pass\n",
        "import corrie as c\n@c.model()\ndef m(a=c.Model('t')): pass\n",
        "from bauplan import model, Model\n@model()\ndef m(a=Model('t')): pass\n",
        "from corrie import model as mo, Model as M\n@mo()\ndef m(a=M('t')): pass\n",
        "from corrie import *\n@model()\ndef m(a=Model('t')): pass\n",
        "import bauplan.standard_expectations\n@bauplan.model()\ndef m(a=bauplan.Model('t')): pass\n",
        ("try:\n    import bauplan as b\nexcept ImportError:\n    import corrie as b\n"
         "@b.model()\ndef m(a=b.Model('t')): pass\n"),
        "\xef\xbb\xbfimport corrie\r\n@corrie.model()\r\ndef m(a=corrie.Model('t')): pass\r\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
        struct sample sample;
        declare(&sample, spellings[i]);
        ck_assert_msg(sample.declarations->n_functions == 1, "spelling %zu declares %zu functions",
                      i, sample.declarations->n_functions);
        ck_str_eq(sample.declarations->functions[0].inputs[0].table, STR("t"));
        sample_done(&sample);
    }
    struct sample other;
    declare(&other, "import other\n@other.model()\ndef m(a=other.Model('t')): pass\n");
    ck_assert_uint_eq(other.declarations->n_functions, 0);
    sample_done(&other);
}
END_TEST

START_TEST(folds_constants)
{
    struct sample sample;

    declare(&sample,
            "import corrie\n"
            "LAYER: str = 'silver'\n"
            "YEAR = 2024\n"
            "BASE = ['id', 'name']\n"
            "NAME = f'{LAYER}_{YEAR:05d}'\n"
            "PINS = {'polars': '1.15.0'}\n"
            "@corrie.model(columns=[*BASE, 'pri' 'ce'] + [f'{LAYER!s}_x'])\n"
            "@corrie.python('3.' + '11', pip={**PINS, 'duckdb': '1.0.0'})\n"
            "def m(a=corrie.Model(NAME, columns=BASE, filter=f\"year = {YEAR} AND x > {-1.5}\")):\n"
            "    return a\n");
    const struct declared_function *m = sample_function(&sample, "m");
    names_are(&m->columns, (const char *[]){"id", "name", "price", "silver_x"}, 4);
    ck_str_eq(m->inputs[0].table, STR("silver_02024"));
    ck_str_eq(m->inputs[0].filter, STR("year = 2024 AND x > -1.5"));
    ck_str_eq(m->python, STR("3.11"));
    ck_assert_uint_eq(m->n_packages, 2);
    sample_done(&sample);
}
END_TEST

/* What is wrong, where, in the words that the user sees. */
START_TEST(says_what_is_wrong)
{
    static const struct {
        const char *text;
        const char *part;
        long line;
        long column;
    } cases[] = {
        {"def f(:\n", "syntax error: ", 1, 7},
        {"x = 'a\n", "syntax error: ", 1, 5},
        {"x = 1\nreturn x\n", "'return' outside function", 2, 1},
        {"@c.modle()\ndef m(): pass\n", "no decorator modle\nhint: did you mean model?", 2, 2},
        {"@c.model(colums=['a'])\ndef m(): pass\n",
         "@model has no argument colums\nhint: did you mean columns?", 2, 10},
        {"@c.model\ndef m(): pass\n", "c.model is used without parentheses\nhint: write @c.model()",
         2, 2},
        {"@c.model(columns=cols())\ndef m(): pass\n", "cols() is not a constant", 2, 18},
        {"import os\n@c.model(name=os.name)\ndef m(): pass\n", "os.name is not a constant", 3, 15},
        {"X = 1\nX = 2\n@c.model(name=X)\ndef m(): pass\n",
         "X is assigned more than once (lines 2 and 3)", 4, 15},
        {"from conf import X\n@c.model(name=X)\ndef m(): pass\n", "X is imported", 3, 15},
        {"X = Y\nY = X\n@c.model(name=X)\ndef m(): pass\n", "is defined by itself", 4, 15},
        {"@c.model(name=f'{1:9999}')\ndef m(): pass\n", "the format is too wide", 2, 18},
        {"@c.model(name='a\\0b')\ndef m(): pass\n", "NUL character", 2, 15},
        {"@c.model(name='\\ud800')\ndef m(): pass\n", "not valid Unicode", 2, 15},
        {"@c.model(**{'name': 'a'})\ndef m(): pass\n", "cannot be read without running it", 2, 12},
        {"@c.model(columns='a', columns='b')\ndef m(): pass\n",
         "syntax error: keyword argument repeated", 2, 0},
        {"@c.model('a', name='b')\ndef m(): pass\n", "@model is given name twice", 2, 15},
        {"@c.model(columns=[1])\ndef m(): pass\n",
         "columns of @model must be a list of texts, not a number", 2, 19},
        {"@c.model(columns=[])\ndef m(): pass\n", "columns of @model is empty", 2, 18},
        {"@c.model(columns=['a', 'b', 'a'])\ndef m(): pass\n", "column a stands twice", 2, 29},
        {"@c.model(materialization_strategy='REPLACED')\ndef m(): pass\n",
         "no materialization strategy 'REPLACED'", 2, 35},
        {"@c.model(internet_access='yes')\ndef m(): pass\n", "must be True or False, not a text", 2,
         26},
        {"@c.model(name='1x')\ndef m(): pass\n", "project: ", 2, 15},
        {"@c.model()\n@c.model()\ndef m(): pass\n", "beside another such decorator", 3, 2},
        {"@c.model()\n@c.expectation()\ndef m(a=c.Model('t')): pass\n",
         "beside another such decorator", 3, 2},
        {"@c.python('3.11')\ndef m(): pass\n", "m is neither a model nor an expectation", 3, 5},
        {"@c.model()\n@c.python(3.10)\ndef m(): pass\n", "must be a text\nhint: put it in quotes",
         3, 11},
        {"@c.model()\n@c.python('py3')\ndef m(): pass\n", "'py3' is not a Python version", 3, 11},
        {"@c.model()\n@c.python(pip={'polars': 1.15})\ndef m(): pass\n",
         "the version of polars must be a text", 3, 26},
        {"@c.model()\n@c.python(pip={'polars': 'new'})\ndef m(): pass\n",
         "'new' is not a version of polars", 3, 26},
        {"@c.model()\n@c.python(pip={'a': '1', 'A': '2'})\ndef m(): pass\n",
         "package a stands twice", 3, 26},
        {"@c.model()\n@c.resources(memory='much')\ndef m(): pass\n",
         "memory of @resources is not a size", 3, 21},
        {"@c.model()\n@c.resources(cpus=0)\ndef m(): pass\n", "cpus of @resources must be above 0",
         3, 19},
        {"@c.model()\ndef m(a): pass\n", "argument a of m has no default", 3, 7},
        {"@c.model()\ndef m(a=c.Model('t'), /): pass\n", "positional only", 3, 7},
        {"@c.model()\ndef m(a=c.Model()): pass\n", "Model() names no table", 3, 9},
        {"@c.model()\ndef m(a=c.Model('a.b.c')): pass\n", "project: ", 3, 17},
        {"@c.model()\ndef m(a=c.Modell('t')): pass\n", "argument a cannot be Modell", 3, 9},
        {"@c.model()\ndef m(a=c.Model('t', connector='x')): pass\n", "connectors are not supported",
         3, 32},
        {"@c.model()\ndef m(a: c.Model('t') = 1): pass\n", "in an annotation is not supported", 3,
         10},
        {"@c.model()\ndef m(a=c.Parameter()): pass\n", "Parameter() has no name", 3, 9},
        {"@c.expectation()\ndef m(): pass\n", "expectation m checks nothing", 3, 5},
        {"@c.model()\nasync def m(): pass\n", "m cannot be `async`", 3, 1},
        {"@c.model()\nclass m: pass\n", "class m cannot be a model", 3, 1},
        {"if True:\n    @c.model()\n    def m(): pass\n", "m is declared inside another block", 4,
         5},
        {"@c.model()\ndef m(): pass\n@c.model()\ndef m(): pass\n",
         "duplicate definition of 'm'\nhint: the other one is at line 3", 5, 1},
        {"@c.model()\ndef m(): pass\nm = 1\n", "m is bound again: the one at line 3 is lost", 4, 1},
        {"@c.model(name='m')\ndef a(): pass\n@c.model()\ndef m(): pass\n",
         "duplicate definition of 'm'\nhint: the other one is at models.py:3", 5, 5},
        {"@bauplan.model()\ndef m(): pass\n",
         "bauplan is never imported\nhint: add `import bauplan`", 2, 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sample sample;
        _cleanup_(buf_done) struct buf text = {0};
        sample_init(&sample);
        sample_project(&sample, "");
        buf_addf(&text, "%s%s", i < 3 ? "" : "import corrie as c\n", cases[i].text);
        sample_file(&sample, "models.py", buf_text(&text));
        int r = sample_declare(&sample, NULL);
        _free_ char *message = error_text(&sample.err);
        ck_assert_msg(r < 0, "case %zu was taken:\n%s", i, buf_text(&text));
        ck_assert_msg(r == CORRIE_E_PROJECT || r == CORRIE_E_UNSUPPORTED, "case %zu: %s", i,
                      message);
        ck_assert_msg(strstr(message, cases[i].part) != NULL, "case %zu: \"%s\" has no \"%s\"", i,
                      message, cases[i].part);
        ck_assert_msg(sample.err.position.line == cases[i].line, "case %zu: wrong line: %s", i,
                      message);
        ck_assert_msg(cases[i].column == 0 || sample.err.position.column == cases[i].column,
                      "case %zu: wrong column: %s", i, message);
        ck_assert_str_eq(sample.err.position.file, "models.py");
        sample_done(&sample);
    }
}
END_TEST

/* Planning a project must not do what its files do. */
START_TEST(executes_nothing)
{
    struct sample sample;
    _cleanup_(buf_done) struct buf text = {0};
    corrie_error err = CORRIE_ERROR_INIT;

    sample_init(&sample);
    sample_project(&sample, "");
    buf_addf(&text,
             "import corrie, bomb\n"
             "open('%s/executed', 'w').close()\n"
             "@corrie.model()\n"
             "def m(a=corrie.Model('t'), b=open('%s/executed', 'w')): pass\n",
             sample.dir, sample.dir);
    sample_file(&sample, "models.py", buf_text(&text));
    buf_clear(&text);
    buf_addf(&text, "open('%s/executed', 'w').close()\n", sample.dir);
    sample_file(&sample, "bomb.py", buf_text(&text));
    sample_file(&sample, "ast.py", buf_text(&text)); /* would shadow the library's */
    sample_file(&sample, "sitecustomize.py", buf_text(&text));
    ck_ok(sample_declare(&sample, NULL), &sample.err);
    buf_clear(&text);
    buf_addf(&text, "%s/executed", sample.dir);
    ck_assert_int_eq(os_exists(buf_text(&text), &err), 0);
    sample_done(&sample);
}
END_TEST

static struct hash code_of(struct sample *sample, const char *models, const char *helper)
{
    sample_file(sample, "models.py", models);
    sample_file(sample, "helper.py", helper);
    ck_ok(sample_declare(sample, NULL), &sample->err);
    return sample_function(sample, "m")->code;
}

#define HEAD_OF(n, factor)                                                                         \
    "import corrie\nimport helper\nN = " n "\ndef twice(x):\n    return x * " factor "\n"          \
    "def unused():\n    return helper.x\n"
#define HEAD HEAD_OF("1", "2")
#define TAIL "@corrie.model(columns=['a'])\ndef m(a=corrie.Model('t')):\n    return twice(N)\n"

/* Too little in the hash: stale results. Too much: work for nothing. */
START_TEST(hashes_what_code_reaches)
{
    struct sample sample;

    sample_init(&sample);
    sample_project(&sample, "");
    struct hash code = code_of(&sample, HEAD TAIL, "x = 1\n");
    static const struct {
        const char *models;
        const char *helper;
        bool same;
    } cases[] = {
        {HEAD "# a comment\n\n\n" TAIL, "x = 1\n", true},
        {HEAD "def other():\n    return 3\n" TAIL, "x = 1\n", true},
        {HEAD "@corrie.model()\ndef z(a=corrie.Model('u')):\n    return 7\n" TAIL, "x = 1\n", true},
        {"'''Doc.'''\n" HEAD TAIL, "x = 1\n", true},
        {HEAD
         "@corrie.model(name='m')\ndef m(a=corrie.Model('other', filter='x > 1')):\n    return twice(N)\n",
         "x = 1\n", true},
        {HEAD TAIL, "x = 2\n", true}, /* helper is imported, but m does not use it */
        {HEAD_OF("2", "2") TAIL, "x = 1\n", false},
        {HEAD_OF("1", "3") TAIL, "x = 1\n", false},
        {HEAD "print('on import')\n" TAIL, "x = 1\n", false},
        {HEAD "@corrie.model()\ndef m(b=corrie.Model('t')):\n    return twice(N)\n", "x = 1\n",
         false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct hash other = code_of(&sample, cases[i].models, cases[i].helper);
        ck_assert_msg(hash_eq(&code, &other) == cases[i].same, "case %zu", i);
    }

    static const char user[] =
        "import corrie\nfrom helper import f\n@corrie.model()\ndef m():\n    return f()\n";
    struct hash one = code_of(&sample, user, "import deeper\ndef f(): return 1\n");
    struct hash two = code_of(&sample, user, "import deeper\ndef f(): return 2\n");
    ck_assert(!hash_eq(&one, &two));
    sample_file(&sample, "deeper.py", "y = 1\n");
    struct hash three = code_of(&sample, user, "import deeper\ndef f(): return 2\n");
    ck_assert(!hash_eq(&two, &three));
    ck_assert_uint_eq(sample_function(&sample, "m")->n_modules, 2);
    ck_str_eq(sample_function(&sample, "m")->modules[0], STR("deeper.py"));

    static const char dynamic[] =
        "import corrie, importlib\n@corrie.model()\ndef m():\n    return importlib.import_module('helper').f()\n";
    one = code_of(&sample, dynamic, "def f(): return 1\n");
    two = code_of(&sample, dynamic, "def f(): return 2\n");
    ck_assert(!hash_eq(&one, &two));
    sample_done(&sample);
}
END_TEST

/* Files of a project before an edit and after it, and whether the code of the function m is another then. */
struct edit {
    const char *models;
    const char *path; /* of another file, which is edited; NULL: models.py itself is */
    const char *before;
    const char *after;
    bool same;
};

static struct hash code_with(const struct edit *edit, const char *text)
{
    struct sample sample;

    sample_init(&sample);
    sample_project(&sample, "include_paths: [\"**/*.py\"]\n");
    if (edit->models) {
        sample_file(&sample, "models.py", edit->models);
    }
    sample_file(&sample, edit->path ? edit->path : "models.py", text);
    ck_ok(sample_declare(&sample, NULL), &sample.err);
    struct hash code = sample_function(&sample, "m")->code;
    sample_done(&sample);
    return code;
}

static void check_edits(const struct edit *edits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct hash before = code_with(&edits[i], edits[i].before);
        struct hash after = code_with(&edits[i], edits[i].after);

        ck_assert_msg(hash_eq(&before, &after) == edits[i].same, "edit %zu", i);
    }
}

#define M "@corrie.model()\ndef m(a=corrie.Model('t')):\n    return "

/* What runs because the file is imported is code of all its functions, whoever names it. */
START_TEST(hashes_what_acts_on_import)
{
    static const struct edit edits[] = {
        {NULL, NULL,
         "import corrie\nRULES = []\ndef rule(f):\n    RULES.append(f)\n"
         "@rule\ndef positive(x):\n    return x > 0\n" M "[r(a) for r in RULES]\n",
         "import corrie\nRULES = []\ndef rule(f):\n    RULES.append(f)\n"
         "@rule\ndef positive(x):\n    return x > 1\n" M "[r(a) for r in RULES]\n",
         false},
        {NULL, NULL, "import corrie\nimport pandas as pd\n_ = pd.set_option('a', 1)\n" M "1\n",
         "import corrie\nimport pandas as pd\n_ = pd.set_option('a', 2)\n" M "1\n", false},
        {NULL, NULL, "import corrie\nimport os\ndef other(x=os.nice(1)):\n    pass\n" M "1\n",
         "import corrie\nimport os\ndef other(x=os.nice(2)):\n    pass\n" M "1\n", false},
        {NULL, NULL, "import corrie\nimport os\nclass Other(os.PathLike):\n    n = 1\n" M "1\n",
         "import corrie\nimport os\nclass Other(os.PathLike):\n    n = 2\n" M "1\n", false},
        {NULL, NULL, "import corrie\nN = 1\nf = lambda: print(1)\n" M "1\n",
         "import corrie\nN = 2\nf = lambda: print(2)\n" M "1\n", true},
        {NULL, NULL,
         "import corrie\nclass Other(Exception):\n    'Doc.'\n    n = 1\n    @property\n"
         "    def x(self): pass\n" M "1\n",
         "import corrie\nclass Other(Exception):\n    'Doc.'\n    n = 2\n    @property\n"
         "    def x(self): pass\n" M "1\n",
         true},
        {"import corrie\nimport helper\n" M "1\n", "helper.py", "x = 1\n", "x = 2\n", false},
        {"import corrie\nfrom helper import *\n" M "x\n", "helper.py", "x = 1\n", "x = 2\n", false},
        {"import corrie\nimport helper\nx = helper.x\n" M "1\n", "helper.py", "x = 1\n", "x = 2\n",
         true},
    };

    check_edits(edits, ARRAY_LEN(edits));
}
END_TEST

/* Two functions of one file whose code is otherwise one: which of them is called is part of it. */
START_TEST(hashes_which_function_it_is)
{
    struct sample sample;

    declare(&sample, "import corrie\n"
                     "@corrie.model()\ndef first(a=corrie.Model('t')):\n    return 1\n"
                     "@corrie.model()\ndef second(a=corrie.Model('t')):\n    return 2\n"
                     "if __name__ == '__main__':\n    first(None)\n    second(None)\n");
    struct hash first = sample_function(&sample, "first")->code;
    struct hash second = sample_function(&sample, "second")->code;
    ck_assert(!hash_eq(&first, &second));
    sample_done(&sample);
}
END_TEST

/* What is imported by a name that nobody can read may be any file of the project, whichever file does it. */
START_TEST(hashes_everything_that_dynamic_code_may_reach)
{
    static const struct edit edits[] = {
        {"import corrie\nfrom importlib import import_module\n" M "import_module('help' 'er').x\n",
         "helper.py", "x = 1\n", "x = 2\n", false},
        {"import corrie\nfrom importlib import import_module as get\n" M "get('help' 'er').x\n",
         "helper.py", "x = 1\n", "x = 2\n", false},
        {"import corrie\nimport builtins as b\n" M "b.exec('import helper')\n", "helper.py",
         "x = 1\n", "x = 2\n", false},
        {"import corrie\nimport tools\n" M "tools.__import__('helper').x\n", "helper.py", "x = 1\n",
         "x = 2\n", false},
        {"import corrie\nimport sys as s\ns.path.append('lib')\nimport deeper\n" M "deeper.x\n",
         "lib/deeper.py", "x = 1\n", "x = 2\n", false},
        {"import corrie\n" M "a.path.x\n", "lib/deeper.py", "x = 1\n", "x = 2\n", true},
    };

    check_edits(edits, ARRAY_LEN(edits));

    struct sample sample;
    struct hash codes[2];
    for (size_t i = 0; i < 2; i++) {
        sample_init(&sample);
        sample_project(&sample, "include_paths: [\"**/*.py\"]\n");
        sample_file(&sample, "models.py", "import corrie\nfrom tools import get\n" M "get()\n");
        sample_file(&sample, "tools.py",
                    "import importlib\n"
                    "def get():\n    return importlib.import_module('help' 'er')\n");
        sample_file(&sample, "helper.py", i == 0 ? "x = 1\n" : "x = 2\n");
        ck_ok(sample_declare(&sample, NULL), &sample.err);
        codes[i] = sample_function(&sample, "m")->code;
        sample_done(&sample);
    }
    ck_assert(!hash_eq(&codes[0], &codes[1]));
}
END_TEST

/* `from .b import g` means the package of the file that says so; a package's own file runs before it. */
START_TEST(hashes_what_relative_imports_reach)
{
    static const struct {
        const char *models; /* path of the file that declares m */
        const char *text;
        const char *edited;
        bool same;
    } cases[] = {
        {"lib/a.py", "import corrie\nfrom .b import g\n" M "g\n", "lib/b.py", false},
        {"lib/a.py", "import corrie\nfrom . import b\n" M "b.g\n", "lib/b.py", false},
        {"lib/deep/a.py", "import corrie\nfrom ..b import g\n" M "g\n", "lib/b.py", false},
        {"lib/deep/a.py", "import corrie\nfrom ..b import c\n" M "c.g\n", "lib/b/c.py", false},
        {"lib/__init__.py", "import corrie\nfrom .b import g\n" M "g\n", "lib/b.py", false},
        {"lib.py", "import corrie\nfrom .b import g\n" M "g\n", "lib/b.py", false},
        {"lib/a.py", "import corrie\nfrom .b import g\n" M "g\n", "b.py", true},
        {"lib/deep/a.py", "import corrie\n" M "1\n", "lib/__init__.py", false},
        {"lib/a.py", "import corrie\n" M "1\n", "lib/b.py", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct hash codes[2];
        for (size_t k = 0; k < 2; k++) {
            struct sample sample;
            sample_init(&sample);
            sample_project(&sample, "include_paths: [\"**/*.py\"]\n");
            sample_file(&sample, cases[i].models, cases[i].text);
            sample_file(&sample, cases[i].edited, k == 0 ? "g = 1\n" : "g = 2\n");
            ck_ok(sample_declare(&sample, NULL), &sample.err);
            codes[k] = sample_function(&sample, "m")->code;
            sample_done(&sample);
        }
        ck_assert_msg(hash_eq(&codes[0], &codes[1]) == cases[i].same, "case %zu", i);
    }
}
END_TEST

/* An unchanged file costs no interpreter; a changed one is read again; a broken one is never kept. */
START_TEST(keeps_what_was_read)
{
    struct sample sample;
    char *dir;
    _cleanup_(cache_closep) struct cache *cache = NULL;

    sample_init(&sample);
    ck_ok(os_temp_dir("corrie-cache", &dir, &sample.err), &sample.err);
    struct cache_options options = {.dir = str_of(dir)};
    ck_ok(cache_open(&options, &cache, &sample.err), &sample.err);
    sample_project(&sample, "");
    sample_file(&sample, "models.py", "import corrie\n@corrie.model()\ndef m(): return 1\n");
    sample_file(&sample, "more.py", "import corrie\n@corrie.model()\ndef n(): return 1\n");
    ck_ok(sample_declare(&sample, cache), &sample.err);

    setenv("CORRIE_PYTHON", "/no/such/python", 1);
    ck_ok(sample_declare(&sample, cache), &sample.err);
    ck_str_eq(sample_function(&sample, "n")->function, STR("n"));
    sample_file(&sample, "more.py", "import corrie\n@corrie.model()\ndef o(): return 1\n");
    ck_assert_int_eq(sample_declare(&sample, cache), CORRIE_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(
        strstr(corrie_error_message(&sample.err), "no interpreter /no/such/python"));

    unsetenv("CORRIE_PYTHON");
    ck_ok(sample_declare(&sample, cache), &sample.err);
    ck_str_eq(sample_function(&sample, "o")->function, STR("o"));
    sample_file(&sample, "more.py", "def o(:\n");
    ck_assert_int_eq(sample_declare(&sample, cache), CORRIE_E_PROJECT);
    ck_assert_int_eq(sample_declare(&sample, cache), CORRIE_E_PROJECT);
    ck_ok(os_tree_remove(dir, &sample.err), &sample.err);
    mem_free(dir);
    sample_done(&sample);
}
END_TEST

/* An interpreter that is none, that fails, that talks nonsense: one clear error. */
START_TEST(survives_strange_interpreters)
{
    static const struct {
        const char *program;
        const char *part;
    } cases[] = {
        {"/bin/false", "/bin/false: exit status 1"},
        {"/bin/true", "the answer of the Python reader"},
        {"/bin/echo", "the answer of the Python reader"},
        {"/etc/passwd", "read the project's Python files"},
    };
    struct sample sample;

    sample_init(&sample);
    sample_project(&sample, "");
    sample_file(&sample, "models.py", "import corrie\n");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        setenv("CORRIE_PYTHON", cases[i].program, 1);
        ck_assert_int_lt(sample_declare(&sample, NULL), 0);
        ck_assert_msg(strstr(corrie_error_message(&sample.err), cases[i].part) != NULL, "%s: %s",
                      cases[i].program, corrie_error_message(&sample.err));
    }
    unsetenv("CORRIE_PYTHON");
    sample_done(&sample);
}
END_TEST

START_TEST(reads_sql_headers)
{
    struct sample sample;

    sample_init(&sample);
    sample_project(&sample, "defaults:\n  timeout: 90\n");
    sample_file(&sample, "plain.sql", "SELECT 1 AS x\n");
    sample_file(&sample, "b.sql",
                "-- corrie: name=sales.daily materialization_strategy=REPLACE\n"
                "-- bauplan: partitioned-by=\"day(x), bucket(4, y)\"\n"
                "-- any other comment\n"
                "SELECT 1 AS x, 2 AS y\n");
    ck_ok(sample_declare(&sample, NULL), &sample.err);
    const struct declared_function *daily = sample_function(&sample, "sales.daily");
    ck_assert_int_eq(daily->strategy, STRATEGY_REPLACE);
    ck_assert_uint_eq(daily->n_partitioned_by, 2);
    ck_str_eq(daily->partitioned_by[1], STR("bucket(4, y)"));
    const struct declared_function *plain = sample_function(&sample, "plain");
    ck_assert_int_eq(plain->strategy, STRATEGY_NONE);
    ck_assert_int_eq(plain->language, SOURCE_SQL);
    ck_assert(plain->timeout == 90);
    ck_assert(plain->columns.all);

    sample_file(&sample, "b.sql", "-- corrie: materialization_strategy=SWAP\nSELECT 1 AS x\n");
    ck_assert_int_eq(sample_declare(&sample, NULL), CORRIE_E_PROJECT);
    ck_assert_int_eq(sample.err.position.line, 1);
    ck_assert_int_eq(sample.err.position.column, 37);
    sample_file(&sample, "b.sql", "-- corrie: name=plain\nSELECT 1 AS x\n");
    ck_assert_int_eq(sample_declare(&sample, NULL), CORRIE_E_PROJECT);
    ck_assert_str_eq(corrie_error_message(&sample.err), "duplicate definition of 'plain'");
    sample_file(&sample, "b.sql", "SELECT 1");
    sample_file(&sample, "not a name.sql", "SELECT 1 AS x\n");
    ck_assert_int_eq(sample_declare(&sample, NULL), CORRIE_E_PROJECT);
    ck_assert_ptr_nonnull(strstr(sample.err.hint, "rename the file"));
    sample_done(&sample);
}
END_TEST

START_TEST(merges_project_defaults)
{
    struct sample sample;

    sample_init(&sample);
    sample_project(&sample, "defaults:\n"
                            "  python:\n"
                            "    version: \"3.12\"\n"
                            "    packages:\n"
                            "      - {name: polars, version: \"1.0\"}\n"
                            "      - {name: numpy, version: \"2.0\"}\n");
    sample_file(&sample, "models.py",
                "import corrie\n"
                "@corrie.model()\ndef a(): return 1\n"
                "@corrie.model()\n@corrie.python(pip={'polars': '1.15.0'})\ndef b(): return 1\n");
    ck_ok(sample_declare(&sample, NULL), &sample.err);
    const struct declared_function *a = sample_function(&sample, "a");
    const struct declared_function *b = sample_function(&sample, "b");
    ck_str_eq(a->python, STR("3.12"));
    ck_assert_uint_eq(a->n_packages, 2);
    ck_str_eq(a->packages[1].version, STR("1.0"));
    ck_str_eq(b->python, STR("3.12"));
    ck_assert_uint_eq(b->n_packages, 2);
    ck_str_eq(b->packages[1].version, STR("1.15.0"));

    sample_project(
        &sample, "defaults:\n  python:\n    packages:\n      - {name: polars, version: latest}\n");
    ck_assert_int_eq(sample_declare(&sample, NULL), CORRIE_E_PROJECT);
    ck_assert_str_eq(sample.err.position.file, "corrie.yaml");
    ck_assert_int_eq(sample.err.position.line, 7);
    sample_done(&sample);
}
END_TEST

SUITE(declare_suite, "declare", reads_everything_that_is_declared, every_spelling_of_the_module,
      folds_constants, says_what_is_wrong, executes_nothing, hashes_what_code_reaches,
      hashes_what_acts_on_import, hashes_which_function_it_is,
      hashes_everything_that_dynamic_code_may_reach, hashes_what_relative_imports_reach,
      keeps_what_was_read, survives_strange_interpreters, reads_sql_headers,
      merges_project_defaults)
