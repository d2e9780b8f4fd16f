#include "worker/mask.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"

void mask_done(struct mask *mask)
{
    mem_free(mask->secrets);
    *mask = (struct mask){0};
}

static size_t count_lines(struct str text)
{
    size_t n = 1;

    for (size_t i = 0; i < text.len; i++) {
        n += text.data[i] == '\n';
    }
    return n;
}

static int longest_first(const void *a, const void *b)
{
    const struct str *x = a, *y = b;

    return x->len < y->len ? 1 : x->len > y->len ? -1 : 0;
}

int mask_init(struct mask *mask, const struct worker_spec *spec, corrie_error *err)
{
    size_t most = 0;

    *mask = (struct mask){0};
    for (size_t i = 0; i < spec->n_parameters; i++) {
        if (spec->parameters[i].secret && json_is_string(spec->parameters[i].value)) {
            most += count_lines(js_str(spec->parameters[i].value));
        }
    }
    if (most == 0) {
        return 0;
    }
    mask->secrets = mem_alloc(most, sizeof *mask->secrets);
    if (!mask->secrets) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < spec->n_parameters; i++) {
        struct str rest = js_str(spec->parameters[i].value), line;
        bool more = spec->parameters[i].secret && json_is_string(spec->parameters[i].value);

        while (more) {
            more = str_cut(rest, '\n', &line, &rest);
            line = str_trim(line);
            if (line.len >= MASK_MIN) {
                mask->secrets[mask->n++] = line;
                mask->longest = line.len > mask->longest ? line.len : mask->longest;
            }
        }
    }
    if (mask->n > 0) {
        qsort(mask->secrets, mask->n, sizeof *mask->secrets, longest_first);
    }
    return 0;
}

/* The secret that begins at `at`, or NULL. */
static const struct str *secret_at(const struct mask *mask, struct str text, size_t at)
{
    for (size_t i = 0; i < mask->n; i++) {
        if (str_starts(str_from(text, at), mask->secrets[i])) {
            return &mask->secrets[i];
        }
    }
    return NULL;
}

void mask_add(const struct mask *mask, struct buf *out, struct str text)
{
    size_t from = 0, at = 0;

    while (mask->n > 0 && at < text.len) {
        const struct str *secret = secret_at(mask, text, at);

        if (secret) {
            buf_add(out, text.data + from, at - from);
            buf_add_text(out, "***");
            from = at + secret->len;
        }
        at = secret ? from : at + 1;
    }
    buf_add_str(out, str_from(text, from));
}

bool mask_finds(const struct mask *mask, struct str text)
{
    for (size_t i = 0; i < mask->n; i++) {
        if (str_find_str(text, mask->secrets[i]) >= 0) {
            return true;
        }
    }
    return false;
}

void mask_replace(const struct mask *mask, char **text)
{
    _cleanup_(buf_done) struct buf clean = {0};

    if (!*text || !mask_finds(mask, str_of(*text))) {
        return;
    }
    mask_add(mask, &clean, str_of(*text));
    mem_free(*text);
    *text = buf_take(&clean);
}

void mask_error(const struct mask *mask, corrie_error *err)
{
    mask_replace(mask, &err->message);
    mask_replace(mask, &err->detail);
    mask_replace(mask, &err->hint);
    mask_replace(mask, &err->position.text);
}
