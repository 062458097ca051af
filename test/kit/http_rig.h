/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the HTTP client share: a loop, a client, and two scripted servers.
 */
#ifndef SOCKERLESS_TEST_KIT_HTTP_RIG_H
#define SOCKERLESS_TEST_KIT_HTTP_RIG_H

#include "base/alloc.h"
#include "loop/http_client.h"
#include "test/kit/http_mock.h"

struct rig {
    struct loop loop;
    struct http_client *http;
    struct mock *mock, *other;
};

/* For setups and teardowns: 0, or -1. The rig is the servers' argument. */
int http_rig_open(void **state, mock_handler serve, mock_handler serve_other);
int http_rig_close(void **state);
/* Both of a rig, for TEST_WITH. */
#define HTTP_RIG(rig, serve, serve_other)                                                          \
    static int rig##_setup(void **state)                                                           \
    {                                                                                              \
        return http_rig_open(state, serve, serve_other);                                           \
    }                                                                                              \
    static int rig##_teardown(void **state)                                                        \
    {                                                                                              \
        return http_rig_close(state);                                                              \
    }                                                                                              \
    struct http_rig_end /* takes the semicolon */

/* http://127.0.0.1:PORT and the path; valid until the eighth call after this one. */
const char *http_rig_url(const struct mock *at, const char *path);

/* Bytes that differ from their neighbours: byte i of every large body. */
static inline char http_rig_byte(size_t i)
{
    return (char)(i * 31 + (i >> 11));
}

/* The caller frees it. */
char *http_rig_body(size_t len);

#endif
