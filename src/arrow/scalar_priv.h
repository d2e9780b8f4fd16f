/* scalar_priv.h — what the sources about scalars share. */
#ifndef CORRIE_ARROW_SCALAR_PRIV_H
#define CORRIE_ARROW_SCALAR_PRIV_H

#include "arrow/scalar.h"

__extension__ typedef __int128 int128;

/* A value out of its bytes, for the kinds it stands for; false if the bytes are no such value. */
bool scalar_read_int(const struct type *type, struct str bytes, int64_t *ret);
bool scalar_read_double(const struct type *type, struct str bytes, double *ret);
bool scalar_read_decimal(struct str bytes, int128 *ret);
/* Bytes of an unscaled decimal in the arena; CORRIE_E_DATA past the precision. */
int scalar_write_decimal(const struct type *type, int128 unscaled, struct arena *arena,
                         struct str *ret, corrie_error *err) CORRIE_MUST_USE;

/* The day of the proleptic Gregorian calendar, days counted from 1970-01-01. */
void scalar_civil_of_days(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day);

int scalar_fail(const struct type *type, struct str bytes, corrie_error *err);

#endif
