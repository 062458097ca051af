/* SPDX-License-Identifier: Apache-2.0
 *
 * What load, import, push and save have in common: a session with one coroutine, whose client may
 * go away at any time. The session is freed when both the coroutine and the channel are over.
 */
#ifndef SOCKERLESS_BACKEND_TRANSFER_H
#define SOCKERLESS_BACKEND_TRANSFER_H

#include "backend/state/backend_internal.h"
#include "base/arena.h"
#include "ipc/channel.h"
#include "loop/co.h"

struct transfer;
struct transfer_kind {
    /* The session's work; its end is told by transfer.c. */
    int (*co_run)(struct transfer *t, struct error *err);
    void (*frame)(struct transfer *t, const struct frame *f); /* may be NULL */
    void (*gone)(struct transfer *t);    /* the client is; co_run is under way; may be NULL */
    void (*release)(struct transfer *t); /* what the session holds besides its arena; may be NULL */
};

struct transfer { /* first member of a session's struct, which is allocated with NEW */
    struct backend *backend;
    struct channel *channel; /* NULL: the client is gone */
    const struct transfer_kind *kind;
    struct arena arena;
    bool opened;  /* FRAME_OPENED was sent */
    bool running; /* the coroutine is alive */
    bool ended;   /* the channel got its last frame */
    bool paused;  /* the client may not send */
    struct co_cond drained;
};

void transfer_init(struct transfer *t, struct backend *b, const struct transfer_kind *kind);
void transfer_free(struct transfer *t); /* only instead of transfer_start */
/* Takes the channel. Afterwards the session may be gone already. */
void transfer_start(struct transfer *t, struct channel *channel);

void transfer_opened(struct transfer *t); /* once; harmless again */
/* FRAME_PROGRESS; total 0: without numbers. */
void transfer_progress(struct transfer *t, const char *id, const char *status, int64_t current,
                       int64_t total);
void transfer_stream(struct transfer *t, const char *text);
void transfer_send(struct transfer *t, const Sockerless__Progress *p);
/* FRAME_STDOUT in pieces, at the client's pace. ERROR_CANCELLED when it is gone. */
int co_transfer_write(struct transfer *t, const void *bytes, size_t len,
                      struct error *err) MUST_CHECK;
void transfer_pause(struct transfer *t);
void transfer_resume(struct transfer *t);
int transfer_check_client(const struct transfer *t, struct error *err) MUST_CHECK;

#endif
