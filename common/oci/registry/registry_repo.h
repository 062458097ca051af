/* SPDX-License-Identifier: Apache-2.0
 *
 * One identity towards one repository of a registry, and what can be done there: manifests, blobs,
 * uploads (OCI distribution spec v1.1, endpoints end-1 to end-11). Under registry.h's image fetch
 * and under push, save, load and image_layer injection.
 *
 * Every request logs in as challenged, repeats once after a 401 with a new token, waits out 429 and
 * 503 as Retry-After says (full jitter without; REGISTRY_TRIES in all, never longer than the
 * session's deadline), and repeats what is idempotent after a connection error. RateLimit-Remaining
 * is logged when it is there.
 * Errors are Docker's texts, codes as listed in registry.h.
 */
#ifndef SOCKERLESS_OCI_REGISTRY_REPO_H
#define SOCKERLESS_OCI_REGISTRY_REPO_H

#include "base/arena.h"
#include "base/error.h"
#include "oci/name/digest.h"
#include "oci/name/image_ref.h"
#include "oci/registry/registry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REGISTRY_TRIES = 5,
    /* Piece of an upload. At least 5 MiB for ECR; held in memory until the registry has it. */
    REGISTRY_CHUNK = 8 * 1024 * 1024,
    REGISTRY_TAGS_MAX = 10000,
};

struct registry_repo;

struct registry_repo_options {   /* all borrowed for the call, login_arg for the repo's lifetime */
    const struct image_ref *ref; /* domain and path count; the rest is for messages */
    const void *auth_json;       /* as registry_fetch */
    size_t auth_json_len;
    co_registry_login_fn login; /* may be NULL */
    void *login_arg;
    bool push; /* scope pull,push; and the registry itself instead of a mirror */
    /* Another repository of the same registry that blobs are mounted from: its pull scope is asked
     * for, too. NULL: none. Path as in image_ref. */
    const char *mount_from;
};
int registry_repo_open(struct registry_client *c, const struct registry_repo_options *options,
                       struct registry_repo **out, struct error *err) MUST_CHECK;
void registry_repo_close(struct registry_repo *r); /* no call may be under way; NULL allowed */
/* Both use the same registry (base URL), so that mounting may work. */
bool registry_repo_same_registry(const struct registry_repo *a, const struct registry_repo *b);

/* A call failed for want of any login: the registry takes a password only. (With a token service it
 * fails as refused, ERROR_UNAUTHORIZED or ERROR_NOT_FOUND.) */
bool registry_repo_login_missing(const struct registry_repo *r);

/* ---- manifests ---- */
struct registry_manifest { /* in the arena */
    char *media_type;
    char digest[DIGEST_MAX];
    void *bytes; /* NULL after head */
    size_t len;
};
/* reference: tag or digest. HEAD; when the registry cannot (no digest in the answer, 405), GET.
 * ERROR_NOT_FOUND when there is none. */
int co_registry_manifest_head(struct registry_repo *r, const char *reference, struct arena *arena,
                              struct registry_manifest *out, struct error *err) MUST_CHECK;
/* Verified against the digest (reference's own, or the answer's). */
int co_registry_manifest_get(struct registry_repo *r, const char *reference, struct arena *arena,
                             struct registry_manifest *out, struct error *err) MUST_CHECK;
int co_registry_manifest_put(struct registry_repo *r, const char *reference, const char *media_type,
                             const void *bytes, size_t len, struct error *err) MUST_CHECK;
/* Every tag, over all pages; arena array. More than REGISTRY_TAGS_MAX: ERROR_TOO_LARGE. */
int co_registry_tags(struct registry_repo *r, struct arena *arena, char ***out, size_t *count,
                     struct error *err) MUST_CHECK;

/* ---- blobs ---- */
int co_registry_blob_exists(struct registry_repo *r, const char *digest, bool *exists,
                            struct error *err) MUST_CHECK;
/* A small blob into the arena (configs), verified. size -1: unknown. */
int co_registry_blob_get(struct registry_repo *r, const char *digest, int64_t size, size_t max,
                         struct arena *arena, void **bytes, size_t *len,
                         struct error *err) MUST_CHECK;
/* Uploads a small blob unless it is there. */
int co_registry_blob_put(struct registry_repo *r, const char *digest, const void *bytes, size_t len,
                         struct error *err) MUST_CHECK;
/* *mounted false: the registry refused (or has no such blob there): upload it. */
int co_registry_blob_mount(struct registry_repo *r, const char *digest, const char *from,
                           bool *mounted, struct error *err) MUST_CHECK;

/* A large blob, piece by piece; digest and size are verified: a wrong one makes the last read fail.
 * A connection that breaks is resumed (Range) as often as REGISTRY_TRIES allows. */
struct registry_blob;
int co_registry_blob_open(struct registry_repo *r, const char *digest, int64_t size,
                          struct registry_blob **out, struct error *err) MUST_CHECK;
int co_registry_blob_read(struct registry_blob *b, void *out, size_t max, size_t *got,
                          struct error *err) MUST_CHECK; /* *got 0: complete and verified */
void registry_blob_close(struct registry_blob *b);

/* Upload in pieces. A piece that fails half-way is resumed where the registry says it is. */
struct registry_upload;
int co_registry_upload_open(struct registry_repo *r, struct registry_upload **out,
                            struct error *err) MUST_CHECK;
/* Pieces of REGISTRY_CHUNK, only the last one smaller. Borrowed for the call. */
int co_registry_upload_write(struct registry_upload *u, const void *bytes, size_t len,
                             struct error *err) MUST_CHECK;
int co_registry_upload_finish(struct registry_upload *u, const char *digest,
                              struct error *err) MUST_CHECK;
/* Always, after finish too; an unfinished upload is cancelled (DELETE), best effort. */
void co_registry_upload_close(struct registry_upload *u);

/* From one repository to another: there already → nothing; same registry → mount; else through us,
 * REGISTRY_CHUNK at a time. progress (may be NULL) is told how many bytes were copied. */
enum blob_copy_result { BLOB_EXISTED, BLOB_MOUNTED, BLOB_COPIED };
int co_registry_blob_copy(struct registry_repo *from, struct registry_repo *to, const char *digest,
                          int64_t size, void (*progress)(void *arg, int64_t current), void *arg,
                          enum blob_copy_result *result, struct error *err) MUST_CHECK;

/* ---- login ---- */
/* `docker login`: GET /v2/ with these credentials, through the token service if there is one.
 * Wrong ones: ERROR_UNAUTHORIZED. *identity_token: heap string or NULL. host: as in a reference's
 * domain ("docker.io"). */
int co_registry_check_login(struct registry_client *c, const char *host,
                            const struct registry_login *login, char **identity_token,
                            struct error *err) MUST_CHECK;

#endif
