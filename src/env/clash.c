/* clash.c — packages that were built for another numpy than they got: an installer does not see it, since few old ones
 * declare an upper bound. */
#include "env/env.h"

static bool says_clash(struct str text)
{
    static const char *const signs[] = {
        "numpy.dtype size changed",
        "numpy.ndarray size changed",
        "numpy.core.multiarray failed to import",
        "numpy._core.multiarray failed to import",
        "_ARRAY_API not found",
        "compiled using NumPy 1",
    };

    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        if (str_find_str(text, str_of(signs[i])) >= 0) {
            return true;
        }
    }
    return false;
}

/* The version of numpy, and those packages that `named` names: as words, and as pins. */
static struct str find_packages(struct str lock, struct str named, struct buf *words,
                                struct buf *pins)
{
    struct str line, name, version, numpy = STR_EMPTY;
    bool more = true;

    while (more) {
        more = str_cut(lock, '\n', &line, &lock);
        if (!str_cut(line, '=', &name, &version) || !str_starts(version, STR("="))) {
            continue;
        }
        version = str_from(version, 1);
        if (str_eq(name, STR("numpy"))) {
            numpy = version;
        } else if (str_find_str(named, name) >= 0) {
            buf_addf(words, "%s%.*s %.*s", words->len > 0 ? ", " : "", STR_FMT(name),
                     STR_FMT(version));
            buf_addf(pins, ", '%.*s': '%.*s'", STR_FMT(name), STR_FMT(version));
        }
    }
    return numpy;
}

bool env_explain_clash(struct str said, struct str named, struct str lock, corrie_error *err)
{
    _cleanup_(buf_done) struct buf words = {0}, pins = {0};
    struct str numpy;

    if (!says_clash(said)) {
        return false;
    }
    numpy = find_packages(lock, named, &words, &pins);
    if (words.len == 0) {
        buf_add_text(&words, "one of the packages");
    }
    if (numpy.len > 0 && !words.failed && !pins.failed) {
        bool old = str_starts(numpy, STR("0.")) || str_starts(numpy, STR("1."));

        corrie_hint(err,
                    "%s was built for another numpy than %.*s, which it got: pin one that fits, "
                    "@corrie.python(pip={'numpy': '%s'%.*s})",
                    buf_text(&words), STR_FMT(numpy), old ? "VERSION" : "<2",
                    STR_FMT(buf_str(&pins)));
    }
    return true;
}
