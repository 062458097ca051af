/* SPDX-License-Identifier: Apache-2.0
 *
 * A server that takes connections, sends nothing, and resets each after a few milliseconds.
 */
#ifndef SOCKERLESS_TEST_KIT_CONNECTION_BREAKER_H
#define SOCKERLESS_TEST_KIT_CONNECTION_BREAKER_H

#include <uv.h>

struct connection_breaker {
    uv_tcp_t listener;
    int port, life_ms; /* each lives up to 3 ms longer */
    unsigned open;     /* connections */
};

void connection_breaker_listen(struct connection_breaker *b, uv_loop_t *loop, int life_ms);

#endif
