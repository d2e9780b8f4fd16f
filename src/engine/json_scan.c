/* json_scan.c — the shape of JSON records: a tree of the keys seen, and the kinds of values each had.
 *
 * Invariant: a record that is left out has no key and no kind of value that a record before it did not have at the same
 * place. Lists have one child, whatever the place in them.
 *
 * DuckDB tries which times texts are in batches of 2 048 records: dates and timestamps in one batch are text to it, in
 * two they are timestamps. So where texts that may be times have several forms it reads all. */
#include "engine/json_scan.h"

#include <pthread.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/vec.h"
#include "engine/classify.h"
#include "engine/unpack.h"
#include "os/file.h"

enum { MAX_DEPTH = 100 };
/* A thread is worth its while for so many bytes, of which it reads a block at once. */
#define MIN_RANGE ((uint64_t)4 << 20)
#define BLOCK ((size_t)64 << 10)
#define MAX_THREADS 16
/* DuckDB makes a map of an object of so many keys if their values are alike, or of one whose keys come in less than a
 * tenth of its records (map_inference_threshold, field_appearance_threshold): here it is asked a little earlier. */
#define MAP_KEYS 200
#define RARE_KEYS 0.11

/* Kinds of values: DuckDB treats all of one kind alike. */
enum kind {
    KIND_NULL = 1 << 0,
    KIND_BOOLEAN = 1 << 1,
    KIND_NATURAL = 1 << 2, /* up to 18 digits */
    KIND_NEGATIVE = 1 << 3,
    KIND_ZERO = 1 << 4, /* -0 */
    KIND_LONG = 1 << 5, /* 19 digits that fit 64 bits */
    KIND_NEGATIVE_LONG = 1 << 6,
    KIND_UNSIGNED = 1 << 7, /* … that fit them without a sign */
    KIND_HUGE = 1 << 8,
    KIND_NEGATIVE_HUGE = 1 << 9,
    KIND_REAL = 1 << 10,
    KIND_TEXT = 1 << 11,  /* that is no time, whoever reads it */
    KIND_TIME = 1 << 12,  /* of ISO-8601, or a UUID */
    KIND_MIXED = 1 << 13, /* one of another form than the first */
    KIND_DOUBT = 1 << 14, /* DuckDB may take it for one or not */
    KIND_OBJECT = 1 << 15,
    KIND_EMPTY_OBJECT = 1 << 16,
    KIND_LIST = 1 << 17,
    KIND_EMPTY_LIST = 1 << 18
};

struct node {
    struct str key;
    uint32_t kinds;
    uint32_t column; /* node of the column that it is in */
    uint32_t child;  /* the first; 0 = none */
    uint32_t next;   /* of the same parent; 0 = none */
    uint32_t n_children;
    int64_t n_values; /* that are not null */
    int64_t n_keys;   /* in all of its objects */
    uint64_t form;    /* of the first time */
};

struct scan {
    const char *at;
    const char *end;        /* of the record */
    VEC(struct node) nodes; /* the first is the record */
    struct arena *arena;
    struct json_sample *sample;
    struct buf begun; /* a line whose end was not read yet */
    bool new_;        /* the record has something new */
    bool enough;      /* so far */
    bool no_memory;
};

static void scan_done(struct scan *scan)
{
    vec_done(&scan->nodes);
    buf_done(&scan->begun);
}

/* ---- nodes ---- */

static bool add_node(struct scan *scan, struct str key, uint32_t column, uint32_t *ret)
{
    struct node node = {.column = column};

    if (scan->nodes.count >= CORRIE_MAX_JSON_KEYS) {
        return false;
    }
    if (arena_str(scan->arena, key, &node.key) < 0 || vec_push(&scan->nodes, node) < 0) {
        scan->no_memory = true;
        return false;
    }
    *ret = (uint32_t)scan->nodes.count - 1;
    return true;
}

static void note(struct scan *scan, uint32_t at, enum kind kind)
{
    struct node *node = &scan->nodes.items[at];

    scan->new_ |= !(node->kinds & kind);
    node->kinds |= kind;
    node->n_values += kind != KIND_NULL;
}

/* The child of `parent` for `key`, made if it is new. `guess` is where to look first: keys come in one order mostly. */
static bool find_child(struct scan *scan, uint32_t parent, struct str key, uint32_t *guess,
                       uint32_t *ret)
{
    const struct node *nodes = scan->nodes.items;
    uint32_t made;
    uint32_t last = 0;

    if (*guess > 0 && str_eq(nodes[*guess].key, key)) {
        *ret = *guess;
        *guess = nodes[*ret].next;
        return true;
    }
    for (uint32_t i = nodes[parent].child; i > 0; i = nodes[i].next) {
        if (str_eq(nodes[i].key, key)) {
            *ret = i;
            *guess = nodes[i].next;
            return true;
        }
        last = i;
    }
    /* of so many DuckDB may make a map; and each is looked for among all */
    if (nodes[parent].n_children + 1 >= MAP_KEYS ||
        !add_node(scan, key, nodes[parent].column, &made)) {
        return false;
    }
    if (parent == 0) {
        scan->nodes.items[made].column = made;
    }
    if (last > 0) {
        scan->nodes.items[last].next = made;
    } else {
        scan->nodes.items[parent].child = made;
    }
    scan->nodes.items[parent].n_children++;
    scan->new_ = true;
    *ret = made;
    *guess = 0;
    return true;
}

/* ---- texts ---- */

static bool is_uuid(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text.data[i] != '-' : !strchr("0123456789abcdefABCDEF", text.data[i])) {
            return false;
        }
    }
    return text.len == 36;
}

/* No date, time or UUID in any of the forms that DuckDB tries: those begin with a digit, or are words for infinity and
 * the epoch, and have something between their numbers; a UUID has 32 digits. */
static bool is_no_time(struct str text)
{
    char c = text.data[0];

    if (text.len >= 32) {
        return false;
    }
    if ((c < '0' || c > '9') && !strchr(" +-({iIeE", c)) {
        return true;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (strchr("-/\\: ", text.data[i]) || (i == 0 && strchr("iIeE", c))) {
            return false;
        }
    }
    return true;
}

/* Digits are alike, all else is itself. */
static uint64_t form_of(struct str text)
{
    char form[64];
    size_t len = text.len < sizeof form ? text.len : sizeof form;

    for (size_t i = 0; i < len; i++) {
        form[i] = text.data[i] >= '0' && text.data[i] <= '9' ? '0' : text.data[i];
    }
    return hash_xx64(str_make(form, len), 0);
}

static void note_time(struct scan *scan, uint32_t at, uint64_t form)
{
    struct node *node = &scan->nodes.items[at];

    if (!(node->kinds & KIND_TIME)) {
        node->form = form;
    }
    note(scan, at, node->form == form ? KIND_TIME : KIND_MIXED);
}

static void note_text(struct scan *scan, uint32_t at, struct str text, bool escaped)
{
    const unsigned times = TEXT_DATE | TEXT_TIMESTAMP | TEXT_TIMESTAMPTZ | TEXT_TIME;

    if (scan->nodes.items[at].kinds & KIND_TEXT) {
        note(scan, at, KIND_TEXT); /* it is text, whatever comes */
    } else if (escaped) {
        note(scan, at, KIND_DOUBT);
    } else if (text.len == 0 || is_no_time(text)) {
        note(scan, at, KIND_TEXT);
    } else if (is_uuid(text)) {
        note_time(scan, at, 0);
    } else if (text_classify(text) & times) {
        note_time(scan, at, form_of(text));
    } else {
        note(scan, at, KIND_DOUBT);
    }
}

/* ---- the parser: false where the record is not taken ---- */

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\r')) {
        scan->at++;
    }
}

static bool take(struct scan *scan, char c)
{
    if (scan->at < scan->end && *scan->at == c) {
        scan->at++;
        return true;
    }
    return false;
}

static bool take_text(struct scan *scan, struct str *ret, bool *ret_escaped)
{
    const char *first = ++scan->at;
    const char *at = first;

    *ret_escaped = false;
    for (; at < scan->end && *at != '"'; at++) {
        if (*at == '\\') {
            *ret_escaped = true;
            at++;
        } else if ((unsigned char)*at < ' ') {
            return false;
        }
    }
    if (at >= scan->end) {
        return false;
    }
    *ret = str_make(first, (size_t)(at - first));
    scan->at = at + 1;
    return true;
}

static size_t skip_digits(struct scan *scan)
{
    const char *first = scan->at;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
        scan->at++;
    }
    return (size_t)(scan->at - first);
}

static enum kind kind_of_whole(struct str digits, bool negative)
{
    static const struct str most[] = {
        {"9223372036854775807", 19}, {"9223372036854775808", 19}, {"18446744073709551615", 20}};

    if (digits.len < 19) {
        return !negative ? KIND_NATURAL : str_eq(digits, STR("0")) ? KIND_ZERO : KIND_NEGATIVE;
    }
    if (digits.len == 19 && str_cmp(digits, most[negative]) <= 0) {
        return negative ? KIND_NEGATIVE_LONG : KIND_LONG;
    }
    if (negative) {
        return KIND_NEGATIVE_HUGE;
    }
    return digits.len == 19 || (digits.len == 20 && str_cmp(digits, most[2]) <= 0) ? KIND_UNSIGNED
                                                                                   : KIND_HUGE;
}

static bool take_number(struct scan *scan, uint32_t node)
{
    bool negative = take(scan, '-');
    const char *first = scan->at;
    size_t n = skip_digits(scan);
    enum kind kind = kind_of_whole(str_make(first, n), negative);

    if (n == 0 || (n > 1 && *first == '0')) {
        return false;
    }
    if (take(scan, '.')) {
        kind = KIND_REAL;
        if (skip_digits(scan) == 0) {
            return false;
        }
    }
    if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E')) {
        kind = KIND_REAL;
        scan->at++;
        if (!take(scan, '+')) {
            (void)take(scan, '-');
        }
        if (skip_digits(scan) == 0) {
            return false;
        }
    }
    note(scan, node, kind);
    return true;
}

static bool take_word(struct scan *scan, struct str word, uint32_t node, enum kind kind)
{
    if (!str_starts(str_make(scan->at, (size_t)(scan->end - scan->at)), word)) {
        return false;
    }
    scan->at += word.len;
    note(scan, node, kind);
    return true;
}

static bool take_value(struct scan *scan, uint32_t node, int depth);

static bool take_object(struct scan *scan, uint32_t node, int depth)
{
    uint32_t guess = scan->nodes.items[node].child;

    scan->at++;
    skip_space(scan);
    if (take(scan, '}')) {
        note(scan, node, KIND_EMPTY_OBJECT);
        return true;
    }
    note(scan, node, KIND_OBJECT);
    do {
        struct str key;
        bool escaped;
        uint32_t child;

        skip_space(scan);
        if (scan->at >= scan->end || *scan->at != '"' || !take_text(scan, &key, &escaped)) {
            return false;
        }
        skip_space(scan);
        if (!take(scan, ':') || !find_child(scan, node, key, &guess, &child)) {
            return false;
        }
        scan->nodes.items[node].n_keys++;
        if (!take_value(scan, child, depth + 1)) {
            return false;
        }
        skip_space(scan);
    } while (take(scan, ','));
    return take(scan, '}');
}

static bool take_list(struct scan *scan, uint32_t node, int depth)
{
    uint32_t guess = 0;
    uint32_t child;

    scan->at++;
    skip_space(scan);
    if (take(scan, ']')) {
        note(scan, node, KIND_EMPTY_LIST);
        return true;
    }
    note(scan, node, KIND_LIST);
    /* no key is called so before its escapes are read: an object at the same place has children of its own */
    if (!find_child(scan, node, STR("\""), &guess, &child)) {
        return false;
    }
    do {
        if (!take_value(scan, child, depth + 1)) {
            return false;
        }
        skip_space(scan);
    } while (take(scan, ','));
    return take(scan, ']');
}

static bool take_value(struct scan *scan, uint32_t node, int depth)
{
    struct str text;
    bool escaped;

    skip_space(scan);
    if (scan->at >= scan->end || depth > MAX_DEPTH) {
        return false;
    }
    switch (*scan->at) {
    case '{':
        return take_object(scan, node, depth);
    case '[':
        return take_list(scan, node, depth);
    case '"':
        if (!take_text(scan, &text, &escaped)) {
            return false;
        }
        note_text(scan, node, text, escaped);
        return true;
    case 't':
        return take_word(scan, STR("true"), node, KIND_BOOLEAN);
    case 'f':
        return take_word(scan, STR("false"), node, KIND_BOOLEAN);
    case 'n':
        return take_word(scan, STR("null"), node, KIND_NULL);
    default:
        return take_number(scan, node);
    }
}

/* ---- records ---- */

/* false: it is not taken, or there is too much that is new. */
static bool scan_record(struct scan *scan, struct str line)
{
    struct json_sample *sample = scan->sample;
    struct buf *records = &sample->records;

    scan->at = line.data;
    scan->end = line.data + line.len;
    sample->longest = line.len > sample->longest ? line.len : sample->longest;
    skip_space(scan);
    if (scan->at == scan->end) {
        return true; /* a blank line */
    }
    scan->new_ = false;
    if (*scan->at != '{' || !take_object(scan, 0, 1)) {
        return false;
    }
    skip_space(scan);
    if (scan->at < scan->end) {
        return false;
    }
    if (scan->new_) {
        buf_add_str(records, line);
        buf_add_char(records, '\n');
    }
    return !records->failed;
}

static int on_bytes(void *arg, struct str bytes, corrie_error *err)
{
    struct scan *scan = arg;
    ptrdiff_t end;

    while (scan->enough && (end = str_find(bytes, '\n')) >= 0) {
        struct str line = str_slice(bytes, 0, (size_t)end);

        if (scan->begun.len > 0) {
            buf_add_str(&scan->begun, line);
            line = buf_str(&scan->begun);
        }
        scan->enough = !scan->begun.failed && scan_record(scan, line);
        buf_clear(&scan->begun);
        bytes = str_from(bytes, (size_t)end + 1);
    }
    if (scan->enough) {
        buf_add_str(&scan->begun, bytes);
        scan->enough = !scan->begun.failed;
    }
    if (scan->no_memory) {
        return corrie_fail_memory(err);
    }
    return !scan->enough; /* nothing more is read then */
}

/* Whether DuckDB might make a map of an object by how often its keys come. */
static bool may_be_map(const struct node *node)
{
    return node->kinds & KIND_OBJECT &&
           (double)node->n_keys < RARE_KEYS * (double)node->n_children * (double)node->n_values;
}

static bool mixes_times(const struct node *node)
{
    return !(node->kinds & KIND_TEXT) &&
           (node->kinds & KIND_MIXED || (node->kinds & KIND_TIME && node->kinds & KIND_DOUBT));
}

static int finish(struct scan *scan, corrie_error *err)
{
    struct str *doubtful = arena_array(scan->arena, struct str, scan->nodes.count);
    size_t n = 0;

    if (!doubtful) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < scan->nodes.count; i++) {
        const struct node *node = &scan->nodes.items[i];

        if (may_be_map(node) || mixes_times(node)) {
            return 0;
        }
        if (node->kinds & KIND_DOUBT && !(node->kinds & KIND_TEXT)) {
            doubtful[n++] = scan->nodes.items[node->column].key;
        }
    }
    scan->sample->doubtful = doubtful;
    scan->sample->n_doubtful = n;
    return 1;
}

static int scan_init(struct scan *scan, struct arena *arena, struct json_sample *sample,
                     corrie_error *err)
{
    uint32_t root;

    *scan = (struct scan){.arena = arena, .sample = sample, .enough = true};
    buf_init(&sample->records, CORRIE_MAX_JSON_SAMPLE);
    buf_init(&scan->begun, CORRIE_MAX_JSON_SAMPLE);
    return add_node(scan, STR_EMPTY, 0, &root) ? 0 : corrie_fail_memory(err);
}

/* The line that no line end came behind. */
static int scan_rest(struct scan *scan, corrie_error *err)
{
    if (scan->enough && scan->begun.len > 0) {
        scan->enough = scan_record(scan, buf_str(&scan->begun));
    }
    return scan->no_memory ? corrie_fail_memory(err) : 0;
}

/* ---- several threads: each has a range of the file, and the lines that begin in it ---- */

struct range {
    struct scan scan;
    struct json_sample sample;
    struct arena arena;
    const char *path;
    const struct cancel *cancel;
    int fd;
    uint64_t first;
    uint64_t end;
    uint64_t size; /* of the file */
    pthread_t thread;
    corrie_error error;
    int code;
};

/* A line belongs to who has the byte before it, which ends the line before: that one reads on to find it. */
static int scan_range(struct range *range)
{
    char block[BLOCK];
    uint64_t at = range->first > 0 ? range->first - 1 : 0;
    uint64_t last = range->end < range->size ? range->end - 1 : range->size;
    bool inside = range->first == 0; /* of lines of its own */
    int r = 0;

    while (r == 0 && at < range->size && (inside || at < last)) {
        uint64_t left = (at < last ? last : range->size) - at;
        struct str bytes = str_make(block, left < BLOCK ? (size_t)left : BLOCK);
        ptrdiff_t newline;

        r = cancel_check(range->cancel, &range->error);
        if (r == 0) {
            r = os_read_at(range->fd, range->path, at, block, bytes.len, &range->error);
        }
        if (r < 0) {
            return r;
        }
        newline = !inside || at >= last ? str_find(bytes, '\n') : -1;
        if (!inside) {
            inside = newline >= 0;
            r = on_bytes(&range->scan, str_from(bytes, inside ? (size_t)newline + 1 : bytes.len),
                         &range->error);
        } else {
            r = on_bytes(&range->scan,
                         newline >= 0 ? str_slice(bytes, 0, (size_t)newline + 1) : bytes,
                         &range->error);
            if (newline >= 0) {
                break;
            }
        }
        at += bytes.len;
    }
    return r < 0 ? r : scan_rest(&range->scan, &range->error);
}

static void *work(void *arg)
{
    struct range *range = arg;

    range->code = scan_range(range);
    return NULL;
}

/* Adds what another range has seen at a place. */
static bool merge(struct scan *scan, uint32_t to, const struct scan *other, uint32_t from)
{
    const struct node *seen = &other->nodes.items[from];
    struct node *node = &scan->nodes.items[to];
    uint32_t guess = node->child;

    if (!(node->kinds & KIND_TIME)) {
        node->form = seen->form;
    } else if (seen->kinds & KIND_TIME && seen->form != node->form) {
        node->kinds |= KIND_MIXED;
    }
    node->kinds |= seen->kinds;
    node->n_values += seen->n_values;
    node->n_keys += seen->n_keys;
    for (uint32_t i = seen->child; i > 0; i = other->nodes.items[i].next) {
        uint32_t child;

        if (!find_child(scan, to, other->nodes.items[i].key, &guess, &child) ||
            !merge(scan, child, other, i)) {
            return false;
        }
    }
    return true;
}

/* Takes over what a later range has seen. */
static void join(struct scan *scan, const struct range *range)
{
    struct json_sample *sample = scan->sample;

    scan->enough = scan->enough && range->scan.enough && merge(scan, 0, &range->scan, 0);
    buf_add_str(&sample->records, buf_str(&range->sample.records));
    scan->enough = scan->enough && !sample->records.failed;
    if (range->sample.longest > sample->longest) {
        sample->longest = range->sample.longest;
    }
}

/* The first range is the caller's own thread's, and so is what none could be started for. */
static int scan_ranges(struct scan *scan, struct range *ranges, size_t n, corrie_error *err)
{
    size_t n_started = 1;
    int r = 0;

    while (n_started < n &&
           pthread_create(&ranges[n_started].thread, NULL, work, &ranges[n_started]) == 0) {
        n_started++;
    }
    for (size_t i = 0; i < n; i = i == 0 ? n_started : i + 1) {
        work(&ranges[i]);
    }
    for (size_t i = 1; i < n_started; i++) {
        pthread_join(ranges[i].thread, NULL);
    }
    for (size_t i = 0; i < n && r == 0; i++) {
        r = ranges[i].code < 0 ? corrie_error_move(err, &ranges[i].error) : 0;
        if (r == 0) {
            join(scan, &ranges[i]);
        }
    }
    if (r == 0 && scan->no_memory) {
        r = corrie_fail_memory(err);
    }
    return r;
}

static int scan_plain(struct scan *scan, const char *path, size_t threads,
                      const struct cancel *cancel, corrie_error *err)
{
    _free_ struct range *ranges = mem_alloc(threads, sizeof *ranges);
    _close_ int fd = -1;
    struct os_stat stat;
    size_t n = 0;
    int r = ranges ? os_open(path, O_RDONLY, 0, &fd, err) : corrie_fail_memory(err);

    if (r >= 0) {
        r = os_fd_stat(fd, path, &stat, err);
    }
    for (; r >= 0 && n < threads; n++) {
        struct range *range = &ranges[n];

        *range = (struct range){.path = path,
                                .cancel = cancel,
                                .fd = fd,
                                .first = stat.size / threads * n,
                                .end = n + 1 < threads ? stat.size / threads * (n + 1) : stat.size,
                                .size = stat.size,
                                .error = CORRIE_ERROR_INIT};
        r = scan_init(&range->scan, &range->arena, &range->sample, err);
    }
    if (r >= 0) {
        r = scan_ranges(scan, ranges, n, err);
    }
    while (n-- > 0) {
        scan_done(&ranges[n].scan);
        buf_done(&ranges[n].sample.records);
        arena_done(&ranges[n].arena);
        corrie_error_clear(&ranges[n].error);
    }
    return r;
}

/* How many threads the file is work for: one if it is packed, or no file of a size. */
static int count_threads(const char *path, size_t most, size_t *ret, corrie_error *err)
{
    char head[4];
    struct str packing = STR_EMPTY;
    struct os_stat stat;
    size_t len;
    int r = os_stat(path, &stat, err);

    *ret = 1;
    if (r < 0 || most < 2 || stat.kind != OS_FILE || stat.size < 2 * MIN_RANGE) {
        return r;
    }
    r = unpack_head(path, head, sizeof head, &len, &packing, err);
    if (r >= 0 && packing.len == 0) {
        most = most < MAX_THREADS ? most : MAX_THREADS;
        *ret = stat.size / MIN_RANGE < most ? (size_t)(stat.size / MIN_RANGE) : most;
    }
    return r;
}

int json_scan(const char *path, size_t threads, const struct cancel *cancel, struct arena *arena,
              struct json_sample *ret, corrie_error *err)
{
    struct json_sample sample = {0};
    _cleanup_(scan_done) struct scan scan = {0};
    int r = scan_init(&scan, arena, &sample, err);

    if (r >= 0) {
        r = count_threads(path, threads, &threads, err);
    }
    if (r >= 0 && threads > 1) {
        r = scan_plain(&scan, path, threads, cancel, err);
    } else if (r >= 0) {
        r = unpack_each(path, cancel, on_bytes, &scan, err);
        if (r >= 0) {
            r = scan_rest(&scan, err);
        }
    }
    if (r >= 0) {
        r = scan.enough ? finish(&scan, err) : 0;
    }
    if (r == 1) {
        *ret = sample;
    } else {
        ret->longest = r == 0 && scan.enough ? sample.longest : 0;
        buf_done(&sample.records);
    }
    return r;
}
