/* totals.c — rows, bytes and files of a snapshot. */
#include "iceberg/scan.h"
#include "iceberg/snapshot.h"

static bool summary_number(const struct snapshot *snapshot, const char *key, int64_t *ret)
{
    struct str text;
    return snapshot_summary(snapshot, key, &text) && str_to_int64(text, ret) && *ret >= 0;
}

static int count_file(void *arg, const struct visited_file *file, corrie_error *err)
{
    struct table_totals *totals = arg;

    (void)err;
    if (file->kind == FILE_DATA) {
        totals->files++;
        totals->records = count_add(totals->records, file->file->record_count);
        totals->bytes = count_add(totals->bytes, file->file->bytes);
    } else if (file->kind == FILE_DELETES) {
        int64_t *rows = file->file->content == FILE_CONTENT_POSITION_DELETES
                            ? &totals->position_deletes
                            : &totals->equality_deletes;
        totals->delete_files++;
        totals->bytes = count_add(totals->bytes, file->file->bytes);
        *rows = count_add(*rows, file->file->record_count);
    }
    return 0;
}

int snapshot_totals(const struct table_io *io, const struct table_metadata *metadata,
                    const struct snapshot *snapshot, struct table_totals *ret, corrie_error *err)
{
    struct table_totals totals = {0};

    if (!snapshot) {
        *ret = totals;
        return 0;
    }
    if (summary_number(snapshot, "total-records", &totals.records) &&
        summary_number(snapshot, "total-files-size", &totals.bytes) &&
        summary_number(snapshot, "total-data-files", &totals.files) &&
        summary_number(snapshot, "total-delete-files", &totals.delete_files) &&
        (totals.delete_files == 0 ||
         (summary_number(snapshot, "total-position-deletes", &totals.position_deletes) &&
          summary_number(snapshot, "total-equality-deletes", &totals.equality_deletes)))) {
        *ret = totals;
        return 0;
    }
    totals = (struct table_totals){0};
    int r = scan_visit(io, metadata, snapshot, count_file, &totals, err);
    if (r < 0) {
        return r;
    }
    *ret = totals;
    return 0;
}
