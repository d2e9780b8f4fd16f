/* answer.c — what came of an import, as JSON. */
#include "ingest/ingest_priv.h"

static json_t *error_json(const corrie_error *error)
{
    json_t *document = json_object();
    int r = 0;

    r |= js_set_str(document, "type", str_of(corrie_code_name(error->code)));
    r |= js_set_str(document, "message", str_of(corrie_error_message(error)));
    if (error->hint) {
        r |= js_set_str(document, "hint", str_of(error->hint));
    }
    if (r != 0) {
        json_decref(document);
        return NULL;
    }
    return document;
}

/* An external table has one file for its user: the metadata. */
static json_t *metadata_json(const struct import *import)
{
    json_t *files = json_array();
    json_t *item = json_object();
    int r;

    r = js_set_str(item, "uri", import->written.table.source);
    r |= js_set_str(item, "status", import->committed ? STR("imported") : STR("skipped"));
    r |= js_set_int(item, "rows", import->rows);
    r |= js_set_int(item, "bytes", import->bytes);
    r |= json_array_append_new(files, item);
    if (r != 0) {
        json_decref(files);
        return NULL;
    }
    return files;
}

json_t *import_files_json(const struct import *import)
{
    json_t *files = import->metadata.len > 0 ? metadata_json(import) : json_array();
    bool has_rows = import->written.selects && import->options->mode != CORRIE_IMPORT_CREATE;
    size_t select = 0;
    int r = 0;

    for (size_t i = 0; i < import->n_files && files; i++) {
        const struct ingest_file *file = &import->files[i];
        const struct written_files *written =
            file->skip || file->failed || !has_rows ? NULL : &import->written.selects[select++];
        bool came = written && !file->beaten;
        json_t *item = json_object();

        r |= js_set_str(item, "uri", file->url.len > 0 ? file->url : STR("-"));
        r |= js_set_str(item, "status",
                        file->failed                 ? STR("failed")
                        : came                       ? STR("imported")
                        : file->skip || file->beaten ? STR("skipped")
                                                     : STR("read"));
        r |= js_set_int(item, "rows", came ? written->rows : 0);
        r |= js_set_int(item, "bytes", file->size);
        if (file->failed) {
            r |= js_set(item, "error", error_json(&file->error));
        }
        if (!file->skip && !file->failed && file->source.format == ENGINE_FORMAT_CSV) {
            json_t *sniffed = json_object();

            r |= js_set_str(sniffed, "delimiter", file->source.delimiter);
            r |= js_set_str(sniffed, "quote", file->source.quote);
            r |= js_set_bool(sniffed, "header", file->source.header);
            r |= js_set(item, "sniffed", sniffed);
        }
        r |= json_array_append_new(files, item);
    }
    if (r != 0) {
        json_decref(files);
        return NULL;
    }
    return files;
}

json_t *import_schema_json(const struct schema *schema)
{
    json_t *columns = json_array();
    int r = 0;

    for (size_t i = 0; i < schema->n_fields && columns; i++) {
        _cleanup_(buf_done) struct buf type = {0};
        json_t *item = json_object();

        type_print(&schema->fields[i].type, &type);
        r |= js_set_str(item, "name", schema->fields[i].name);
        r |= js_set_str(item, "type", buf_str(&type));
        r |= json_array_append_new(columns, item);
    }
    if (r != 0) {
        json_decref(columns);
        return NULL;
    }
    return columns;
}

int import_answer(const struct import *import, char **ret_json, corrie_error *err)
{
    _json_ json_t *document = json_object();
    int r = 0;

    r |= js_set_str(document, "namespace", import->ns);
    r |= js_set_str(document, "table", import->table.table);
    r |= js_set_str(document, "branch", lake_tx_branch(import->tx));
    r |= js_set_hash(document, "commit", import->committed ? &import->commit : NULL);
    r |= js_set_str(document, "job", job_id(import->job));
    r |= js_set_bool(document, "created_table", import->written.created);
    r |= js_set_bool(document, "created_namespace", import->created_namespace);
    r |= js_set_int(document, "rows", import->rows);
    r |= js_set_int(document, "bytes", import->bytes);
    r |= js_set(document, "files", import_files_json(import));
    r |= js_set_int(document, "failed", (int64_t)import->n_failed);
    r |= js_set(document, "schema", import_schema_json(&import->schema));
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}
