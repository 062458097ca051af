/* SPDX-License-Identifier: Apache-2.0
 *
 * Merging configs; see container_config_merge.h. Works on a shallow copy whose lists are replaced
 * by arena lists of borrowed strings; packing and unpacking it at the end makes the deep copy.
 */
#include "oci/document/container_config_merge.h"

#include "base/alloc.h"
#include "base/str.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef Sockerless__ContainerConfig Config;
typedef Sockerless__StringList StringList;

static size_t list_len(const StringList *list)
{
    return list ? list->n_items : 0;
}

/* "KEY" of "KEY=value". */
static size_t key_len(const char *env)
{
    return strcspn(env, "=");
}

static bool same_key(const char *a, const char *b)
{
    size_t n = key_len(a);
    return n == key_len(b) && memcmp(a, b, n) == 0;
}

/* ---- Env ---- */

/* Keys seen, in an open hash: 10,000 variables on both sides must not take 10^8 comparisons. */
struct key_set {
    char ***slots; /* where an entry with that key stands in its list */
    size_t mask;
};

static size_t key_hash(const char *env)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0, n = key_len(env); i < n; i++)
        h = (h ^ (unsigned char)env[i]) * 0x100000001b3u;
    return (size_t)(h ^ (h >> 29));
}

static struct key_set key_set_new(size_t count, struct arena *arena)
{
    size_t size = 16;
    while (size < count * 2)
        size *= 2;
    return (struct key_set){arena_calloc(arena, size, sizeof(char **)), size - 1};
}

/* The slot of env's key, holding NULL when no entry has it. */
static char ***key_set_slot(const struct key_set *set, const char *env)
{
    size_t i = key_hash(env) & set->mask;
    while (set->slots[i] && !same_key(*set->slots[i], env))
        i = (i + 1) & set->mask;
    return &set->slots[i];
}

static void merge_env(Config *to, const StringList *image, struct arena *arena)
{
    const StringList *own = to->env;
    if (list_len(own) == 0) {
        to->env = (StringList *)(uintptr_t)image;
        return;
    }
    StringList *all = arena_alloc(arena, sizeof *all);
    sockerless__string_list__init(all);
    all->items = arena_calloc(arena, own->n_items + list_len(image), sizeof *all->items);
    struct key_set keys = key_set_new(own->n_items, arena);
    for (size_t i = 0; i < own->n_items; i++) {
        all->items[i] = own->items[i];
        *key_set_slot(&keys, own->items[i]) = &all->items[i];
    }
    all->n_items = own->n_items;
    for (size_t i = 0; i < list_len(image); i++)
        if (!*key_set_slot(&keys, image->items[i]))
            all->items[all->n_items++] = image->items[i];
    to->env = all;
}

/* ---- sets ---- */

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Union, sorted, without duplicates. */
static void merge_names(char ***names, size_t *count, char **more, size_t more_count,
                        struct arena *arena)
{
    size_t total = *count + more_count, kept = 0;
    if (total == 0)
        return;
    char **all = arena_calloc(arena, total, sizeof *all);
    if (*count)
        memcpy(all, *names, *count * sizeof *all);
    if (more_count)
        memcpy(all + *count, more, more_count * sizeof *all);
    qsort(all, total, sizeof *all, compare_strings);
    for (size_t i = 0; i < total; i++)
        if (kept == 0 || strcmp(all[kept - 1], all[i]) != 0)
            all[kept++] = all[i];
    *names = all;
    *count = kept;
}

struct ranked_label {
    Sockerless__KeyValue *pair;
    size_t rank; /* the first of equal keys wins: the container's come before the image's */
};

static int compare_labels(const void *a, const void *b)
{
    const struct ranked_label *x = a, *y = b;
    int order = strcmp(x->pair->key, y->pair->key);
    return order ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

static void merge_labels(Config *to, const Config *image, struct arena *arena)
{
    size_t total = to->n_labels + image->n_labels, kept = 0;
    if (total == 0)
        return;
    struct ranked_label *ranked = arena_calloc(arena, total, sizeof *ranked);
    for (size_t i = 0; i < total; i++)
        ranked[i] = (struct ranked_label){
            i < to->n_labels ? to->labels[i] : image->labels[i - to->n_labels], i};
    qsort(ranked, total, sizeof *ranked, compare_labels);
    Sockerless__KeyValue **all = arena_calloc(arena, total, sizeof *all);
    for (size_t i = 0; i < total; i++)
        if (kept == 0 || strcmp(all[kept - 1]->key, ranked[i].pair->key) != 0)
            all[kept++] = ranked[i].pair;
    to->labels = all;
    to->n_labels = kept;
}

/* ---- the rest ---- */

static void merge_text(char **own, char *images)
{
    if (str_empty(*own))
        *own = images;
}

static void merge_command(Config *to, const Config *image)
{
    if (list_len(to->entrypoint))
        return;
    if (list_len(to->cmd) == 0) {
        to->cmd = image->cmd;
        to->args_escaped = image->args_escaped;
    }
    if (!to->entrypoint) /* an empty list is a choice, absence is not */
        to->entrypoint = image->entrypoint;
}

static void merge_healthcheck(Config *to, const Config *image, struct arena *arena)
{
    const Sockerless__Healthcheck *theirs = image->healthcheck;
    if (!theirs)
        return;
    if (!to->healthcheck) {
        to->healthcheck = image->healthcheck;
        return;
    }
    Sockerless__Healthcheck *both = arena_alloc(arena, sizeof *both);
    *both = *to->healthcheck;
    if (both->n_test == 0) {
        both->test = theirs->test;
        both->n_test = theirs->n_test;
    }
    both->interval_ns = both->interval_ns ? both->interval_ns : theirs->interval_ns;
    both->timeout_ns = both->timeout_ns ? both->timeout_ns : theirs->timeout_ns;
    both->start_period_ns = both->start_period_ns ? both->start_period_ns : theirs->start_period_ns;
    both->start_interval_ns =
        both->start_interval_ns ? both->start_interval_ns : theirs->start_interval_ns;
    both->retries = both->retries ? both->retries : theirs->retries;
    to->healthcheck = both;
}

static void merge_image(Config *to, const Config *image, struct arena *arena)
{
    merge_text(&to->user, image->user);
    merge_text(&to->working_dir, image->working_dir);
    merge_text(&to->stop_signal, image->stop_signal);
    merge_env(to, image->env, arena);
    merge_names(&to->exposed_ports, &to->n_exposed_ports, image->exposed_ports,
                image->n_exposed_ports, arena);
    merge_names(&to->volumes, &to->n_volumes, image->volumes, image->n_volumes, arena);
    merge_labels(to, image, arena);
    merge_command(to, image);
    merge_healthcheck(to, image, arena);
}

static int check_config(const Config *c, struct error *err)
{
    if (list_len(c->entrypoint) == 0 && list_len(c->cmd) == 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "No command specified");
    return 0;
}

static void split_command(struct container_command *out, struct arena *arena)
{
    const StringList *lists[] = {out->config->entrypoint, out->config->cmd};
    size_t total = list_len(lists[0]) + list_len(lists[1]), n = 0;
    char **argv = arena_calloc(arena, total + 1, sizeof *argv);
    for (size_t l = 0; l < ARRAY_LEN(lists); l++)
        for (size_t i = 0; i < list_len(lists[l]); i++)
            argv[n++] = lists[l]->items[i];
    out->path = argv[0];
    out->args = argv + 1;
    out->arg_count = total - 1;
}

static Config *config_copy(const Config *c, struct arena *arena)
{
    size_t size = sockerless__container_config__get_packed_size(c);
    uint8_t *packed = xmalloc(size + 1);
    sockerless__container_config__pack(c, packed);
    Config *copy = sockerless__container_config__unpack(&arena->protobuf, size, packed);
    free(packed);
    return copy;
}

int container_config_merge(const Config *user, const Config *image, struct arena *arena,
                           struct container_command *out, struct error *err)
{
    Config merged = *user;
    static const Config nothing = SOCKERLESS__CONTAINER_CONFIG__INIT;
    merge_image(&merged, image ? image : &nothing, arena);
    if (list_len(merged.entrypoint) == 1 && merged.entrypoint->items[0][0] == '\0')
        merged.entrypoint = NULL;
    if (check_config(&merged, err))
        return -1;
    out->config = config_copy(&merged, arena);
    if (!out->config)
        return error_set(err, ERROR_SYSTEM, "cannot copy the container's configuration");
    split_command(out, arena);
    return 0;
}

/* ---- environment ---- */

struct environment {
    char **items;
    size_t count;
    size_t defaults; /* how many are of earlier stages */
    struct key_set keys;
};

static bool has_value(const char *entry)
{
    return strchr(entry, '=') != NULL;
}

static void environment_put(struct environment *env, char *entry)
{
    char ***slot = key_set_slot(&env->keys, entry);
    bool own = *slot && (size_t)(*slot - env->items) >= env->defaults;
    if (own && !has_value(entry))
        return;
    if (!*slot)
        *slot = &env->items[env->count++];
    **slot = entry;
}

static void environment_put_list(struct environment *env, const StringList *list,
                                 struct arena *arena)
{
    env->defaults = env->count;
    for (size_t i = 0; i < list_len(list); i++)
        environment_put(env, arena_strdup(arena, list->items[i]));
}

struct container_environment container_environment(const Config *config, const StringList *over,
                                                   const char *hostname, struct arena *arena)
{
    static const char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    size_t most = list_len(config->env) + list_len(over) + 4;
    struct environment env = {.items = arena_calloc(arena, most, sizeof *env.items),
                              .keys = key_set_new(most, arena)};
    environment_put(&env, arena_strdup(arena, path));
    if (hostname)
        environment_put(&env, arena_printf(arena, "HOSTNAME=%s", hostname));
    if (config->tty)
        environment_put(&env, arena_strdup(arena, "TERM=xterm"));
    environment_put_list(&env, config->env, arena);
    environment_put_list(&env, over, arena);
    struct container_environment out = {.set = arena_calloc(arena, most, sizeof *out.set),
                                        .unset = arena_calloc(arena, most, sizeof *out.unset)};
    for (size_t i = 0; i < env.count; i++)
        if (has_value(env.items[i]))
            out.set[out.set_count++] = env.items[i];
        else
            out.unset[out.unset_count++] = env.items[i];
    return out;
}

bool container_has_healthcheck(const Config *config)
{
    const Sockerless__Healthcheck *h = config->healthcheck;
    return h && h->n_test && h->test[0][0] && strcmp(h->test[0], "NONE") != 0;
}
