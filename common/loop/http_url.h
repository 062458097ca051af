/* SPDX-License-Identifier: Apache-2.0
 *
 * URLs as HTTP answers hold them: relative Locations, queries, whose host it is. Parsed by libcurl,
 * as it will parse them when it sends. And what requests put into them.
 */
#ifndef SOCKERLESS_LOOP_HTTP_URL_H
#define SOCKERLESS_LOOP_HTTP_URL_H

#include "base/buf.h"

#include <stdbool.h>

enum { HTTP_URL_MAX = 8192 };

/* reference (absolute, or relative to base) made absolute. Heap string; NULL when it is no http or
 * https URL, or longer than HTTP_URL_MAX. */
char *http_url_resolve(const char *base, const char *reference);
/* The same scheme, host and port: what a credential is for. */
bool http_url_same_origin(const char *a, const char *b);
/* url with one more query parameter, percent-encoded. Heap string. */
char *http_url_with_query(const char *url, const char *name, const char *value);
/* host: of a URL, without a port; IPv6 in brackets. */
bool http_host_is_loopback(const char *host);
/* Percent-encoded for one segment of a path or a value of a query; heap string. */
char *http_url_encode(const char *text);
/* name=value of a form or a query, percent-encoded, with an '&' before it unless it is the first.
 */
void http_form_put(struct buf *form, const char *name, const char *value);

#endif
