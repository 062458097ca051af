/* SPDX-License-Identifier: Apache-2.0
 *
 * A session of `docker logs`, as its files see it: session_logs.c opens it and shows the runs that
 * are over, session_logs_run.c the run that goes on, which is read from two sources;
 * session_logs_client.c has what both need of the client.
 */
#ifndef SOCKERLESS_BACKEND_SESSION_LOGS_INTERNAL_H
#define SOCKERLESS_BACKEND_SESSION_LOGS_INTERNAL_H

#include "backend/logs/log_format.h"
#include "backend/logs/log_hub.h"
#include "backend/logs/log_live.h"
#include "backend/logs/log_place.h"
#include "backend/logs/log_reader.h"
#include "backend/logs/log_tail.h"
#include "ipc/channel.h"

struct log_session {
    struct backend *backend;
    struct channel *channel;     /* NULL: closed */
    struct container *container; /* reference */
    struct log_format format;
    int64_t tail;   /* negative: all */
    int64_t now_ns; /* of the request */
    bool follow;
    bool opened, ended;
    bool blocked; /* the coroutine waits for the client to take what there is */
    bool reading; /* a coroutine of the session is alive */
    struct co *co;
    struct log_run *runs;
    size_t run_count;
    char mark[40]; /* "" none */
    int64_t mark_deadline_ms;

    /* The run that goes on, the last of runs. */
    struct log_live_user live;
    struct log_place place;
    bool placed;                   /* place says where to begin */
    struct log_ring_cursor cursor; /* in the live log */
    enum { LOGS_HISTORY, LOGS_SERVICE, LOGS_LIVE } follows;
    struct log_follower follower;
    bool past_until;         /* the last record that was read is later than that */
    uv_timer_t *until_timer; /* heap; NULL: none */
    int64_t from_ns;         /* nothing earlier is shown of what the service gives */
};

/* ---- session_logs_client.c ---- */

/* The client has to be told that there is something. */
void session_logs_opened(void *session);
/* Reads no source any more. */
void session_logs_leave(struct log_session *s);
/* err NULL: it went well. */
void session_logs_end(struct log_session *s, const struct error *err);
/* Run fn as the session's coroutine; a failure ends the session. fn ends with
 * session_logs_finish(). */
void session_logs_spawn(struct log_session *s, void (*fn)(void *session));
/* The coroutine is over: true when the session goes on, else it is gone. */
bool session_logs_finish(struct log_session *s);
int co_session_logs_drain(struct log_session *s, struct error *err);

/* ---- session_logs_live.c ---- */

/* The last run is the container's current one, and is not over. */
bool session_logs_live_run_goes_on(const struct log_session *s);
/* The live log holds the record that is to be shown next. */
bool session_logs_live_is_next(struct log_session *s);
/* From that record on … */
void session_logs_live_begin(struct log_session *s);
/* … as many as there are and the client takes. False: that was the end; s->past_until: the
 * requested one, else the run's or the mark. */
bool session_logs_live_show(struct log_session *s);
/* The same to the end. 1: shown; 0: the live log ends before that; -1: *err. */
int co_session_logs_live_show(struct log_session *s, struct error *err);
/* Shows what the log service has, unless it was shown. True: now the live log has the next record.
 */
bool session_logs_live_entry(struct log_session *s, const struct log_event *e);

/* ---- session_logs_follow.c ---- */

void session_logs_follow_init(struct log_session *s);
/* The session's coroutine is over: go on without one, if it is followed. */
void session_logs_follow_begin(struct log_session *s);
/* By the log service, from where the reader is. */
int session_logs_follow_service(struct log_session *s, struct log_reader *r, struct error *err);
/* The client has taken what there was. */
void session_logs_follow_drained(struct log_session *s);

/* ---- session_logs_run.c ---- */

/* Begin with the live log, if the run goes on. */
void session_logs_run_join(struct log_session *s);
/* Find in the live log where the output that was requested begins. 1: *start and, when that is in
 * the last run, s->place say it; 0: the live log does not have it; -1: *err. */
int co_session_logs_run_locate(struct log_session *s, struct log_tail_start *start,
                               struct error *err);
/* Show the last run from r's start on, to its end, or, when following, until it is followed. */
int co_session_logs_run_show(struct log_session *s, struct log_reader *r, struct error *err);

#endif
