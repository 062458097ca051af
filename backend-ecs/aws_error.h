/* SPDX-License-Identifier: Apache-2.0
 *
 * What an AWS service says when it refuses: parsing of both protocols' error bodies, whether to try
 * again, and which of our error codes it is. Pure; used by aws_client.c and aws_sts.c.
 */
#ifndef SOCKERLESS_AWS_ERROR_H
#define SOCKERLESS_AWS_ERROR_H

#include "cloud/cloud_error.h"
#include "loop/http_client.h"

#include <stddef.h>

/* Fill *out from a response whose status is not 2xx. Bodies may be JSON, XML, HTML or empty. */
void aws_error_parse(const struct http_response *res, struct cloud_error *out);
/* The parsing proper: `type_header` is x-amzn-ErrorType or NULL. Sets code and message. */
void aws_error_parse_body(const char *type_header, const char *body, size_t len,
                          struct cloud_error *out);

/* Verdict, error code and hint, from status, code and message. */
void aws_error_judge(struct cloud_error *e);

#endif
