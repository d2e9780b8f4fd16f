/* external.c — corrie_table_external: tables of files, or of whole tables, that others keep. */
#include <string.h>

#include "base/mem.h"
#include "ingest/ingest_priv.h"
#include "lake/external.h"
#include "os/path.h"

/* The path that a word means: of this machine, absolute. */
static int local_path(const char *uri, char **ret, corrie_error *err)
{
    struct str text = str_of(uri);

    if (str_starts(text, STR("file://"))) {
        text = str_from(text, 7);
    } else if (str_starts(text, STR("file:/"))) { /* as Hadoop writes it */
        text = str_from(text, 5);
    } else if (str_find_str(text, STR("://")) > 0) {
        corrie_fail(err, CORRIE_E_UNSUPPORTED,
                    "this version reads tables of this machine only, not %s", uri);
        return corrie_hint(err, "copy the table's folder, data/ and metadata/, and name the copy: "
                                "it is read from there");
    }
    if (text.len == 0) {
        return corrie_fail(err, CORRIE_E_USAGE, "an empty name of a metadata file");
    }
    return os_path_absolute(text, ret, err);
}

int import_external(struct import *import, corrie_error *err)
{
    _free_ char *path = NULL;
    int r = local_path(import->options->uris[0], &path, err);

    if (r < 0) {
        return r;
    }
    return lake_tx_external(import->tx,
                            &(struct lake_external){.ns = import->ns,
                                                    .name = import->table.table,
                                                    .path = str_of(path),
                                                    .replace = !import_adds(import)},
                            &import->arena, &import->written, &import->schema, err);
}

int corrie_table_external(corrie_lake *lake, const corrie_external_options *options,
                          char **ret_json, corrie_error *err)
{
    corrie_external_options given = {.size = sizeof given};
    corrie_import_options files = {.size = sizeof files, .in_place = true, .format = "parquet"};
    _cleanup_(import_done) struct import import = {
        .lake = lake, .options = &files, .external = true};
    int r;

    memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    if (!given.table) {
        return corrie_fail(err, CORRIE_E_USAGE, "no table was named");
    }
    files.table = given.table;
    files.default_namespace = given.default_namespace;
    files.branch = given.branch;
    files.uris = given.uris;
    files.n_uris = given.n_uris;
    files.mode = given.overwrite ? CORRIE_IMPORT_REPLACE : CORRIE_IMPORT_APPEND;
    if (given.metadata_uri) {
        import.metadata = str_of(given.metadata_uri);
        files.uris = &given.metadata_uri;
        files.n_uris = 1;
    }
    js_setup();
    r = import_once(&import, ret_json, err);
    return r < 0 ? corrie_wrap(err, "make the external table %s", given.table) : 0;
}
