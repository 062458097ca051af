/* SPDX-License-Identifier: Apache-2.0
 * The reverse agent; see reverse.h. Owns the line; the connections of sessions are session.c's from
 * their first moment. A line on which nothing arrives is closed: what is between the two may
 * have dropped it without telling either. */
#include "agent/reverse.h"

#include "agent/reverse_tls.h"
#include "base/alloc.h"
#include "base/backoff.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "ipc/callback_token.h"
#include "ipc/channel.h"

#include <string.h>

enum {
    RETRY_FIRST_MS = 100,
    RETRY_MAX_MS = 5000,
    RETRY_MAX_UNMET_MS = 500, /* a new container's network may not be up yet */
    PING_MS = 15000,
    SILENCE_MAX_MS = 50000,
    CHECK_MS = 3000,
    CONNECT_MS = 10000,
    CONNECT_UNMET_MS = 3000,
    UNMET_ATTEMPTS = 400,    /* some two minutes; then it may have no backend */
    UNMET_MAX_MS = 60000,    /* of an instance: its request is waited for */
    REFUSED_MAX_MS = 5000,   /* a backend that is ending refuses all, for a moment … */
    REFUSED_UNMET_MS = 2000, /* … in which it has begun no run */
};

struct reverse {
    struct loop *loop;
    const struct agent_options *options;
    struct session_list *sessions;
    struct nng_tls_config *tls; /* of wss://, else NULL */
    struct channel *line;       /* NULL between two */
    uv_timer_t timer;           /* the next attempt, or the next ping */
    int attempts;               /* since something arrived */
    bool met;                   /* something arrived once */
    const struct reverse_events *events;
    void *owner;
    int64_t opened_ms, refused_ms; /* since when the backend refuses us; 0: it does not */
    int64_t heard_ms;
    bool answered; /* since the last check */
};

/* A start waits for the first line. */
static bool is_awaited(const struct reverse *r)
{
    return !r->met && r->attempts < UNMET_ATTEMPTS;
}

static int connection_dial(struct reverse *r, const char *session,
                           const struct channel_events *events, void *owner, struct channel **out,
                           struct error *err)
{
    const struct agent_options *told = r->options;
    char bearer[CALLBACK_TEXT_SIZE];
    struct channel_options options = {
        .bearer_token = bearer,
        .connect_timeout_ms = is_awaited(r) ? CONNECT_UNMET_MS : CONNECT_MS,
        .tls = r->tls,
    };
    if (*session)
        callback_token_write(bearer, told->container, told->token, session);
    else
        callback_token_write_line(bearer, told->container, told->token, told->instance);
    int rc = channel_dial(r->loop, told->callback_url, &options, events, owner, out, err);
    explicit_bzero(bearer, sizeof bearer);
    return rc;
}

/* ---- sessions ---- */

/* The backend notices a session that does not come by its own deadline. */
static void on_call_back(struct reverse *r, const struct frame *f)
{
    char id[CALLBACK_SESSION_LEN + 1] = "";
    struct channel *c;
    struct error ignored;
    if (f->len != CALLBACK_SESSION_LEN)
        return;
    memcpy(id, f->payload, CALLBACK_SESSION_LEN);
    if (!str_is_hex(id, CALLBACK_SESSION_LEN))
        return;
    if (session_list_count(r->sessions) < SESSIONS_MAX &&
        connection_dial(r, id, NULL, NULL, &c, &ignored) == 0)
        session_accept(r->sessions, c);
}

/* ---- the line ---- */

static void line_dial(struct reverse *r);

static void on_retry(uv_timer_t *timer)
{
    line_dial(timer->data);
}

static void on_ping_time(uv_timer_t *timer)
{
    struct reverse *r = timer->data;
    if (time_mono_ms() - r->heard_ms > SILENCE_MAX_MS)
        channel_abort(r->line); /* line_closed() goes on */
    else
        channel_send(r->line, FRAME_PING, NULL, 0);
}

static void line_frame(void *owner, const struct frame *f)
{
    struct reverse *r = owner;
    r->heard_ms = time_mono_ms();
    r->answered = true;
    r->attempts = 0;
    r->refused_ms = 0;
    bool first = !r->met;
    r->met = true;
    if (first)
        r->events->met(r->owner);
    if (f->type == FRAME_CALL_BACK)
        on_call_back(r, f);
}

static void on_check_time(uv_timer_t *timer)
{
    struct reverse *r = timer->data;
    if (r->answered)
        uv_timer_start(timer, on_ping_time, PING_MS, PING_MS);
    else
        channel_abort(r->line); /* line_closed() goes on */
}

void reverse_check(struct reverse *r)
{
    r->answered = false;
    r->attempts = 0;
    if (!r->line) {
        uv_timer_start(&r->timer, on_retry, 0, 0);
        return;
    }
    channel_send(r->line, FRAME_PING, NULL, 0);
    uv_timer_start(&r->timer, on_check_time, CHECK_MS, 0);
}

static void line_wait(struct reverse *r)
{
    int64_t longest_ms = is_awaited(r) ? RETRY_MAX_UNMET_MS : RETRY_MAX_MS;
    int64_t pause_ms = backoff_ms(r->attempts++, RETRY_FIRST_MS, longest_ms, NULL);
    uv_timer_start(&r->timer, on_retry, (uint64_t)pause_ms, 0);
}

/* True: the backend accepted another instance of this run, or it was not reached in time. */
static bool gives_up(struct reverse *r, const struct error *why)
{
    int64_t now = time_mono_ms();
    bool refused = why && why->code == ERROR_FORBIDDEN;
    if (!*r->options->instance)
        return false;
    if (!refused)
        r->refused_ms = 0;
    else if (!r->refused_ms)
        r->refused_ms = now;
    if (refused ? now - r->refused_ms < (r->met ? REFUSED_MAX_MS : REFUSED_UNMET_MS)
                : r->met || now - r->opened_ms < UNMET_MAX_MS)
        return false;
    r->events->given_up(r->owner, refused, why ? why->message : "the connection was closed");
    return true;
}

/* Our stdout is the container's log: a backend that is away comes back. */
static void line_closed(void *owner, const struct error *why)
{
    struct reverse *r = owner;
    r->line = NULL;
    if (!gives_up(r, why))
        line_wait(r);
}

static const struct channel_events line_events = {.frame = line_frame, .closed = line_closed};

static void line_dial(struct reverse *r)
{
    struct error ignored;
    if (connection_dial(r, "", &line_events, r, &r->line, &ignored)) {
        line_wait(r);
        return;
    }
    r->heard_ms = time_mono_ms();
    uv_timer_start(&r->timer, on_ping_time, PING_MS, PING_MS);
}

int reverse_open(struct loop *l, const struct agent_options *options, struct session_list *sessions,
                 const struct reverse_events *events, void *owner, struct reverse **out,
                 struct error *err)
{
    struct reverse *r = NEW(struct reverse);
    r->loop = l;
    r->events = events;
    r->owner = owner;
    r->opened_ms = time_mono_ms();
    r->options = options;
    r->sessions = sessions;
    uv_timer_init(&l->uv, &r->timer);
    r->timer.data = r;
    *out = r;
    if (str_starts(options->callback_url, "wss://") &&
        reverse_tls_open(options->callback_url, options->callback_ca, &r->tls, err))
        return -1; /* the process ends now */
    if (connection_dial(r, "", &line_events, r, &r->line, err))
        return error_wrap(err, "SOCKERLESS_CALLBACK_URL");
    r->heard_ms = time_mono_ms();
    uv_timer_start(&r->timer, on_ping_time, PING_MS, PING_MS);
    return 0;
}
