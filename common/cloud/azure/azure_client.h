/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of Azure Resource Manager and Log Analytics: paced below the quotas, authorized, repeated
 * when that is safe. Between a backend's files and the credential chain.
 */
#ifndef SOCKERLESS_AZURE_CLIENT_H
#define SOCKERLESS_AZURE_CLIENT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/token_bucket.h"
#include "cloud/azure/azure_credentials.h"
#include "cloud/cloud_error.h"
#include "loop/http_client.h"
#include "loop/loop.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct azure_client_options { /* all is borrowed for the client's lifetime */
    struct loop *loop;
    struct http_client *http;
    struct azure_credential_chain *credentials;
    const char *endpoint_url; /* NULL: the real hosts */
};

struct azure_client;
struct azure_client *azure_client_new(const struct azure_client_options *options);
void azure_client_free(struct azure_client *c); /* no call may be under way */

struct azure_call {
    enum azure_audience audience; /* AZURE_ARM or AZURE_LOG_ANALYTICS: which host */
    const char *service;          /* for messages: "aca" */
    const char *what;             /* for messages: "put job" */
    const char *method;
    const char *path; /* "/subscriptions/…?api-version=…"; already encoded. Or a whole URL of the
                       * same host, as answers hold them: elsewhere no token is sent */
    const struct buf *body;      /* NULL: none */
    const char *prefer;          /* value of the header "Prefer"; NULL: none */
    struct token_bucket *bucket; /* the quota it falls under; NULL: none */
    bool repeatable;             /* carrying it out twice does no harm */
    int64_t timeout_ms;          /* of one attempt; 0: 30 s */
    int64_t deadline_ms;         /* of all, monotonic; 0: the usual */
};

/* An answer. Owned by the caller: azure_reply_free. */
struct azure_reply {
    long status;
    json_t *doc;                /* an object, {} for an empty answer */
    char *operation, *location; /* URLs to poll; NULL: the header is absent */
    int64_t retry_after_ms;     /* -1: not said */
};
void azure_reply_free(struct azure_reply *r);
static inline void auto_release_azure_reply(struct azure_reply *r)
{
    azure_reply_free(r);
}

/* On failure *why tells the service's own words (http 0: no answer) and *err is complete. *reply is
 * overwritten, and set on success only. */
int co_azure_call(struct azure_client *c, const struct azure_call *call, struct azure_reply *reply,
                  struct cloud_error *why, struct error *err) MUST_CHECK;

#endif
