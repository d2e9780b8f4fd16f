#include "fixture.h"

static struct field people_fields[] = {
    {.name = {"id", 2}, .type = {.kind = TYPE_LONG}, .required = true},
    {.name = {"name", 4}, .type = {.kind = TYPE_STRING}},
    {.name = {"price", 5}, .type = {.kind = TYPE_DOUBLE}},
};
const struct schema people = {.fields = people_fields, .n_fields = 3};

struct fixture fixture_new(void)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct fixture fixture = {.scratch = scratch_new()};
    _free_ char *root = in(fixture.scratch, "lake");

    ck_ok(store_open(str_of(root), &fixture.store, &err), &err);
    ck_ok(location_of_store(fixture.store, &fixture.arena, &fixture.io.root, &err), &err);
    fixture.io.store = fixture.store;
    return fixture;
}

void fixture_done(struct fixture *fixture)
{
    arena_done(&fixture->arena);
    store_close(fixture->store);
    scratch_removep(&fixture->scratch);
}

struct table_metadata *new_table(struct fixture *fixture, const struct schema *schema)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct uuid id = uuid_random();
    struct table_metadata *metadata = NULL;
    struct str location;

    ck_ok(location_of_table(&fixture->io, STR("shop"), STR("people"), &id, &fixture->arena,
                            &location, &err),
          &err);
    ck_ok(metadata_new(&id, location, schema, NULL, 0, 1000, &metadata, &err), &err);
    return metadata;
}

static struct str long_scalar(struct fixture *fixture, int64_t value)
{
    char *bytes = arena_alloc(&fixture->arena, 1, 8);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, &value, 8);
    return (struct str){bytes, 8};
}

struct data_file file_of(struct fixture *fixture, const char *name, int64_t records, int64_t low,
                         int64_t high)
{
    struct column_metrics *columns = arena_array(&fixture->arena, struct column_metrics, 3);
    static const int64_t offsets[] = {4};
    char *path =
        arena_printf(&fixture->arena, "%.*s/data/shop/%s", STR_FMT(fixture->io.root), name);

    ck_assert(columns && path);
    columns[0] = (struct column_metrics){
        1, 80, records, 0, FILE_UNKNOWN, long_scalar(fixture, low), long_scalar(fixture, high)};
    columns[1] = (struct column_metrics){2, 50, records, 1, FILE_UNKNOWN, STR("ann"), STR("zoe")};
    columns[2] = (struct column_metrics){3, 30, records, records, 0, {NULL, 0}, {NULL, 0}};
    return (struct data_file){.path = str_of(path),
                              .format = STR("PARQUET"),
                              .record_count = records,
                              .bytes = records * 100,
                              .columns = columns,
                              .n_columns = 3,
                              .split_offsets = offsets,
                              .n_split_offsets = 1};
}

struct str base_location(const struct table_version *version)
{
    return version ? str_of(version->location) : STR_EMPTY;
}

struct table_version append_one(struct fixture *fixture, const struct table_version *base,
                                const char *name)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _metadata_ struct table_metadata *fresh = base ? NULL : new_table(fixture, &people);
    struct data_file file = file_of(fixture, name, 10, 1, 10);
    struct table_version version = {0};

    ck_ok(snapshot_append(&fixture->io, base ? base->metadata : fresh, base_location(base), NULL,
                          &file, 1, NULL, &version, &err),
          &err);
    return version;
}

const char *scanned(struct fixture *fixture, const struct table_metadata *metadata)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf names = {0};
    struct scan scan;

    ck_ok(scan_plan(&fixture->io, metadata, NULL, NULL, 0, &fixture->arena, &scan, &err), &err);
    for (size_t i = 0; i < scan.n_files; i++) {
        struct str path = scan.files[i].path;
        buf_add_text(&names, i ? " " : "");
        buf_add_str(&names, str_from(path, (size_t)(str_rfind(path, '/') + 1)));
    }
    return arena_text(&fixture->arena, buf_str(&names));
}
