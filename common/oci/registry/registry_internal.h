/* SPDX-License-Identifier: Apache-2.0
 *
 * What the registry_*.c files share: the client, a repository, and one request of it with its
 * logins and repetitions.
 */
#ifndef SOCKERLESS_OCI_REGISTRY_INTERNAL_H
#define SOCKERLESS_OCI_REGISTRY_INTERNAL_H

#include "loop/http_stream.h"
#include "oci/name/platform.h"
#include "oci/registry/registry.h"
#include "oci/registry/registry_auth.h"
#include "oci/registry/registry_hosts.h"
#include "oci/registry/registry_repo.h"

struct registry_client {
    struct http_client *http;
    struct registry_hosts *hosts;
    struct registry_auth *auth;
    char *ca_file;
    struct platform platform;
    int64_t timeout_ms, backoff_ms;
};

struct registry_repo {
    struct registry_client *client;
    struct image_ref ref;
    const struct image_ref *named; /* for errors: &ref for pulls, NULL for pushes and logins */
    struct registry_endpoint endpoint;
    char path[128 + IMAGE_REF_NAME_MAX + 1]; /* with the endpoint's prefix */
    struct auth_session session;
    bool reached; /* the registry has answered something */
    bool is_push;
};

/* Points the session at the repo's own endpoint; fill ref and endpoint before. */
void registry_repo_init(struct registry_repo *r, struct registry_client *c,
                        struct registry_auth *auth);

/* After what a request is sent again. */
enum registry_repeat {
    REPEAT_NEVER = 0,
    REPEAT_BROKEN = 1, /* connections that break, once the registry has been reached */
    REPEAT_5XX = 2,
    REPEAT_429 = 4,
    REPEAT_ALL = 7,
};

struct registry_call {
    const char *method, *url;
    const char *const *headers; /* beside Authorization; at most REGISTRY_HEADERS_MAX, or NULL */
    const void *body;           /* NULL: none; otherwise the timeout is for standstill */
    size_t body_len;
    size_t max; /* of the answer's body, when it is not streamed; 0: a small one */
    unsigned repeat;
    int64_t timeout_ms; /* 0: the client's */
    bool *broke;        /* may be NULL: tells whether a failure was the connection's */
};
enum { REGISTRY_HEADERS_MAX = 3 };

/* 0 whatever the status. The caller releases *res in every case. Authorization goes only to the
 * registry itself; redirects are followed for GET and HEAD. Failures have Docker's texts. */
int co_registry_call(struct registry_repo *r, const struct registry_call *call,
                     struct http_response *res, struct error *err) MUST_CHECK;
/* The same for a body to be read piece by piece: with a status of 200 or 206 *stream is set, owned
 * by the caller; else NULL, and *res has all of the answer. */
int co_registry_call_stream(struct registry_repo *r, const struct registry_call *call,
                            struct http_stream **stream, struct http_response *res,
                            struct error *err) MUST_CHECK;
/* A connection's failure in Docker's words. Returns -1. */
int registry_call_failed(const struct registry_repo *r, const char *method, const char *url,
                         struct error *err);
/* An answer that is no success. Returns -1. */
int registry_refused(const struct registry_repo *r, const struct http_response *res,
                     struct error *err);

/* It failed because the registry no longer has what it had confirmed: begin again, if that can be
 * done. */
bool registry_upload_is_lost(const struct registry_upload *u);

/* Heap string: BASE/v2/PATH/KIND/REFERENCE. */
char *registry_url(const struct registry_repo *r, const char *kind, const char *reference);

/* ERROR_INVALID_PARAMETER unless it may go into a URL. */
int registry_digest_check(const char *digest, struct error *err) MUST_CHECK;

#endif
