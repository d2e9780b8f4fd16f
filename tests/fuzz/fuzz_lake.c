/* lake.json: what is read is written again as something that reads the same. */
#include <stdlib.h>

#include "lake/lake_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct lake_config *config)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct lake_config again;

    if (lake_config_format(config, &text, &err) < 0 ||
        lake_config_parse(buf_str(&text), &arena, &again, &err) < 0 ||
        again.format != config->format || !uuid_eq(&again.id, &config->id) ||
        again.shared != config->shared || !str_eq(again.catalog, config->catalog) ||
        again.n_roots > config->n_roots) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_config config;
    int r = lake_config_parse(str_make((const char *)data, size), &arena, &config, &err);

    if (r >= 0) {
        check_same(&config);
    } else if (r != CORRIE_E_CORRUPT && r != CORRIE_E_REFUSED && r != CORRIE_E_LIMIT) {
        abort();
    }
    return 0;
}
