/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates in HTTP headers (RFC 9110, 5.6.7), and Retry-After (10.2.3), which may hold one.
 */
#ifndef SOCKERLESS_BASE_HTTP_DATE_H
#define SOCKERLESS_BASE_HTTP_DATE_H

#include <stdbool.h>
#include <stdint.h>

/* "Sun, 06 Nov 1994 08:49:37 GMT", and the two obsolete forms that a recipient must accept.
 * Seconds since the epoch. */
bool http_date_parse(const char *text, int64_t *seconds);

/* What a Retry-After header asks for, counted from now_s (seconds since the epoch): milliseconds,
 * never negative, at most INT32_MAX seconds. -1: no header (NULL), or neither number nor date. */
int64_t http_date_retry_after_ms(const char *value, int64_t now_s);

#endif
