#include "base/hash.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/mem.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct hash hash_pieces(const struct str *pieces, size_t n)
{
    struct hash digest;
    SHA256_CTX state;

    /* The one-shot state lives on the stack: naming an object never allocates and cannot fail. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    SHA256_Init(&state);
    for (size_t i = 0; i < n; i++) {
        SHA256_Update(&state, pieces[i].data, pieces[i].len);
    }
    SHA256_Final(digest.bytes, &state);
#pragma GCC diagnostic pop
    return digest;
}

struct hash hash_bytes(struct str bytes)
{
    return hash_pieces(&bytes, 1);
}

struct hasher {
    EVP_MD_CTX *state;
};

int hasher_new(struct hasher **ret, corrie_error *err)
{
    struct hasher *hasher = mem_alloc(1, sizeof *hasher);

    if (!hasher) {
        return corrie_fail_memory(err);
    }
    hasher->state = EVP_MD_CTX_new();
    if (!hasher->state || EVP_DigestInit_ex(hasher->state, EVP_sha256(), NULL) != 1) {
        hasher_free(hasher);
        return corrie_fail_memory(err);
    }
    *ret = hasher;
    return 0;
}

void hasher_add(struct hasher *hasher, struct str bytes)
{
    EVP_DigestUpdate(hasher->state, bytes.data, bytes.len);
}

struct hash hasher_finish(struct hasher *hasher)
{
    struct hash digest = {{0}};

    EVP_DigestFinal_ex(hasher->state, digest.bytes, NULL);
    return digest;
}

struct hasher *hasher_free(struct hasher *hasher)
{
    if (hasher) {
        EVP_MD_CTX_free(hasher->state);
        mem_free(hasher);
    }
    return NULL;
}

bool hash_eq(const struct hash *a, const struct hash *b)
{
    return memcmp(a->bytes, b->bytes, HASH_BYTES) == 0;
}

bool hash_is_zero(const struct hash *hash)
{
    static const struct hash zero;

    return hash_eq(hash, &zero);
}

void hash_hex(const struct hash *hash, char ret[HASH_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < HASH_BYTES; i++) {
        ret[2 * i] = digits[hash->bytes[i] >> 4];
        ret[2 * i + 1] = digits[hash->bytes[i] & 15];
    }
    ret[HASH_HEX] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

bool hash_parse(struct str hex, struct hash *ret)
{
    struct hash parsed;

    if (hex.len != HASH_HEX) {
        return false;
    }
    for (size_t i = 0; i < HASH_BYTES; i++) {
        int high = hex_digit(hex.data[2 * i]);
        int low = hex_digit(hex.data[2 * i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        parsed.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *ret = parsed;
    return true;
}

uint64_t hash_xx64(struct str bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.data, bytes.len, seed);
}
