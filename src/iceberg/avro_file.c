/* avro_file.c — object container files: header, blocks, codecs. */
#include <zlib.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/uuid.h"
#include "iceberg/avro.h"

static const char magic[4] = {'O', 'b', 'j', 1};

/* Blocks are cut at about this many bytes, so that readers of other engines can stream. */
#define BLOCK_TARGET (1 * CORRIE_MiB)
/* Manifests compress about as well at 3 as at 9, in a third of the time. */
#define DEFLATE_LEVEL 3

static int corrupt(corrie_error *err, const char *what, const char *problem)
{
    return corrie_fail(err, CORRIE_E_CORRUPT, "%s: not a sound Avro file: %s", what, problem);
}

/* ---- reading ---- */

bool avro_file_metadata(const struct avro_file *file, const char *key, struct str *ret)
{
    for (size_t i = 0; i < file->n_metadata; i++) {
        if (str_eq(file->metadata[i].key, str_of(key))) {
            *ret = file->metadata[i].value;
            return true;
        }
    }
    return false;
}

static int read_metadata(struct avro_cursor *cursor, struct arena *arena, struct avro_file *file,
                         corrie_error *err)
{
    struct avro_items items = {0};

    file->metadata = arena_array(arena, struct avro_pair, CORRIE_MAX_AVRO_METADATA);
    if (!file->metadata) {
        return corrie_fail_memory(err);
    }
    while (avro_next(cursor, &items)) {
        if (file->n_metadata == CORRIE_MAX_AVRO_METADATA) {
            return corrie_fail(err, CORRIE_E_LIMIT, "%s: more than %d entries in the Avro header",
                               file->what, CORRIE_MAX_AVRO_METADATA);
        }
        struct avro_pair *pair = &file->metadata[file->n_metadata];
        pair->key = avro_read_bytes(cursor);
        pair->value = avro_read_bytes(cursor);
        file->n_metadata += avro_cursor_ok(cursor);
    }
    return 0;
}

int avro_file_open(struct str bytes, const char *what, struct arena *arena, struct avro_file *ret,
                   corrie_error *err)
{
    struct avro_file file = {.what = what, .codec = STR("null")};
    struct avro_cursor cursor;

    if (bytes.len < sizeof magic || memcmp(bytes.data, magic, sizeof magic) != 0) {
        return corrupt(err, what, bytes.len == 0 ? "it is empty" : "it does not begin with Obj1");
    }
    avro_cursor_init(&cursor, str_from(bytes, sizeof magic));
    int r = read_metadata(&cursor, arena, &file, err);
    if (r < 0) {
        return r;
    }
    struct str sync = avro_read_fixed(&cursor, sizeof file.sync);
    if (cursor.failure) {
        return corrupt(err, what, cursor.failure);
    }
    memcpy(file.sync, sync.data, sizeof file.sync);
    file.blocks = (struct str){(const char *)cursor.at, (size_t)(cursor.end - cursor.at)};

    if (avro_file_metadata(&file, "avro.codec", &file.codec) && file.codec.len == 0) {
        file.codec = STR("null");
    }
    if (!str_eq(file.codec, STR("null")) && !str_eq(file.codec, STR("deflate")) &&
        !str_eq(file.codec, STR("zstandard"))) {
        corrie_fail(err, CORRIE_E_UNSUPPORTED, "%s: Avro codec '%.*s' is not supported", what,
                    STR_FMT(file.codec));
        return corrie_hint(err,
                           "rewrite the table's manifests with write.manifest.compression-codec "
                           "gzip, zstd or none");
    }
    struct str schema;
    if (!avro_file_metadata(&file, "avro.schema", &schema)) {
        return corrupt(err, what, "the header has no schema");
    }
    r = avro_schema_parse(schema, what, arena, &file.schema, err);
    if (r < 0) {
        return r;
    }
    *ret = file;
    return 0;
}

static void inflate_end(z_stream *stream)
{
    inflateEnd(stream);
}

static int unpack_deflate(const char *what, struct str packed, struct buf *out, corrie_error *err)
{
    _cleanup_(inflate_end) z_stream stream = {0};

    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) { /* raw: no zlib header */
        return corrie_fail_memory(err);
    }
    stream.next_in = (Bytef *)(uintptr_t)packed.data;
    stream.avail_in = (uInt)packed.len;
    int z = Z_OK;
    while (z != Z_STREAM_END) {
        size_t room = 64 * CORRIE_KiB;
        char *to = buf_reserve(out, room);
        if (!to) {
            return buf_check(out, err);
        }
        stream.next_out = (Bytef *)to;
        stream.avail_out = (uInt)room;
        z = inflate(&stream, Z_NO_FLUSH);
        if ((z != Z_OK && z != Z_STREAM_END) || (z == Z_OK && stream.avail_out == room)) {
            return corrupt(err, what, "a block does not inflate");
        }
        buf_commit(out, room - stream.avail_out);
    }
    return 0;
}

static void dstream_free(ZSTD_DStream **stream)
{
    ZSTD_freeDStream(*stream);
}

static int unpack_zstd(const char *what, struct str packed, struct buf *out, corrie_error *err)
{
    _cleanup_(dstream_free) ZSTD_DStream *stream = ZSTD_createDStream();
    ZSTD_inBuffer in = {packed.data, packed.len, 0};
    size_t left = 1;

    if (!stream || ZSTD_isError(ZSTD_initDStream(stream))) {
        return corrie_fail_memory(err);
    }
    while (left > 0) {
        size_t room = 64 * CORRIE_KiB;
        char *to = buf_reserve(out, room);
        if (!to) {
            return buf_check(out, err);
        }
        ZSTD_outBuffer piece = {to, room, 0};
        left = ZSTD_decompressStream(stream, &piece, &in);
        if (ZSTD_isError(left) || (piece.pos == 0 && in.pos == in.size && left > 0)) {
            return corrupt(err, what, "a block does not unpack");
        }
        buf_commit(out, piece.pos);
    }
    return 0;
}

static int unpack(const struct avro_file *file, struct str packed, struct buf *out,
                  struct str *ret_block, corrie_error *err)
{
    int r = 0;

    buf_clear(out);
    if (str_eq(file->codec, STR("null"))) {
        *ret_block = packed;
        return 0;
    }
    if (str_eq(file->codec, STR("deflate"))) {
        r = unpack_deflate(file->what, packed, out, err);
    } else {
        r = unpack_zstd(file->what, packed, out, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "%s", file->what);
    }
    *ret_block = buf_str(out);
    return 0;
}

int avro_file_each(const struct avro_file *file, avro_record_fn record, void *arg,
                   corrie_error *err)
{
    _cleanup_(buf_done) struct buf unpacked;
    struct avro_cursor outer;

    buf_init(&unpacked, CORRIE_MAX_AVRO_BLOCK);
    avro_cursor_init(&outer, file->blocks);
    while (outer.at < outer.end) {
        int64_t count = avro_read_long(&outer);
        struct str packed = avro_read_bytes(&outer);
        struct str sync = avro_read_fixed(&outer, sizeof file->sync);
        if (outer.failure) {
            return corrupt(err, file->what, outer.failure);
        }
        if (count < 0) {
            return corrupt(err, file->what, "a block has no sensible count");
        }
        if (packed.len > CORRIE_MAX_AVRO_BLOCK) {
            return corrie_fail(err, CORRIE_E_LIMIT, "%s: an Avro block of %zu bytes", file->what,
                               packed.len);
        }
        if (memcmp(sync.data, file->sync, sizeof file->sync) != 0) {
            return corrupt(err, file->what, "a block does not end in the sync marker");
        }

        struct str block;
        int r = unpack(file, packed, &unpacked, &block, err);
        if (r < 0) {
            return r;
        }
        struct avro_cursor cursor;
        avro_cursor_init(&cursor, block);
        for (int64_t i = 0; i < count; i++) {
            if (cursor.at == cursor.end) { /* no record of ours is empty: bounds `count` */
                return corrupt(err, file->what, "a block has fewer records than it says");
            }
            r = record(arg, &cursor, file->schema, err);
            if (r < 0) {
                return r;
            }
            if (cursor.failure == avro_out_of_memory) {
                return corrie_fail_memory(err);
            }
            if (cursor.failure) {
                return corrupt(err, file->what, cursor.failure);
            }
        }
        if (cursor.at != cursor.end) {
            return corrupt(err, file->what, "a block has more bytes than its records");
        }
    }
    return 0;
}

/* ---- writing ---- */

int avro_writer_begin(struct avro_writer *writer, struct buf *out, struct str schema_json,
                      const struct avro_pair *metadata, size_t n_metadata, corrie_error *err)
{
    *writer = (struct avro_writer){.out = out};
    random_bytes(writer->sync, sizeof writer->sync);

    buf_add(out, magic, sizeof magic);
    avro_put_long(out, (int64_t)n_metadata + 2);
    avro_put_bytes(out, STR("avro.schema"));
    avro_put_bytes(out, schema_json);
    avro_put_bytes(out, STR("avro.codec"));
    avro_put_bytes(out, STR("deflate"));
    for (size_t i = 0; i < n_metadata; i++) {
        avro_put_bytes(out, metadata[i].key);
        avro_put_bytes(out, metadata[i].value);
    }
    avro_put_long(out, 0);
    buf_add(out, writer->sync, sizeof writer->sync);
    return buf_check(out, err);
}

static void deflate_end(z_stream *stream)
{
    deflateEnd(stream);
}

static int flush_block(struct avro_writer *writer, corrie_error *err)
{
    _cleanup_(deflate_end) z_stream stream = {0};

    if (deflateInit2(&stream, DEFLATE_LEVEL, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        return corrie_fail_memory(err);
    }
    buf_clear(&writer->packed);
    size_t bound = deflateBound(&stream, (uLong)writer->block.len);
    char *to = buf_reserve(&writer->packed, bound);
    if (!to) {
        return buf_check(&writer->packed, err);
    }
    stream.next_in = (Bytef *)writer->block.data;
    stream.avail_in = (uInt)writer->block.len;
    stream.next_out = (Bytef *)to;
    stream.avail_out = (uInt)bound;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "deflate of an Avro block did not end");
    }
    buf_commit(&writer->packed, bound - stream.avail_out);

    avro_put_long(writer->out, writer->n_records);
    avro_put_bytes(writer->out, buf_str(&writer->packed));
    buf_add(writer->out, writer->sync, sizeof writer->sync);
    buf_clear(&writer->block);
    writer->n_records = 0;
    return buf_check(writer->out, err);
}

int avro_writer_record(struct avro_writer *writer, corrie_error *err)
{
    int r = buf_check(&writer->block, err);
    if (r < 0) {
        return r;
    }
    writer->n_records++;
    return writer->block.len >= BLOCK_TARGET ? flush_block(writer, err) : 0;
}

int avro_writer_finish(struct avro_writer *writer, corrie_error *err)
{
    return writer->n_records > 0 ? flush_block(writer, err) : 0;
}

void avro_writer_done(struct avro_writer *writer)
{
    buf_done(&writer->block);
    buf_done(&writer->packed);
}
