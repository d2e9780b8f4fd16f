/* api_lake.c — the library and the lake itself, in the public interface. */
#include "lake/lake_priv.h"

#include "base/mem.h"

const char *corrie_version(void)
{
    return CORRIE_VERSION;
}

void corrie_free(void *text)
{
    mem_free(text);
}

int corrie_cancel_new(corrie_cancel **ret, corrie_error *err)
{
    corrie_cancel *cancel = mem_alloc(1, sizeof *cancel);

    if (!cancel) {
        return corrie_fail_memory(err);
    }
    *ret = cancel;
    return 0;
}

void corrie_cancel_request(corrie_cancel *cancel)
{
    cancel_request(cancel);
}

corrie_cancel *corrie_cancel_free(corrie_cancel *cancel)
{
    mem_free(cancel);
    return NULL;
}

int corrie_lake_info(corrie_lake *lake, char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *document = json_object();
    struct str head;
    int r;

    r = lake_head(lake, &arena, &head, err);
    if (r < 0) {
        return r;
    }
    r = js_set_uuid(document, "id", &lake->id);
    r |= js_set_str(document, "root", lake->root);
    r |= js_set_int(document, "format", LAKE_FORMAT);
    r |= js_set(document, "features", lake->shared ? json_pack("[s]", "shared") : json_array());
    r |= js_set(document, "shared", lake->shared ? json_string("group") : json_null());
    r |= js_set_str(document, "catalog", STR("sqlite"));
    r |= js_set_str(document, "user", lake->user);
    r |= js_set_str(document, "user_from", lake->user_from);
    r |= js_set_str(document, "ref", head);
    r |= js_set_str(document, "version", STR(CORRIE_VERSION));
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}
