/* SPDX-License-Identifier: Apache-2.0
 *
 * What a Google API says when it refuses: {"error": {"code", "status", "message", "details"}}
 * (API design guide, "Errors"), whether to try again, and which of our error codes it is. Pure;
 * used by gcp_client.c and gcp_operation.c.
 */
#ifndef SOCKERLESS_GCP_ERROR_H
#define SOCKERLESS_GCP_ERROR_H

#include "cloud/cloud_error.h"
#include "loop/http_client.h"

#include <jansson.h>
#include <stdbool.h>

/* Fill *out from a response whose status is not 2xx. Bodies may be JSON, HTML or empty. */
void gcp_error_parse(const struct http_response *res, struct cloud_error *out);
/* From a google.rpc.Status: the error of an operation. Its code is gRPC's number. */
void gcp_error_from_status(const json_t *status, struct cloud_error *out);

/* The status is this one, or what its HTTP status stands for. */
bool gcp_error_is(const struct cloud_error *e, const char *status);

#endif
