/* SPDX-License-Identifier: Apache-2.0
 *
 * Verification of AWS Signature Version 4 (header form), step by step as the vendor's "Create a
 * signed AWS API request" describes it.
 */
#ifndef SOCKERLESS_SIM_AWS_SIGV4_H
#define SOCKERLESS_SIM_AWS_SIGV4_H

#include "base/buf.h"
#include "test/sim/http/server.h"

#include <stdint.h>

/* The parts of an Authorization header. */
struct sigv4_scope {
    char access_key[129], date[9], region[33], service[65];
    char signed_headers[1025], signature[65];
};

enum sigv4_result {
    SIGV4_OK,
    SIGV4_MISSING,    /* no Authorization header */
    SIGV4_INCOMPLETE, /* it cannot be parsed, or an obligatory header is not signed */
    SIGV4_EXPIRED,    /* x-amz-date more than five minutes off */
    SIGV4_MISMATCH,   /* another secret, or the request was changed */
};

enum { SIGV4_MAX_SKEW_S = 300 };

enum sigv4_result sigv4_parse(const struct http_request *request, struct sigv4_scope *out);
/* now_s: seconds since the epoch. */
enum sigv4_result sigv4_verify(const struct http_request *request, const struct sigv4_scope *scope,
                               const char *secret_key, int64_t now_s);
/* The canonical request, for messages and tests. */
void sigv4_canonical_request(const struct http_request *request, const char *signed_headers,
                             struct buf *out);

#endif
