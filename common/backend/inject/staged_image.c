/* SPDX-License-Identifier: Apache-2.0
 * Images made once; see staged_image.h. One entry an image: whoever comes first makes it, others
 * wait for it. */
#include "backend/inject/staged_image.h"

#include "backend/image/staging.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "loop/co.h"
#include "oci/registry/registry_repo.h"

#include <string.h>
#include <uthash.h>

enum {
    ENTRIES_MAX = 1024,
    NAME_SIZE = 32 + DIGEST_MAX,
    WAIT_MS = 3600 * 1000, /* for another's work, which has deadlines of its own */
};

struct entry {
    char name[NAME_SIZE]; /* "kind:key" */
    char *reference;      /* NULL: being made */
    bool failed;
    struct error why;
    struct co_cond changed;
    unsigned users; /* maker and waiters */
    UT_hash_handle hh;
};

struct staged_images {
    struct entry *entries; /* in order of insertion */
};

struct staged_images *staged_images_new(void)
{
    return NEW(struct staged_images);
}

static void entry_free(struct entry *e)
{
    free(e->reference);
    free(e);
}

void staged_images_free(struct staged_images *s)
{
    struct entry *e, *next;
    if (!s)
        return;
    HASH_ITER(hh, s->entries, e, next)
    {
        HASH_DEL(s->entries, e);
        entry_free(e);
    }
    free(s);
}

/* ---- what was made before ---- */

/* NULL: nothing usable is remembered. A registry that does not answer is an error. */
static int co_recall(struct backend *b, const struct staged_image *image, const char *name,
                     char **reference, struct error *err)
{
    AUTO(arena) struct arena arena;
    AUTO_FREE char *kept = store_meta_get(b->store, name);
    struct registry_manifest manifest;
    struct registry_repo *repo;
    arena_init(&arena);
    *reference = NULL;
    const char *digest = kept ? strrchr(kept, '@') : NULL;
    if (!digest || !digest_valid(digest + 1) ||
        strcmp(kept, repository_at_digest(image->repository, digest + 1, &arena)) != 0)
        return 0;
    if (staging_open(b, image->repository, NULL, &repo, err))
        return -1;
    int rc = co_registry_manifest_head(repo, digest + 1, &arena, &manifest, err);
    registry_repo_close(repo);
    if (rc)
        return err->code == ERROR_NOT_FOUND ? 0 : -1;
    *reference = xstrdup(kept);
    return 0;
}

/* *reference: heap. */
static int co_recall_or_make(struct backend *b, const struct staged_image *image, const char *name,
                             char **reference, struct error *err)
{
    AUTO(arena) struct arena arena;
    char digest[DIGEST_MAX];
    int64_t began = time_mono_ms();
    arena_init(&arena);
    if (co_recall(b, image, name, reference, err))
        return -1;
    if (*reference)
        return 0;
    if (image->co_make(image->arg, digest, err))
        return -1;
    const char *made = repository_at_digest(image->repository, digest, &arena);
    log_info("image made for the cloud", LOG_STR("kind", image->kind),
             LOG_STR("image", image->from), LOG_STR("as", made),
             LOG_INT("took_ms", time_mono_ms() - began));
    if (store_meta_put(b->store, name, made, err))
        return -1;
    *reference = xstrdup(made);
    return 0;
}

/* ---- entries ---- */

/* The oldest without a waiting caller is dropped; the store still has it. */
static void entries_bound(struct staged_images *s)
{
    struct entry *e, *next;
    if (HASH_COUNT(s->entries) < ENTRIES_MAX)
        return;
    HASH_ITER(hh, s->entries, e, next)
    {
        if (e->users)
            continue;
        HASH_DEL(s->entries, e);
        entry_free(e);
        return;
    }
}

static struct entry *entry_add(struct staged_images *s, const char *name)
{
    struct entry *e = NEW(struct entry);
    entries_bound(s);
    strcpy(e->name, name);
    HASH_ADD_STR(s->entries, name, e);
    return e;
}

/* A failure is not remembered: the entry is freed with its last user. */
static void entry_unref(struct entry *e)
{
    if (--e->users == 0 && e->failed)
        entry_free(e);
}

/* reference: transferred; NULL: it failed. */
static void entry_settle(struct staged_images *s, struct entry *e, char *reference,
                         const struct error *why)
{
    e->reference = reference;
    if (!reference) {
        e->failed = true;
        e->why = *why;
        HASH_DEL(s->entries, e);
    }
    co_cond_broadcast(&e->changed);
}

static int co_entry_wait(struct entry *e, struct error *err)
{
    int64_t deadline_ms = time_mono_ms() + WAIT_MS;
    while (!e->reference && !e->failed)
        if (co_cond_wait(&e->changed, deadline_ms, err))
            return -1;
    return 0;
}

int co_staged_image(struct backend *b, const struct staged_image *image, struct arena *arena,
                    char **out, struct error *err)
{
    struct entry *e;
    struct error why;
    char name[NAME_SIZE];
    int rc = 0;
    snprintf(name, sizeof name, "%s:%s", image->kind, image->key);
    HASH_FIND_STR(b->staged->entries, name, e);
    if (e) {
        e->users++;
        rc = co_entry_wait(e, &why);
    } else {
        char *reference = NULL;
        e = entry_add(b->staged, name);
        e->users++;
        bool made = co_recall_or_make(b, image, name, &reference, &why) == 0;
        entry_settle(b->staged, e, made ? reference : NULL, &why);
    }
    if (rc == 0 && !e->failed)
        *out = arena_strdup(arena, e->reference);
    else
        *err = rc ? why : e->why;
    rc = rc || e->failed ? -1 : 0;
    entry_unref(e);
    return rc;
}
