/* head.c — the checked-out branch, and what ref expressions name. */
#include "lake/lake_priv.h"

#include <string.h>

#include "base/mem.h"
#include "lang/refexpr.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"
#include "os/user.h"

/* "<state place>/<lake id>/HEAD", heap. */
static int head_path(const struct lake *lake, char **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf path = {0};
    _free_ char *place = NULL;
    char id[UUID_TEXT + 1];
    int r;

    r = os_place(OS_STATE, &place, err);
    if (r < 0) {
        return r;
    }
    uuid_format(&lake->id, id);
    buf_addf(&path, "%s/%s/HEAD", place, id);
    *ret = buf_take(&path);
    return *ret ? 0 : corrie_fail_memory(err);
}

int lake_head_kept(struct lake *lake, struct arena *arena, struct str *ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    _free_ char *path = NULL;
    struct str name = STR(LAKE_MAIN);
    int r;

    r = head_path(lake, &path, err);
    if (r < 0) {
        return r;
    }
    r = os_file_read(path, CORRIE_MAX_REF_NAME + 2, &text, err);
    if (r < 0 && r != CORRIE_E_NOT_FOUND) {
        return corrie_wrap(err, "find the checked-out branch");
    }
    corrie_error_clear(err);
    if (str_trim(buf_str(&text)).len > 0) {
        name = str_trim(buf_str(&text));
    }
    return arena_str(arena, name, ret) < 0 ? corrie_fail_memory(err) : 0;
}

int lake_head(struct lake *lake, struct arena *arena, struct str *ret, corrie_error *err)
{
    const char *variable = os_env("CORRIE_REF");

    if (!variable) {
        return lake_head_kept(lake, arena, ret, err);
    }
    return arena_str(arena, str_of(variable), ret) < 0 ? corrie_fail_memory(err) : 0;
}

int lake_name_head(struct lake *lake, struct arena *arena, struct str *ref, corrie_error *err)
{
    return lake_means_head(*ref) ? lake_head(lake, arena, ref, err) : 0;
}

/* Says what to do where it is not what somebody wrote that is missing, but what is checked out. */
static int hint_head(struct str head, corrie_error *err)
{
    return err->code != CORRIE_E_NOT_FOUND
               ? (int)err->code
               : corrie_hint(err,
                             "%.*s is %s; corrie checkout BRANCH chooses another, "
                             "corrie branch restore %.*s brings back one that was removed",
                             STR_FMT(head),
                             os_env("CORRIE_REF") ? "what CORRIE_REF names" : "what is checked out",
                             STR_FMT(head));
}

/* Whether the text is the word for what is checked out, alone or with what may stand behind a name. No ref is called so
 * (api_check_new_name). */
static bool is_head(struct str text)
{
    return str_starts(text, STR("HEAD")) && (text.len == 4 || strchr("~^@*", text.data[4]));
}

int lake_resolve(struct lake *lake, struct str ref, struct hash *ret, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    bool whole = lake_means_head(ref);
    struct str head;
    char *text;
    int r;

    if (!whole && !is_head(ref)) {
        return history_resolve_text(lake->catalog, ref, ret, NULL, err);
    }
    r = lake_head(lake, &arena, &head, err);
    if (r < 0) {
        return r;
    }
    text = arena_printf(&arena, "%.*s%.*s", STR_FMT(head), STR_FMT(str_from(ref, strlen("HEAD"))));
    if (!text) {
        return corrie_fail_memory(err);
    }
    r = history_resolve_text(lake->catalog, str_of(text), ret, NULL, err);
    return r < 0 && whole ? hint_head(head, err) : r;
}

/* What is no branch's name may name a state: "main~2", "@1f3c". */
static int fail_state(struct str name, corrie_error *err)
{
    bool state = false;

    for (size_t i = 0; i < name.len; i++) {
        state |= memchr("~^@*", name.data[i], 4) != NULL;
    }
    if (!state) {
        return corrie_hint(err, "changes go to a branch: name one");
    }
    corrie_fail(err, CORRIE_E_USAGE, "%.*s is a state, and changes go to a branch", STR_FMT(name));
    return corrie_hint(err, "corrie branch create NAME --from-ref %.*s", STR_FMT(name));
}

int lake_branch(struct lake *lake, struct str name, struct arena *arena, struct str *ret,
                corrie_error *err)
{
    bool head = lake_means_head(name);
    struct catalog_ref found;
    int r;

    r = lake_name_head(lake, arena, &name, err);
    if (r < 0) {
        return r;
    }
    r = ref_name_check(name, err);
    if (r < 0) {
        return fail_state(name, err);
    }
    r = catalog_ref_get(lake->catalog, name, &found, err);
    if (r < 0) {
        return head ? hint_head(name, err) : r;
    }
    if (found.kind != CATALOG_BRANCH) {
        corrie_fail(err, CORRIE_E_USAGE, "%.*s is %s, and changes go to a branch", STR_FMT(name),
                    found.kind == CATALOG_TAG ? "a tag" : "what a job left or works on");
        return corrie_hint(err, "corrie branch create NAME --from-ref %.*s", STR_FMT(name));
    }
    return arena_str(arena, name, ret) < 0 ? corrie_fail_memory(err) : 0;
}

int corrie_checked_out(corrie_lake *lake, char **ret_name, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct str name;
    int r;

    r = lake_head(lake, &arena, &name, err);
    if (r < 0) {
        return r;
    }
    *ret_name = str_dup(name);
    return *ret_name ? 0 : corrie_fail_memory(err);
}

int lake_head_keep(struct lake *lake, struct str name, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _free_ char *path = NULL;
    char *directory;
    char *line;
    int r;

    r = head_path(lake, &path, err);
    if (r < 0) {
        return r;
    }
    directory = arena_text(&arena, os_path_parent(str_of(path)));
    line = arena_printf(&arena, "%.*s\n", STR_FMT(name));
    if (!directory || !line) {
        return corrie_fail_memory(err);
    }
    r = os_dir_make(directory, 0700, err);
    if (r >= 0) {
        r = os_file_replace(path, str_of(line), 0600, err);
    }
    return r < 0 ? corrie_wrap(err, "check out %.*s", STR_FMT(name)) : 0;
}

/* What is no branch but may be where one starts. */
static int hint_start(struct str text, corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf word = {0};
    struct ref_expr expr;

    if (err->code == CORRIE_E_USAGE && ref_expr_parse(text, &expr, &ignored) >= 0) {
        buf_add_shell_word(&word, text);
        corrie_hint(err, "corrie checkout -b NAME --from-ref %s makes a branch that starts there",
                    buf_text(&word));
    }
    return err->code;
}

int corrie_checkout(corrie_lake *lake, const char *branch, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct str name;
    int r = lake_branch(lake, str_of(branch), &arena, &name, err);

    if (r < 0) {
        hint_start(str_of(branch), err);
        return corrie_wrap(err, "check out %s", branch);
    }
    return lake_head_keep(lake, name, err);
}
