/* SPDX-License-Identifier: Apache-2.0
 *
 * libcurl's result codes as messages in the form of dockerd's
 * (`dial tcp HOST:PORT: connect: connection refused`). Used by http_transfer.c only.
 */
#ifndef SOCKERLESS_LOOP_HTTP_ERROR_H
#define SOCKERLESS_LOOP_HTTP_ERROR_H

#include "base/error.h"

#include <curl/curl.h>
#include <stddef.h>

struct http_peer {
    char host[256];
    char host_port[280]; /* "host:port", IPv6 in brackets */
};

/* Host and port of a URL, ports defaulted by scheme. -1 when it is not an http(s) URL with a host.
 */
int http_peer_parse(const char *url, struct http_peer *out, struct error *err) MUST_CHECK;

/* detail: libcurl's error buffer, may be "". Returns -1. */
int http_error_set(struct error *err, CURL *easy, CURLcode code, const struct http_peer *peer,
                   const char *detail);

#endif
