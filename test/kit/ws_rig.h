/* SPDX-License-Identifier: Apache-2.0
 *
 * A WebSocket listener whose channels echo, and clients of it: authorized ones by nng, others by
 * plain sockets.
 */
#ifndef SOCKERLESS_TEST_KIT_WS_RIG_H
#define SOCKERLESS_TEST_KIT_WS_RIG_H

#include "base/alloc.h"
#include "base/timefmt.h"
#include "ipc/ws_listener.h"
#include "test/kit/channel_echo.h"
#include "test/kit/raw_ws.h"
#include "test/kit/test.h"

enum { WS_RIG_PATIENCE_MS = 30000, WS_RIG_PENDING_MS = 600, WS_RIG_PENDING_MAX = 8 };

#define WS_RIG_AUTHORIZED "Bearer right"

extern struct ws_rig {
    struct loop loop;
    struct ws_listener *listener;
    int port;
    char url[64];
    uv_timer_t guard, step;
    bool guard_fired;
    unsigned accepted;
} ws_rig;

/* Options are completed with what authorizes WS_RIG_AUTHORIZED. */
void ws_rig_open(const char *scheme, struct ws_listener_options options);
void ws_rig_close(void);
bool ws_rig_authorize(void *owner, const char *authorization);
void ws_rig_accept(void *owner, struct channel *c);

/* Turns the loop until the condition holds. */
#define ws_rig_until(condition)                                                                    \
    do {                                                                                           \
        ws_rig_guard_start();                                                                      \
        while (!(condition) && !ws_rig.guard_fired)                                                \
            uv_run(&ws_rig.loop.uv, UV_RUN_ONCE);                                                  \
        ws_rig_guard_stop();                                                                       \
    } while (0)
void ws_rig_guard_start(void);
void ws_rig_guard_stop(void); /* fails if the time was over */

/* ---- clients ---- */

struct ws_rig_client {
    struct channel *channel;
    bool closed, answered;
};

/* False: closed before it was answered. */
bool ws_rig_client_try(struct ws_rig_client *c);
void ws_rig_client_open(struct ws_rig_client *c);
void ws_rig_client_answers(struct ws_rig_client *c); /* still */
void ws_rig_client_close(struct ws_rig_client *c);

/* A plain socket on which the handshake is over. */
int ws_rig_raw_open(void);
/* The listening socket, or one that it has accepted. */
bool ws_rig_is_of_listener(int fd);

#endif
