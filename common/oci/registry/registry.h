/* SPDX-License-Identifier: Apache-2.0
 *
 * Registry client: what is needed to know an image without its layers, i.e. manifest and
 * configuration (OCI distribution spec, pulling manifests and blobs). The clouds pull the layers
 * themselves.
 */
#ifndef SOCKERLESS_OCI_REGISTRY_H
#define SOCKERLESS_OCI_REGISTRY_H

#include "base/arena.h"
#include "base/error.h"
#include "loop/http_client.h"
#include "oci/name/image_ref.h"
#include "oci/document/manifest.h"
#include "oci/registry/registry_auth.h"

#include "proto/sockerless.pb-c.h"

#include <stddef.h>
#include <stdint.h>

enum { REGISTRY_MANIFEST_MAX = 4 * 1024 * 1024, REGISTRY_CONFIG_MAX = 8 * 1024 * 1024 };

struct registry_client;

struct registry_options { /* strings are copied; all may be NULL */
    const char *mirrors;  /* see registry_hosts.h */
    const char *endpoints;
    const char *insecure;
    const char *ca_file;  /* CAs besides the system's */
    const char *platform; /* default choice from an index; NULL: linux/amd64 */
    int64_t timeout_ms;   /* of one request, or of a standstill in a large one; 0: 30,000 */
    int64_t backoff_ms;   /* before the first repetition, at most; 0: 200 */
};

/* http: borrowed for the client's lifetime. */
int registry_client_open(struct http_client *http, const struct registry_options *options,
                         struct registry_client **out, struct error *err) MUST_CHECK;
void registry_client_close(struct registry_client *c); /* no fetch may be under way */

struct registry_fetch { /* all borrowed for the call */
    const struct image_ref *ref;
    const void *auth_json; /* X-Registry-Auth, decoded; NULL or empty: none */
    size_t auth_json_len;
    const char *platform; /* asked for by the client; NULL or "": the registry client's default */
    co_registry_login_fn login; /* asked when challenged and auth_json has nothing; may be NULL */
    void *login_arg;
};

struct registry_image {       /* in the arena */
    Sockerless__Image *image; /* id, size (of the layers as stored), all that the config says */
    char *manifest_digest;    /* of what the reference names: the index's, if it is one */
    char *platform_digest;    /* of the platform's own manifest; equal when there is no index */
    struct descriptor *layers;
    size_t layer_count;
    int64_t size;
    void *raw_config;
    size_t raw_config_len;
    void *raw_manifest; /* the platform's, verbatim */
    size_t raw_manifest_len;
    char *manifest_type; /* its media type */
};

/* Everything is verified against its digest. Errors have Docker's texts:
 *   ERROR_NOT_FOUND          manifest for R:T not found: … ; pull access denied for R, … ;
 *                            no matching manifest for linux/amd64 …
 *   ERROR_UNAUTHORIZED       wrong credentials
 *   ERROR_SYSTEM             registry unreachable, no credentials for Basic, wrong digests
 *   ERROR_UNAVAILABLE, ERROR_TOO_MANY_REQUESTS   the registry's own 5xx, 429
 *   ERROR_TOO_LARGE, ERROR_INVALID_PARAMETER     what it sent is no usable image
 *   ERROR_CANCELLED */
int co_registry_fetch_image(struct registry_client *c, const struct registry_fetch *what,
                            struct arena *arena, struct registry_image *out,
                            struct error *err) MUST_CHECK;

#endif
