/* Pruning by partition: what is left out wrongly is rows missing from an answer, what is never left out makes each lookup
 * read the table. */
#include "arrow/scalar.h"
#include "fixture.h"

static struct field fields[] = {
    {.name = {"id", 2}, .type = {.kind = TYPE_INT}},
    {.name = {"at", 2}, .type = {.kind = TYPE_TIMESTAMP}},
    {.name = {"name", 4}, .type = {.kind = TYPE_STRING}},
    {.name = {"ratio", 5}, .type = {.kind = TYPE_DOUBLE}},
};
static const struct schema wide = {.fields = fields, .n_fields = ARRAY_LEN(fields)};

/* Rows; a file holds one. NULL: null. */
static const char *const rows[][4] = {
    {"1", "2024-01-01 00:00:00", "apple", "0.5"},
    {"2", "2024-01-01 23:59:59.999999", "apricot", "-0.0"},
    {"17", "2024-01-02 00:00:00", "banana", "nan"},
    {"-5", "1969-12-31 10:00:00", "", "1e300"},
    {NULL, NULL, NULL, NULL},
    {"-2147483648", "2024-12-31 12:00:00", "\xc3\xa4pfel", "-inf"},
    {"2147483647", "1968-02-29 00:00:00", "banana split", "0"},
};

static struct str scalar(struct fixture *f, size_t column, const char *text)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct str bytes = {NULL, 0};

    if (text) {
        ck_ok(scalar_from_text(&fields[column].type, str_of(text), &f->arena, &bytes, &err), &err);
    }
    return bytes;
}

/* A file of one row, of which manifests know the partition alone. */
static struct data_file row_file(struct fixture *f, const struct table_metadata *table, size_t row)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    const struct partition_spec *spec = metadata_spec(table);
    struct data_file file =
        file_of(f, arena_printf(&f->arena, "%d-%zu", spec->spec_id, row), 1, 0, 0);

    file.n_columns = 0;
    file.spec_id = spec->spec_id;
    file.n_partition = spec->n_fields;
    file.partition = arena_array(&f->arena, struct partition_value, spec->n_fields + 1);
    ck_assert_ptr_nonnull(file.partition);
    for (size_t i = 0; i < spec->n_fields; i++) {
        struct transform transform;
        size_t column = (size_t)spec->fields[i].source_id - 1;
        ck_assert(transform_parse(spec->fields[i].transform, &transform));
        ck_ok(transform_apply(&transform, &fields[column].type,
                              scalar(f, column, rows[row][column]), &f->arena,
                              &file.partition[i].bytes, &err),
              &err);
    }
    return file;
}

/* All rows, partitioned by `terms`, after those of `from`: in one manifest, or one each. */
static struct table_version add_rows(struct fixture *f, const struct table_version *from,
                                     const struct partition_term *terms, size_t n_terms,
                                     bool one_manifest)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _metadata_ struct table_metadata *fresh = from ? NULL : new_table(f, &wide);
    _metadata_ struct table_metadata *table = NULL;
    struct data_file files[ARRAY_LEN(rows)];
    struct table_version version = {0};

    ck_ok(metadata_with_spec(from ? from->metadata : fresh, terms, n_terms, 0, &table, &err), &err);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        files[i] = row_file(f, table, i);
    }
    if (one_manifest) {
        ck_ok(snapshot_append(&f->io, table, base_location(from), NULL, files, ARRAY_LEN(files),
                              NULL, &version, &err),
              &err);
        return version;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct table_version next = {0};
        ck_ok(snapshot_append(&f->io, i ? version.metadata : table,
                              i ? str_of(version.location) : base_location(from), NULL, &files[i],
                              1, NULL, &next, &err),
              &err);
        table_version_done(&version);
        version = next;
    }
    return version;
}

static bool satisfies(struct fixture *f, size_t row, const struct predicate *predicate)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    size_t column = (size_t)predicate->field_id - 1;
    struct str value = scalar(f, column, rows[row][column]);
    int order = 0;

    if (!value.data || predicate->op >= PREDICATE_IS_NULL) {
        return (predicate->op == PREDICATE_IS_NULL) == !value.data &&
               predicate->op >= PREDICATE_IS_NULL;
    }
    ck_ok(scalar_compare(&fields[column].type, value, predicate->value, &order, &err), &err);
    return predicate->op == PREDICATE_EQ   ? order == 0
           : predicate->op == PREDICATE_NE ? order != 0
           : predicate->op == PREDICATE_LT ? order < 0
           : predicate->op == PREDICATE_LE ? order <= 0
           : predicate->op == PREDICATE_GT ? order > 0
                                           : order >= 0;
}

static bool has_file(const struct scan *scan, const char *name)
{
    for (size_t i = 0; i < scan->n_files; i++) {
        if (str_ends(scan->files[i].path, str_of(name))) {
            return true;
        }
    }
    return false;
}

/* Every row that satisfies a predicate is in a file that is left, whatever the predicate. */
static void ck_complete(struct fixture *f, const struct table_version *version, size_t n_specs)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct scan scan;

    for (size_t value = 0; value < ARRAY_LEN(rows); value++) {
        for (size_t column = 0; column < 4; column++) {
            for (enum predicate_op op = PREDICATE_EQ; op <= PREDICATE_NOT_NULL; op++) {
                struct predicate p = {(int)column + 1, op, scalar(f, column, rows[value][column])};
                if (!p.value.data && op < PREDICATE_IS_NULL) {
                    continue;
                }
                ck_ok(scan_plan(&f->io, version->metadata, NULL, &p, 1, &f->arena, &scan, &err),
                      &err);
                ck_assert_uint_eq(scan.n_files + scan.n_pruned, n_specs * ARRAY_LEN(rows));
                for (size_t row = 0; row < ARRAY_LEN(rows); row++) {
                    for (size_t s = 0; s < n_specs && satisfies(f, row, &p); s++) {
                        const char *name = arena_printf(&f->arena, "/%zu-%zu", s + 1, row);
                        ck_assert_msg(has_file(&scan, name),
                                      "row %zu of spec %zu is lost: op %d "
                                      "of column %zu with row %zu",
                                      row, s + 1, op, column, value);
                    }
                }
            }
        }
    }
}

#define N_SPECS 6
static const struct partition_term specs[N_SPECS][3] = {
    {{1, {"identity", 8}, {"a", 1}}, {2, {"day", 3}, {"b", 1}}, {4, {"identity", 8}, {"c", 1}}},
    {{1, {"bucket[4]", 9}, {"d", 1}},
     {3, {"truncate[2]", 11}, {"e", 1}},
     {2, {"year", 4}, {"f", 1}}},
    {{1, {"truncate[10]", 12}, {"g", 1}},
     {2, {"hour", 4}, {"h", 1}},
     {3, {"bucket[3]", 9}, {"i", 1}}},
    {{1, {"void", 4}, {"j", 1}}, {2, {"month", 5}, {"k", 1}}, {3, {"identity", 8}, {"l", 1}}},
    {{2, {"identity", 8}, {"m", 1}},
     {2, {"bucket[5]", 9}, {"n", 1}},
     {1, {"truncate[3]", 11}, {"o", 1}}},
    {{3, {"truncate[1]", 11}, {"p", 1}},
     {4, {"void", 4}, {"q", 1}},
     {1, {"identity", 8}, {"a", 1}}},
};

START_TEST(no_row_is_lost)
{
    for (int one_manifest = 0; one_manifest < 2; one_manifest++) {
        FIXTURE(f);
        struct table_version version = {0};
        for (size_t s = 0; s < N_SPECS; s++) {
            struct table_version next =
                add_rows(&f, s ? &version : NULL, specs[s], 3, one_manifest);
            table_version_done(&version);
            version = next;
        }
        ck_complete(&f, &version, N_SPECS);
        table_version_done(&version);
    }
}
END_TEST

struct expected {
    struct predicate predicate;
    size_t column; /* of `text` */
    const char *text;
    size_t files;
    size_t manifests_pruned;
};

static void ck_pruned(const struct partition_term *term, bool one_manifest,
                      const struct expected *cases, size_t n)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _version_ struct table_version version = add_rows(&f, NULL, term, 1, one_manifest);

    for (size_t i = 0; i < n; i++) {
        struct predicate p = cases[i].predicate;
        struct scan scan;
        p.value = scalar(&f, (size_t)p.field_id - 1, cases[i].text);
        ck_ok(scan_plan(&f.io, version.metadata, NULL, &p, 1, &f.arena, &scan, &err), &err);
        ck_assert_msg(scan.n_files == cases[i].files &&
                          scan.counts.manifests_pruned == cases[i].manifests_pruned,
                      "case %zu: %zu files, %zu manifests pruned", i, scan.n_files,
                      scan.counts.manifests_pruned);
        ck_assert_uint_eq(scan.counts.manifests, one_manifest ? 1 : ARRAY_LEN(rows));
        ck_assert_uint_eq(scan.counts.files + scan.counts.files_in_pruned, ARRAY_LEN(rows));
        ck_assert_uint_eq(scan.counts.files_pruned_bounds, 0);
    }
}

START_TEST(lookups_read_what_they_need)
{
    static const struct partition_term day = {2, {"day", 3}, {"d", 1}};
    static const struct partition_term id = {1, {"identity", 8}, {"i", 1}};
    static const struct partition_term text = {3, {"truncate[2]", 11}, {"t", 1}};
    static const struct partition_term bucket = {1, {"bucket[1000]", 12}, {"b", 1}};
    static const struct expected days[] = {
        {{2, PREDICATE_EQ}, 1, "2024-01-01 12:00:00", 2, 5},
        {{2, PREDICATE_LT}, 1, "2024-01-01 00:00:00", 2, 5},
        {{2, PREDICATE_GE}, 1, "2024-01-02 00:00:00", 2, 5},
        {{2, PREDICATE_IS_NULL}, 1, NULL, 1, 6},
        {{2, PREDICATE_NOT_NULL}, 1, NULL, 6, 1},
        {{1, PREDICATE_EQ}, 0, "7", 7, 0},
    };
    static const struct expected ids[] = {
        {{1, PREDICATE_EQ}, 0, "17", 1, 6},
        {{1, PREDICATE_NE}, 0, "17", 5, 2},
        {{1, PREDICATE_GT}, 0, "2147483646", 1, 6},
        {{1, PREDICATE_EQ}, 0, "3", 0, 7},
    };
    static const struct expected texts[] = {{{3, PREDICATE_EQ}, 2, "banana split", 2, 5},
                                            {{3, PREDICATE_LT}, 2, "ap", 1, 6}};
    static const struct expected buckets[] = {{{1, PREDICATE_EQ}, 0, "17", 1, 6}};
    static const struct expected whole[] = {{{2, PREDICATE_EQ}, 1, "2025-01-01 12:00:00", 0, 1},
                                            {{2, PREDICATE_EQ}, 1, "2024-01-01 12:00:00", 2, 0}};

    ck_pruned(&day, false, days, ARRAY_LEN(days));
    ck_pruned(&id, false, ids, ARRAY_LEN(ids));
    ck_pruned(&text, false, texts, ARRAY_LEN(texts));
    ck_pruned(&bucket, false, buckets, ARRAY_LEN(buckets));
    ck_pruned(&day, true, whole, ARRAY_LEN(whole));
}
END_TEST

SUITE(prune_suite, "prune", no_row_is_lost, lookups_read_what_they_need)
