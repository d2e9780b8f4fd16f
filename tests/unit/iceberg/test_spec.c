/* Partition evolution: an id that changed its meaning would put rows into the wrong partitions. */
#include "fixture.h"

static struct field fields[] = {
    {.name = {"id", 2}, .type = {.kind = TYPE_LONG}},
    {.name = {"at", 2}, .type = {.kind = TYPE_TIMESTAMPTZ}},
    {.name = {"name", 4}, .type = {.kind = TYPE_STRING}},
    {.name = {"ratio", 5}, .type = {.kind = TYPE_DOUBLE}},
    {.name = {"day", 3}, .type = {.kind = TYPE_DATE}},
};
static const struct schema wide = {.fields = fields, .n_fields = ARRAY_LEN(fields)};

#define TERM(id, transform, name)                                                                  \
    {                                                                                              \
        id, STR(transform), STR(name)                                                              \
    }

static struct table_metadata *with(const struct table_metadata *from,
                                   const struct partition_term *terms, size_t n)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct table_metadata *made = NULL;

    ck_ok(metadata_with_spec(from, terms, n, 2000, &made, &err), &err);
    return made;
}

START_TEST(specs_evolve)
{
    FIXTURE(f);
    const struct partition_term first[] = {TERM(2, "day", "at_day"), TERM(1, "bucket[4]", "b")};
    const struct partition_term second[] = {TERM(2, "hour", "at_hour"), TERM(1, "bucket[4]", "b")};
    const struct partition_term third[] = {TERM(3, "truncate[2]", "t"), TERM(2, "day", "at_day")};
    _metadata_ struct table_metadata *fresh = new_table(&f, &wide);
    _metadata_ struct table_metadata *one = with(fresh, first, 2);
    _metadata_ struct table_metadata *two = with(one, second, 2);
    _metadata_ struct table_metadata *three = with(two, third, 2);
    _metadata_ struct table_metadata *again = with(three, first, 2);
    _metadata_ struct table_metadata *plain = with(again, NULL, 0);
    const struct partition_spec *spec = metadata_spec(three);

    ck_assert_int_eq(one->default_spec_id, 1);
    ck_assert_int_eq(metadata_spec(one)->fields[0].field_id, 1000);
    ck_assert_int_eq(metadata_spec(one)->fields[1].field_id, 1001);
    ck_assert_int_eq(metadata_spec(one)->fields[0].result_type.kind, TYPE_DATE);
    ck_assert_int_eq(metadata_spec(two)->fields[0].field_id, 1002);
    ck_assert_int_eq(metadata_spec(two)->fields[1].field_id, 1001); /* the same field */
    ck_assert_int_eq(spec->spec_id, 3);
    ck_assert_int_eq(spec->fields[0].field_id, 1003);
    ck_assert_int_eq(spec->fields[1].field_id, 1000); /* came back */
    ck_assert_int_eq(three->last_partition_id, 1003);
    ck_assert_int_eq(again->default_spec_id, 1); /* none is listed twice */
    ck_assert_uint_eq(again->n_specs, 4);
    ck_assert_int_eq(plain->default_spec_id, 0);
    ck_assert_int_eq(plain->last_partition_id, 1003);
    ck_assert_int_eq(plain->last_updated_ms, 2000);
    ck_assert_uint_eq(fresh->n_specs, 1);
}
END_TEST

START_TEST(transforms_fit_their_columns)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _metadata_ struct table_metadata *fresh = new_table(&f, &wide);
    static const struct partition_term good[] = {
        TERM(1, "identity", "id"),  TERM(1, "void", "x"),     TERM(2, "year", "x"),
        TERM(2, "hour", "x"),       TERM(5, "month", "x"),    TERM(3, "truncate[10]", "x"),
        TERM(5, "bucket[16]", "x"), TERM(4, "identity", "x"),
    };
    static const struct partition_term bad[] = {
        TERM(9, "identity", "x"),     TERM(1, "day", "x"),
        TERM(5, "hour", "x"),         TERM(4, "bucket[4]", "x"),
        TERM(2, "truncate[4]", "x"),  TERM(1, "bucket[0]", "x"),
        TERM(1, "bucket[-1]", "x"),   TERM(1, "bucket[]", "x"),
        TERM(1, "bucket", "x"),       TERM(1, "bucket[4", "x"),
        TERM(1, "sort", "x"),         TERM(1, "identity", ""),
        TERM(1, "bucket[4]", "name"), TERM(1, "identity", "day"),
        TERM(1, "bucket[4]", "id"),   TERM(1, "bucket[99999999999]", "x"),
    };
    static const struct partition_term twice[] = {TERM(1, "identity", "x"), TERM(2, "day", "x")};
    static const struct partition_term same[] = {TERM(1, "identity", "x"),
                                                 TERM(1, "identity", "y")};
    struct table_metadata *none = NULL;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        metadata_free(with(fresh, &good[i], 1));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_fails(metadata_with_spec(fresh, &bad[i], 1, 0, &none, &err), CORRIE_E_USAGE, &err);
    }
    ck_fails(metadata_with_spec(fresh, twice, 2, 0, &none, &err), CORRIE_E_USAGE, &err);
    ck_fails(metadata_with_spec(fresh, same, 2, 0, &none, &err), CORRIE_E_USAGE, &err);
}
END_TEST

SUITE(spec_suite, "spec", specs_evolve, transforms_fit_their_columns)
