/* SPDX-License-Identifier: Apache-2.0
 *
 * A backend for the frontend's tests. What it does is chosen by the container's or exec's name:
 *
 *   nope     does not exist                 done     has exited with code 7
 *   echo     returns stdin, ends at EOF     tty      the same with a TTY
 *   greet    says "hello" together with OPENED, then waits for EOF
 *   flood    writes FLOOD_BYTES and ends    mute     opened, then nothing
 *   sink     swallows stdin and ends at EOF with the number of bytes
 *   broken   an exec that cannot be started running  is running already
 *   slow     start is never answered
 *   lost     its wait is broken by any start cut      the same, but ended without an exit code
 *
 * Images are in frontend_fake_images.h.
 */
#ifndef SOCKERLESS_TEST_KIT_FRONTEND_FAKE_H
#define SOCKERLESS_TEST_KIT_FRONTEND_FAKE_H

#include "base/arena.h"
#include "ipc/rpc.h"
#include "loop/loop.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { FLOOD_BYTES = 64 * 1024 * 1024, FLOOD_FRAME = 64 * 1024 };

#define FAKE_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What the fake does with the body of a load or an import. */
enum fake_body {
    BODY_COUNT,  /* reads it and tells its size and checksum */
    BODY_REFUSE, /* an error before OPENED */
    BODY_FAIL,   /* OPENED, an error after the first bytes */
    BODY_STALL,  /* OPENED, then reads nothing until fake_unstall() */
    BODY_TALK,   /* like count, with many lines of progress meanwhile; no reading without writing */
    BODY_EARLY,  /* a good end after the first bytes */
};

struct fake {
    struct loop *loop;
    struct rpc_server *server;
    struct fake_session *waiters; /* of next-exit */
    Sockerless__ContainerCreateRequest *created;
    struct arena created_arena;
    atomic_int sessions, requests, lost; /* lost: sessions cut by the frontend */
    atomic_ullong typed;                 /* bytes of stdin, of all sessions */
    int list_count;
    _Atomic enum fake_body body;
    struct fake_session *stalled;
    atomic_ullong body_bytes; /* taken so far by the last load or import */
    char opened[4096];        /* the last image session or request, as text; see fake_note() */
};

struct fake_session {
    struct fake *fake;
    struct channel *channel;
    struct fake_session *next_waiter;
    char name[32];
    bool is_attach, over;
    bool is_body;
    enum fake_body body;
    uint64_t bytes, flood_left;
    uint64_t checksum;
};

/* Used by frontend_fake_images.c, too. */
void fake_error(struct rpc_call *call, enum error_code code, const char *text);
void fake_opened(struct fake_session *s);

void fake_container(struct fake *f, Sockerless__Container *c);
void fake_listen(struct fake *f, struct loop *l, const char *url);

#endif
