/* SPDX-License-Identifier: Apache-2.0
 *
 * What all resources of Google's APIs have in common: they are read by name, listed in pages, and
 * changed by calls that begin an operation (gcp_operation.h).
 */
#ifndef SOCKERLESS_GCP_RESOURCE_H
#define SOCKERLESS_GCP_RESOURCE_H

#include "cloud/gcp/gcp_client.h"

struct gcp_service { /* all is borrowed for the call */
    struct gcp_client *client;
    const char *name, *version; /* "run", "v2" */
    struct token_bucket *reads, *writes;
};

/* GET VERSION/NAME. *reply as of co_gcp_call. */
int co_gcp_get(const struct gcp_service *s, const char *what, const char *name, json_t **reply,
               struct cloud_error *why, struct error *err) MUST_CHECK;
/* A write that does no harm when it is carried out twice. target: "NAME" or "NAME:verb", with its
 * query, behind VERSION; body: NULL: none. *reply as of co_gcp_call. */
int co_gcp_change(const struct gcp_service *s, const char *what, const char *method,
                  const char *target, const struct buf *body, json_t **reply,
                  struct cloud_error *why, struct error *err) MUST_CHECK;
/* Every item of a list, on all pages. collection: "projects/P/locations/L/jobs", with a query or
 * without; key: the answers' array. */
int co_gcp_list(const struct gcp_service *s, const char *what, const char *collection,
                const char *key, void (*take)(void *arg, const json_t *item), void *arg,
                struct error *err) MUST_CHECK;

#endif
