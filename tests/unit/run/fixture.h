/* fixture.h — a lake, a folder for files and a project, all of them gone with the test. */
#ifndef CORRIE_TESTS_RUN_FIXTURE_H
#define CORRIE_TESTS_RUN_FIXTURE_H

#include <corrie/corrie.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/check.h"

struct fixture {
    char *dir;
    corrie_lake *lake;
    corrie_error err;
    json_t *events;        /* what was told: {"kind","node","status","text","rows"} each */
    const char *cancel_at; /* a kind of event at which the work is cancelled; NULL = never */
    corrie_cancel *cancel;
    void (*at_event)(struct fixture *f, const corrie_event *event); /* may be NULL */
    bool deaf;                                                      /* keep no events */
    bool spoil_jobs; /* once a commit is told of, the folder of job records becomes a file */
};

void fixture_init(struct fixture *f);
/* Another handle on the same lake, which nobody has cancelled. */
void fixture_reopen(struct fixture *f);
void fixture_done(struct fixture *f);

/* "<dir>/<name>"; lives until the fixture is done. */
const char *in_dir(struct fixture *f, const char *name);
/* Writes a file (folders of the name are made). Returns its path as in_dir. */
const char *put_file(struct fixture *f, const char *name, const char *text);

/* Parses and frees a document of the public interface. New reference. */
json_t *parse_document(char *text);
/* The fields of an object in alphabetical order: "a b c". Lives until the next call. */
const char *fields_of(const json_t *object);
/* Text of a field; NULL where it is null or missing. */
const char *text_of(const json_t *object, const char *field);
int64_t number_of(const json_t *object, const char *field);

/* Imports one file; the fixture's error says why not. */
int import_file(struct fixture *f, const char *path, const char *table,
                enum corrie_import_mode mode, json_t **ret);
/* The first column of the first row of a query, as a number. */
int64_t query_number(struct fixture *f, const char *sql);
/* The commit that main is at. Lives until the next call. */
const char *head_of(struct fixture *f);
/* Fails the test unless fsck finds nothing. */
void check_sound(struct fixture *f);

#endif
