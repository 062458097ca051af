/* SPDX-License-Identifier: Apache-2.0
 *
 * What the simulated services read of a request: name=value pairs of forms and queries, percent
 * encoding, the bearer token, the user and password of a Basic login.
 */
#ifndef SOCKERLESS_SIM_HTTP_FORM_H
#define SOCKERLESS_SIM_HTTP_FORM_H

#include "test/sim/http/server.h"

#include <jansson.h>

/* Percent decoding, and of plus signs where they are blanks. Heap. */
char *form_decode(const char *text, size_t len, bool plus);
/* A form or query's name=value pairs; new reference. */
json_t *form_parse(const char *text);
/* A parameter of the query, decoded; heap, NULL when absent. */
char *form_parameter(const struct http_request *request, const char *name);
/* The bearer token of a request; "" when none. Borrowed. */
const char *form_bearer(const struct http_request *request);
/* The "user:password" of a Basic login; heap, "" when there is none. */
char *form_basic(const struct http_request *request);

#endif
