/* guard_groups.c — torn groups: tables that one run published together, of which only some would come or go. The rules
 * are in guard.c. */
#include "lake/guard_priv.h"

static struct str member_key(const struct guard_member *member)
{
    return (struct str){(const char *)member, sizeof *member};
}

static struct str id_key(const struct uuid *id)
{
    return (struct str){(const char *)id->bytes, sizeof id->bytes};
}

static int index_changes(struct guard_inspection *in, corrie_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < in->changes.count; i++) {
        struct guard_change *change = &in->changes.items[i];

        if (change->before.has_origin) {
            r |= map_put(&in->by_key, change->key, change);
            r |= map_put(&in->before, member_key(&change->before.member), change);
        }
        if (change->after.has_origin) {
            r |= map_put(&in->after, member_key(&change->after.member), change);
        }
        if (change->after.there && !change->from_source && !change->moved) {
            r |= map_put(&in->anew, id_key(&change->after.member.id), change);
        }
    }
    return r < 0 ? corrie_fail_memory(err) : 0;
}

/* Whether the member that stood at a changed key stands at another one now: it was only renamed. */
static bool stays_elsewhere(const struct guard_inspection *in, const struct guard_change *change)
{
    return map_find(&in->after, member_key(&change->before.member)) != NULL;
}

/* Whether the member that a change brings stood at another key before. */
static bool was_elsewhere(const struct guard_inspection *in, const struct guard_change *change)
{
    return map_find(&in->before, member_key(&change->after.member)) != NULL;
}

struct groups {
    struct origin_group *items;
    size_t count;
    size_t capacity;
    struct map seen; /* origin -> nothing */
};

static void groups_done(struct groups *groups)
{
    vec_done(groups);
    map_done(&groups->seen);
}

static int add_group(struct guard_inspection *in, struct groups *groups, const struct hash *origin,
                     corrie_error *err)
{
    struct str name = {(const char *)origin->bytes, sizeof origin->bytes};
    struct origin_group group = {0};
    int r;

    if (map_find(&groups->seen, name)) {
        return 0;
    }
    r = origin_read(in->guard->lake, origin, &in->arena, &group.origin, err);
    if (r < 0) {
        return r;
    }
    return vec_push(groups, group) < 0 || map_put(&groups->seen, name, NULL) < 0
               ? corrie_fail_memory(err)
               : 0;
}

/* What is torn: sentences for the message, jobs for the record. */
struct torn {
    struct guard_names sentences;
    struct guard_names jobs;
};

static void torn_done(struct torn *torn)
{
    guard_names_done(&torn->sentences);
    guard_names_done(&torn->jobs);
}

static int add_torn(struct guard_inspection *in, struct torn *torn, const struct origin *origin,
                    struct guard_names *moving, const char *verb, struct guard_names *other,
                    corrie_error *err)
{
    char *text;
    int r;

    guard_end_names(moving);
    guard_end_names(other);
    text = arena_printf(&in->arena, "%s would %s %s, and job %.8s published them together",
                        buf_text(&moving->text), verb, buf_text(&other->text), origin->job.data);
    if (!text) {
        return corrie_fail_memory(err);
    }
    r = guard_add_name(&torn->sentences, str_of(text), err);
    return r < 0 ? r : guard_add_name(&torn->jobs, origin->job, err);
}

/* Whether a member of a group of the target is taken back: its key gets a value from history. */
static bool is_taken_back(const struct guard_inspection *in, const struct guard_change *change)
{
    return change->before.has_origin && change->after.there && change->from_source &&
           !stays_elsewhere(in, change);
}

static int check_leaving_group(struct guard_inspection *in, const struct origin_group *group,
                               struct torn *torn, corrie_error *err)
{
    _cleanup_(guard_names_done) struct guard_names back = {.between = ", "};
    _cleanup_(guard_names_done) struct guard_names stay = {.between = ", "};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < group->origin.n_outputs; i++) {
        const struct origin_member *member = &group->members[i];
        const struct guard_change *change;

        if (member->key.len == 0) {
            continue;
        }
        change = map_get(&in->by_key, member->key);
        if (!change || stays_elsewhere(in, change)) {
            r = guard_add_table(&stay, &in->arena, member->key, err);
        } else if (is_taken_back(in, change)) {
            r = guard_add_table(&back, &in->arena, member->key, err);
        }
    }
    return r < 0 || back.n == 0 || stay.n == 0
               ? r
               : add_torn(in, torn, &group->origin, &back, "be taken back without", &stay, err);
}

static int check_leaving(struct guard_inspection *in, struct torn *torn, corrie_error *err)
{
    _cleanup_(groups_done) struct groups groups = {0};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < in->changes.count; i++) {
        struct guard_change *change = &in->changes.items[i];

        if (is_taken_back(in, change)) {
            r = add_group(in, &groups, &change->before.member.origin, err);
        }
    }
    if (r >= 0 && groups.count > 0) {
        r = origin_find(in->guard->lake, in->target, groups.items, groups.count, &in->arena, err);
    }
    for (size_t i = 0; r >= 0 && i < groups.count; i++) {
        r = check_leaving_group(in, &groups.items[i], torn, err);
    }
    return r;
}

static int check_arriving_group(struct guard_inspection *in, const struct origin_group *group,
                                const struct origin_member *in_result, struct torn *torn,
                                corrie_error *err)
{
    _cleanup_(guard_names_done) struct guard_names come = {.between = ", "};
    _cleanup_(guard_names_done) struct guard_names lack = {.between = ", "};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < group->origin.n_outputs; i++) {
        const struct origin_member *member = &group->members[i];

        if (member->key.len == 0) {
            continue;
        }
        if (in_result[i].key.len > 0) {
            r = guard_add_table(&come, &in->arena, in_result[i].key, err);
        } else if (!map_find(&in->anew, id_key(&member->value.id))) {
            r = guard_add_table(&lack, &in->arena, member->key, err);
        }
    }
    return r < 0 || lack.n == 0 || come.n == 0
               ? r
               : add_torn(in, torn, &group->origin, &come, "come without", &lack, err);
}

/* The members that stand in the result, of groups found in the source. */
static int find_in_result(struct guard_inspection *in, struct groups *groups,
                          struct origin_group **ret, corrie_error *err)
{
    struct origin_group *copies = arena_array(&in->arena, struct origin_group, groups->count);

    if (!copies) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < groups->count; i++) {
        copies[i].origin = groups->items[i].origin;
    }
    *ret = copies;
    return origin_find(in->guard->lake, in->result, copies, groups->count, &in->arena, err);
}

static int check_arriving(struct guard_inspection *in, struct torn *torn, corrie_error *err)
{
    _cleanup_(groups_done) struct groups groups = {0};
    struct origin_group *in_result = NULL;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < in->changes.count; i++) {
        struct guard_change *change = &in->changes.items[i];

        if (change->from_source && change->after.has_origin && !was_elsewhere(in, change)) {
            r = add_group(in, &groups, &change->after.member.origin, err);
        }
    }
    if (r < 0 || groups.count == 0) {
        return r;
    }
    r = origin_find(in->guard->lake, in->source, groups.items, groups.count, &in->arena, err);
    if (r >= 0) {
        r = find_in_result(in, &groups, &in_result, err);
    }
    for (size_t i = 0; r >= 0 && i < groups.count; i++) {
        r = check_arriving_group(in, &groups.items[i], in_result[i].members, torn, err);
    }
    return r;
}

/* Refuses, or, where it is allowed, returns 1 and the jobs. */
int guard_check_groups(struct guard_inspection *in, struct str *ret_jobs, corrie_error *err)
{
    _cleanup_(torn_done) struct torn torn = {.sentences = {.between = "; "},
                                             .jobs = {.between = ", "}};
    int r = index_changes(in, err);

    if (r >= 0 && in->guard->restores) {
        r = check_leaving(in, &torn, err);
    }
    if (r >= 0) {
        r = check_arriving(in, &torn, err);
    }
    if (r < 0 || torn.sentences.n == 0) {
        return r;
    }
    if (in->guard->allow_torn) {
        r = guard_all_names(&torn.jobs, in->guard->arena, ret_jobs, err);
        return r < 0 ? r : 1;
    }
    guard_end_names(&torn.sentences);
    corrie_fail(err, CORRIE_E_REFUSED, "%s", buf_text(&torn.sentences.text));
    return corrie_hint(err, "move all of them, or say --allow-torn: it is recorded");
}
