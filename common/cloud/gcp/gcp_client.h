/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of Google's JSON APIs: paced below the quotas, authorized, repeated when that is safe.
 * Between a backend's files and the credential chain.
 */
#ifndef SOCKERLESS_GCP_CLIENT_H
#define SOCKERLESS_GCP_CLIENT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/token_bucket.h"
#include "cloud/gcp/gcp_credentials.h"
#include "cloud/gcp/gcp_error.h"
#include "loop/http_client.h"
#include "loop/loop.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct gcp_client_options { /* all is borrowed for the client's lifetime */
    struct loop *loop;
    struct http_client *http;
    struct gcp_credential_chain *credentials;
    const char *endpoint_url; /* NULL: the real hosts */
    int64_t timeout_ms;       /* of one attempt; 0: 30 s */
};

struct gcp_client;
struct gcp_client *gcp_client_new(const struct gcp_client_options *options);
void gcp_client_free(struct gcp_client *c); /* no call may be under way */

struct gcp_call {
    const char *service; /* "run": SERVICE.googleapis.com */
    const char *what;    /* for messages: "create job" */
    const char *method;
    const char *path;            /* "v2/projects/…", with its query; already encoded */
    const struct buf *body;      /* NULL: none */
    struct token_bucket *bucket; /* the quota it falls under; NULL: none */
    bool repeatable;             /* carrying it out twice does no harm */
};

/* *reply: a JSON object, {} for an empty answer, owned by the caller, set on success only. On
 * failure *why tells the service's own words (http 0: no answer) and *err is complete. */
int co_gcp_call(struct gcp_client *c, const struct gcp_call *call, json_t **reply,
                struct cloud_error *why, struct error *err) MUST_CHECK;

#endif
