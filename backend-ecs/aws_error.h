/* SPDX-License-Identifier: Apache-2.0
 *
 * What an AWS service says when it refuses: parsing of both protocols' error bodies, whether to try
 * again, and which of our error codes it is. Pure; used by aws_client.c and aws_sts.c.
 */
#ifndef SOCKERLESS_AWS_ERROR_H
#define SOCKERLESS_AWS_ERROR_H

#include "base/error.h"
#include "loop/http_client.h"

#include <stdbool.h>
#include <stddef.h>

struct aws_error {
    long status;   /* HTTP; 0: no answer arrived */
    char code[96]; /* "ClientException"; "" unknown */
    char message[640];
    char request_id[80];
    bool ambiguous; /* the call may have been carried out all the same */
};

enum aws_retry {
    AWS_RETRY_NO,
    AWS_RETRY_THROTTLED,   /* not carried out; slow down */
    AWS_RETRY_SERVER,      /* 5xx: may have been carried out */
    AWS_RETRY_CREDENTIALS, /* not carried out; get new credentials first */
};

/* Fill *out from a response whose status is not 2xx. Bodies may be JSON, XML, HTML or empty. */
void aws_error_parse(const struct http_response *res, struct aws_error *out);
/* The parsing proper: `type_header` is x-amzn-ErrorType or NULL. Sets code and message. */
void aws_error_parse_body(const char *type_header, const char *body, size_t len,
                          struct aws_error *out);

enum aws_retry aws_error_retry(const struct aws_error *e);
bool aws_error_is(const struct aws_error *e, const char *code);
/* "ecs: RunTask: AccessDeniedException: text (request id …)", with a hint where there is one. */
int aws_error_fill(const struct aws_error *e, const char *service, const char *operation,
                   struct error *err);

#endif
