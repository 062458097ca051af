/* SPDX-License-Identifier: Apache-2.0
 *
 * What a Google API says when it refuses: {"error": {"code", "status", "message", "details"}}
 * (API design guide, "Errors"), whether to try again, and which of our error codes it is. Pure;
 * used by gcp_client.c and gcp_operation.c.
 */
#ifndef SOCKERLESS_GCP_ERROR_H
#define SOCKERLESS_GCP_ERROR_H

#include "base/error.h"
#include "loop/http_client.h"

#include <jansson.h>
#include <stdbool.h>

struct gcp_error {
    long http;       /* HTTP status; 0: no answer arrived, or it is an operation's error */
    char status[48]; /* "NOT_FOUND"; "" unknown */
    char message[640];
    char request_id[96];
    bool ambiguous; /* the call may have been carried out all the same */
};

enum gcp_retry {
    GCP_RETRY_NO,
    GCP_RETRY_THROTTLED,   /* not carried out; slow down */
    GCP_RETRY_SERVER,      /* may have been carried out */
    GCP_RETRY_CREDENTIALS, /* not carried out; get a new token first */
};

/* Fill *out from a response whose status is not 2xx. Bodies may be JSON, HTML or empty. */
void gcp_error_parse(const struct http_response *res, struct gcp_error *out);
/* From a google.rpc.Status: the error of an operation. Its code is gRPC's number. */
void gcp_error_from_status(const json_t *status, struct gcp_error *out);

enum gcp_retry gcp_error_retry(const struct gcp_error *e);
bool gcp_error_is(const struct gcp_error *e, const char *status);
/* "run: create job: PERMISSION_DENIED: text (request id …)", with a hint where there is one. */
int gcp_error_fill(const struct gcp_error *e, const char *service, const char *what,
                   struct error *err);

#endif
