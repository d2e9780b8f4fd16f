#include "base/json.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"

/* jansson's parser does not survive a failing allocation: its lexer goes on with a token that was not
 * saved and reads past it (2.14, lex_save). So js_load asks once for as much memory as the text could need,
 * gives it back, and parses with allocations that no fault reaches. */
static _Thread_local bool parsing;
static _Thread_local bool out_of_memory;

static void *json_allocate(size_t size)
{
    void *block = parsing ? malloc(size) : mem_alloc(1, size);

    if (!block) {
        out_of_memory = true;
    }
    return block;
}

void js_setup(void)
{
    static bool done;

    if (!done) {
        json_set_alloc_funcs(json_allocate, mem_free);
        done = true;
    }
}

int js_load(struct str text, size_t flags, json_t **ret, json_error_t *ret_reason)
{
    void *probe = mem_alloc(text.len + 1, 2);
    json_t *value;

    if (!probe) {
        return CORRIE_E_NO_MEMORY;
    }
    mem_free(probe);
    js_setup();
    out_of_memory = false;
    parsing = true;
    value = json_loadb(text.len ? text.data : "", text.len, flags, ret_reason);
    parsing = false;
    if (!value) {
        return out_of_memory ? CORRIE_E_NO_MEMORY : CORRIE_E_DATA;
    }
    *ret = value;
    return 0;
}

/* jansson's parser recurses up to 2048 levels; ours may not go deeper than the stated maximum. Brackets
 * inside strings do not count. */
static bool too_deep(struct str text)
{
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > CORRIE_MAX_JSON_DEPTH) {
                return true;
            }
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

int js_parse(struct str text, const char *what, json_t **ret, corrie_error *err)
{
    json_error_t reason;
    int r;

    if (text.len > CORRIE_MAX_JSON) {
        return corrie_fail(err, CORRIE_E_LIMIT,
                           "read %s: %zu bytes of JSON, more than the %zu allowed", what, text.len,
                           (size_t)CORRIE_MAX_JSON);
    }
    if (too_deep(text)) {
        return corrie_fail(err, CORRIE_E_LIMIT, "read %s: JSON nested deeper than %d levels", what,
                           CORRIE_MAX_JSON_DEPTH);
    }
    r = js_load(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, ret, &reason);
    if (r == CORRIE_E_NO_MEMORY) {
        return corrie_fail_memory(err);
    }
    if (r < 0) {
        corrie_fail(err, CORRIE_E_DATA, "read %s: not valid JSON: %s", what, reason.text);
        return corrie_error_at_offset(err, what, text,
                                      reason.position > 0 ? (size_t)reason.position - 1 : 0, 1);
    }
    return 0;
}

int js_parse_canonical(struct str text, const char *what, json_t **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf again = {0};
    _json_ json_t *value = NULL;
    int r;

    r = js_parse(text, what, &value, err);
    if (r == CORRIE_E_DATA) {
        err->code = CORRIE_E_CORRUPT;
        return err->code;
    }
    if (r < 0) {
        return r;
    }
    _error_ corrie_error inner = CORRIE_ERROR_INIT;
    r = js_canonical(value, &again, &inner);
    if (r == CORRIE_E_NO_MEMORY) {
        return corrie_error_move(err, &inner);
    }
    if (r < 0 || !str_eq(buf_str(&again), text)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "read %s: the JSON is not in canonical form",
                           what);
    }
    *ret = TAKE_PTR(value);
    return 0;
}

/* Escapes as RFC 8785 has them: short forms where JSON has one, else \u00xx, and nothing but these. What
 * needs none is copied in runs. */
void js_add_string(struct buf *out, struct str text)
{
    static const char short_forms[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    size_t start = 0;

    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        buf_add(out, text.data + start, i - start);
        start = i + 1;
        if (c >= 0x20 || short_forms[c]) {
            buf_add_char(out, '\\');
            buf_add_char(out, c < 0x20 ? short_forms[c] : (char)c);
        } else {
            buf_addf(out, "\\u%04x", c);
        }
    }
    if (start < text.len) {
        buf_add(out, text.data + start, text.len - start);
    }
    buf_add_char(out, '"');
}

struct style {
    int indent;
    bool canonical;
};

static void add_line(struct buf *out, const struct style *style, int depth)
{
    if (style->indent > 0) {
        buf_add_char(out, '\n');
        buf_add_fill(out, ' ', (size_t)style->indent * (size_t)depth);
    }
}

static int add_value(struct buf *out, const json_t *value, const struct style *style, int depth,
                     corrie_error *err);

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add_members(struct buf *out, const json_t *object, const char **keys, size_t count,
                       const struct style *style, int depth, corrie_error *err)
{
    buf_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        int r;

        if (i > 0) {
            buf_add_char(out, ',');
        }
        add_line(out, style, depth + 1);
        js_add_string(out, str_of(keys[i]));
        buf_add_text(out, style->indent > 0 ? ": " : ":");
        r = add_value(out, json_object_get(object, keys[i]), style, depth + 1, err);
        if (r < 0) {
            return r;
        }
    }
    if (count > 0) {
        add_line(out, style, depth);
    }
    buf_add_char(out, '}');
    return 0;
}

static int add_object(struct buf *out, const json_t *object, const struct style *style, int depth,
                      corrie_error *err)
{
    size_t count = json_object_size(object);
    _free_ const char **keys = mem_alloc(count, sizeof *keys);
    json_t *iterated = (json_t *)(uintptr_t)object; /* jansson iterates non-const objects only */
    size_t i = 0;

    if (!keys) {
        return corrie_fail_memory(err);
    }
    for (void *iter = json_object_iter(iterated); iter;
         iter = json_object_iter_next(iterated, iter)) {
        keys[i++] = json_object_iter_key(iter);
    }
    if (style->canonical) {
        qsort(keys, count, sizeof *keys, compare_keys);
    }
    return add_members(out, object, keys, count, style, depth, err);
}

static int add_array(struct buf *out, const json_t *array, const struct style *style, int depth,
                     corrie_error *err)
{
    size_t count = json_array_size(array);

    buf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        int r;

        if (i > 0) {
            buf_add_char(out, ',');
        }
        add_line(out, style, depth + 1);
        r = add_value(out, json_array_get(array, i), style, depth + 1, err);
        if (r < 0) {
            return r;
        }
    }
    if (count > 0) {
        add_line(out, style, depth);
    }
    buf_add_char(out, ']');
    return 0;
}

static int add_real(struct buf *out, const json_t *value, const struct style *style,
                    corrie_error *err)
{
    double number = json_real_value(value);
    char text[40];

    if (style->canonical) {
        return corrie_fail(err, CORRIE_E_INTERNAL,
                           "canonical JSON holds no floating-point numbers");
    }
    /* the shortest form that reads back equal */
    for (int digits = 15; digits <= 17; digits++) {
        double again;

        snprintf(text, sizeof text, "%.*g", digits, number);
        if (str_to_double(str_of(text), &again) && again == number) {
            break;
        }
    }
    buf_add_text(out, text);
    if (!strpbrk(text, ".e")) {
        buf_add_text(out, ".0");
    }
    return 0;
}

static int add_value(struct buf *out, const json_t *value, const struct style *style, int depth,
                     corrie_error *err)
{
    if (depth > CORRIE_MAX_JSON_DEPTH) {
        return corrie_fail(err, CORRIE_E_LIMIT, "JSON nested deeper than %d levels",
                           CORRIE_MAX_JSON_DEPTH);
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return add_object(out, value, style, depth, err);
    case JSON_ARRAY:
        return add_array(out, value, style, depth, err);
    case JSON_STRING:
        js_add_string(out, js_str(value));
        return 0;
    case JSON_INTEGER:
        buf_addf(out, "%lld", (long long)json_integer_value(value));
        return 0;
    case JSON_REAL:
        return add_real(out, value, style, err);
    case JSON_TRUE:
        buf_add_text(out, "true");
        return 0;
    case JSON_FALSE:
        buf_add_text(out, "false");
        return 0;
    case JSON_NULL:
    default:
        buf_add_text(out, "null");
        return 0;
    }
}

int js_canonical(const json_t *value, struct buf *out, corrie_error *err)
{
    int r = add_value(out, value, &(struct style){.canonical = true}, 0, err);

    return r < 0 ? r : buf_check(out, err);
}

int js_format(const json_t *value, int indent, struct buf *out, corrie_error *err)
{
    int r = add_value(out, value, &(struct style){.indent = indent}, 0, err);

    return r < 0 ? r : buf_check(out, err);
}

static const char *const type_names[] = {
    [JSON_OBJECT] = "an object",    [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
    [JSON_INTEGER] = "an integer",  [JSON_REAL] = "a number",  [JSON_TRUE] = "true or false",
    [JSON_FALSE] = "true or false", [JSON_NULL] = "null",
};

/* 1 and *ret when `field` is there with the type wanted, 0 when it is missing or null. */
static int find_field(const json_t *object, const char *field, json_type wanted, json_t **ret,
                      int code, corrie_error *err)
{
    json_t *value = json_object_get(object, field);
    json_type type;

    if (!value || json_is_null(value)) {
        return 0;
    }
    type = json_typeof(value);
    if (type != wanted && !(wanted == JSON_TRUE && type == JSON_FALSE)) {
        return corrie_fail(err, code, "field \"%s\" is %s where %s is expected", field,
                           type_names[type], type_names[wanted]);
    }
    *ret = value;
    return 1;
}

static int require(int found, const char *field, int code, corrie_error *err)
{
    if (found == 0) {
        return corrie_fail(err, code, "field \"%s\" is missing", field);
    }
    return found < 0 ? found : 0;
}

int js_opt_str(const json_t *object, const char *field, struct str *ret, int code,
               corrie_error *err)
{
    json_t *value = NULL;
    int r = find_field(object, field, JSON_STRING, &value, code, err);

    if (r > 0) {
        *ret = js_str(value);
    }
    return r;
}

int js_opt_int(const json_t *object, const char *field, int64_t *ret, int code, corrie_error *err)
{
    json_t *value = NULL;
    int r = find_field(object, field, JSON_INTEGER, &value, code, err);

    if (r > 0) {
        *ret = json_integer_value(value);
    }
    return r;
}

int js_opt_bool(const json_t *object, const char *field, bool *ret, int code, corrie_error *err)
{
    json_t *value = NULL;
    int r = find_field(object, field, JSON_TRUE, &value, code, err);

    if (r > 0) {
        *ret = json_is_true(value);
    }
    return r;
}

int js_opt_array(const json_t *object, const char *field, json_t **ret, int code, corrie_error *err)
{
    return find_field(object, field, JSON_ARRAY, ret, code, err);
}

int js_opt_object(const json_t *object, const char *field, json_t **ret, int code,
                  corrie_error *err)
{
    return find_field(object, field, JSON_OBJECT, ret, code, err);
}

int js_get_str(const json_t *object, const char *field, struct str *ret, int code,
               corrie_error *err)
{
    return require(js_opt_str(object, field, ret, code, err), field, code, err);
}

int js_get_int(const json_t *object, const char *field, int64_t *ret, int code, corrie_error *err)
{
    return require(js_opt_int(object, field, ret, code, err), field, code, err);
}

int js_get_bool(const json_t *object, const char *field, bool *ret, int code, corrie_error *err)
{
    return require(js_opt_bool(object, field, ret, code, err), field, code, err);
}

int js_get_array(const json_t *object, const char *field, json_t **ret, int code, corrie_error *err)
{
    return require(js_opt_array(object, field, ret, code, err), field, code, err);
}

int js_get_object(const json_t *object, const char *field, json_t **ret, int code,
                  corrie_error *err)
{
    return require(js_opt_object(object, field, ret, code, err), field, code, err);
}

int js_set(json_t *object, const char *field, json_t *value)
{
    return json_object_set_new(object, field, value) < 0 ? CORRIE_E_NO_MEMORY : 0;
}

json_t *js_count(int64_t count)
{
    return count < 0 ? json_null() : json_integer(count);
}

json_t *js_string(struct str text)
{
    _cleanup_(buf_done) struct buf repaired = {0};
    size_t bad;

    js_setup();
    if (str_is_utf8(text, &bad)) {
        return json_stringn_nocheck(text.data ? text.data : "", text.len);
    }
    do {
        buf_add(&repaired, text.data, bad);
        buf_add_text(&repaired, "\xEF\xBF\xBD");
        text = str_from(text, bad + 1);
    } while (!str_is_utf8(text, &bad));
    buf_add_str(&repaired, text);
    return repaired.failed ? NULL : json_stringn_nocheck(repaired.data, repaired.len);
}

int js_set_str(json_t *object, const char *field, struct str text)
{
    return js_set(object, field, js_string(text));
}

int js_set_int(json_t *object, const char *field, int64_t value)
{
    return js_set(object, field, json_integer(value));
}

int js_set_bool(json_t *object, const char *field, bool value)
{
    return js_set(object, field, json_boolean(value));
}

int js_set_hash(json_t *object, const char *field, const struct hash *hash)
{
    char hex[HASH_HEX + 1];

    if (!hash) {
        return js_set(object, field, json_null());
    }
    hash_hex(hash, hex);
    return js_set_str(object, field, str_of(hex));
}

int js_set_uuid(json_t *object, const char *field, const struct uuid *uuid)
{
    char text[UUID_TEXT + 1];

    uuid_format(uuid, text);
    return js_set_str(object, field, str_of(text));
}

int js_set_time(json_t *object, const char *field, int64_t time)
{
    char text[CLOCK_TEXT_MAX];

    clock_format(time, text);
    return js_set_str(object, field, str_of(text));
}

int js_give(json_t *document, char **ret, corrie_error *err)
{
    _json_ json_t *owned = document;
    _cleanup_(buf_done) struct buf text = {0};
    int r;

    if (!owned) {
        return corrie_fail_memory(err);
    }
    r = js_format(owned, 0, &text, err);
    if (r < 0) {
        return r;
    }
    *ret = buf_take(&text);
    return *ret ? 0 : corrie_fail_memory(err);
}

/* A string, or null where there is no text. */
static json_t *optional_text(const char *text)
{
    return text ? js_string(str_of(text)) : json_null();
}

static json_t *optional_number(long number)
{
    return number > 0 ? json_integer(number) : json_null();
}

json_t *js_error(const corrie_error *err)
{
    json_t *context;
    json_t *document;
    int r;

    js_setup();
    context = json_object();
    document = json_object();
    r = js_set(context, "file", optional_text(err->position.file));
    r |= js_set(context, "line", optional_number(err->position.line));
    r |= js_set(context, "column", optional_number(err->position.column));
    r |= js_set(context, "detail", optional_text(err->detail));
    r |= js_set(document, "context", context);
    r |= js_set_str(document, "type", str_of(corrie_code_name(err->code)));
    r |= js_set_str(document, "message", str_of(corrie_error_message(err)));
    r |= js_set(document, "hint", optional_text(err->hint));
    if (r != 0) {
        json_decref(document);
        return NULL;
    }
    return document;
}
