/* Which files gc takes for ours: it removes no other. */
#include "maint/files.h"

#include "tests/unit/check.h"

#define TABLE "data/public/t-c0243efc68384562b74baaa09277d8c7"
#define ID "546994f6-2fcb-4059-a6f0-638d5f53c377"

START_TEST(only_our_names_are_ours)
{
    static const struct {
        const char *key;
        bool ours;
    } cases[] = {
        {TABLE "/data/00000-" ID ".parquet", true},
        {TABLE "/data/123456-" ID ".parquet", true},
        {TABLE "/metadata/00000-" ID ".metadata.json", true},
        {TABLE "/metadata/" ID "-m0.avro", true},
        {TABLE "/metadata/" ID "-m12.avro", true},
        {TABLE "/metadata/snap-2029822102737136-0-" ID ".avro", true},
        {"data/a%2Fb/x%20-c0243efc68384562b74baaa09277d8c7/data/00000-" ID ".parquet", true},
        /* other engines' and people's */
        {TABLE "/data/00000-0-" ID ".parquet", false},
        {TABLE "/data/00000-1-" ID "-00001.parquet", false},
        {TABLE "/data/" ID ".parquet", false},
        {TABLE "/data/00000-" ID ".parquet.bak", false},
        {TABLE "/data/00000-" ID ".orc", false},
        {TABLE "/data/day=1/00000-" ID ".parquet", false},
        {TABLE "/data/mine.parquet", false},
        {TABLE "/metadata/version-hint.text", false},
        {TABLE "/metadata/v1.metadata.json", false},
        {TABLE "/metadata/snap--1-0-" ID ".avro", false},
        {TABLE "/metadata/" ID "-m.avro", false},
        {TABLE "/metadata/00000-" ID ".parquet", false},
        {TABLE "/data/00000-" ID ".metadata.json", false},
        {TABLE "/other/00000-" ID ".parquet", false},
        {TABLE "/00000-" ID ".parquet", false},
        {"data/public/t/data/00000-" ID ".parquet", false},
        {"data/public/t-C0243EFC68384562B74BAAA09277D8C7/data/00000-" ID ".parquet", false},
        {"data/t-c0243efc68384562b74baaa09277d8c7/data/00000-" ID ".parquet", false},
        {"data/a/b/t-c0243efc68384562b74baaa09277d8c7/data/00000-" ID ".parquet", false},
        {"jobs/public/t-c0243efc68384562b74baaa09277d8c7/data/00000-" ID ".parquet", false},
        {"data", false},
        {"", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str table = STR_EMPTY;

        ck_assert_msg(file_is_ours(str_of(cases[i].key), &table) == cases[i].ours, "%s",
                      cases[i].key);
        ck_assert(!cases[i].ours || str_ends(table, STR("c0243efc68384562b74baaa09277d8c7")));
    }
}
END_TEST

SUITE(files_suite, "files", only_our_names_are_ours)
