/* SPDX-License-Identifier: Apache-2.0
 *
 * What Azure says when it refuses: {"error": {"code", "message", "details", "innererror"}} of Azure
 * Resource Manager and Log Analytics, whether to try again, and which of our error codes it is.
 * Pure; used by azure_client.c and azure_operation.c.
 */
#ifndef SOCKERLESS_AZURE_ERROR_H
#define SOCKERLESS_AZURE_ERROR_H

#include "cloud/cloud_error.h"
#include "loop/http_client.h"

#include <jansson.h>

/* From an answer that is not 2xx. */
void azure_error_parse(const struct http_response *res, struct cloud_error *out);
/* From the "error" of an operation that failed late, or of a result; NULL: it has none. */
void azure_error_from(const json_t *error, struct cloud_error *out);

#endif
