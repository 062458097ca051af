/* SPDX-License-Identifier: Apache-2.0
 *
 * Session: one connection of the backend. The first frame says of which kind it is; from then on
 * the kind's file handles it. A session is gone with its channel. Which kinds there are, the agent
 * says in the list that all sessions are in.
 */
#ifndef SOCKERLESS_AGENT_SESSION_H
#define SOCKERLESS_AGENT_SESSION_H

#include "base/error.h"
#include "ipc/channel.h"

#include "proto/sockerless.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

struct session;
struct workload;

struct session_kind {
    Sockerless__StreamOpen__KindCase opened_by;
    /* The first frame. On failure the session ends with FRAME_ERROR; closed() is then called only
     * if state was set. open: borrowed for the call. */
    int (*open)(struct session *s, const Sockerless__StreamOpen *open, struct error *err);
    void (*frame)(struct session *s, const struct frame *f);
    void (*drained)(struct session *s);    /* may be NULL */
    void (*closed)(struct session *s);     /* the channel is gone: release state */
    void (*main_ended)(struct session *s); /* the main process has ended, all output was sent */
    void (*recorded)(struct session *s);   /* the log has new records; may be NULL */
    bool holds_end;                        /* the agent does not end before it is closed */
};

struct session {
    struct session *next;
    struct session_list *list;
    struct workload *workload; /* the list's */
    struct channel *channel;
    const struct session_kind *kind; /* NULL until opened */
    void *state;                     /* the kind's */
    bool finished;                   /* nothing more is sent or handled */
    uv_timer_t patience;             /* for the peer to close */
};

/* All that are connected. Filled by the owner but for the first member. */
struct session_list {
    struct session *first;
    struct workload *workload;
    const struct session_kind *const *kinds;
    size_t kind_count;
    void (*closed)(void *owner); /* a session is gone */
    void *owner;
};

enum { SESSION_PATIENCE_MS = 10000, SESSIONS_MAX = 2048 };

/* Takes over a new channel. */
void session_accept(struct session_list *list, struct channel *c);

void session_send_opened(struct session *s, uint8_t type, bool tty, int64_t pid);
/* FRAME_EXIT (unless NULL), FRAME_END, and the end of the session: the peer closes when it has read
 * that. We close first only when it does not, because closing while it still sends stdin would
 * reset the connection and take the last output away. */
void session_end(struct session *s, const Sockerless__Exit *exit);
void session_fail(struct session *s, const struct error *err);
/* The frame's resize; false when it is none. */
bool session_parse_resize(const struct frame *f, uint32_t *height, uint32_t *width);

void session_list_main_ended(struct session_list *list);
void session_list_recorded(struct session_list *list);
bool session_list_holds_end(const struct session_list *list);
unsigned session_list_count(const struct session_list *list);

#endif
