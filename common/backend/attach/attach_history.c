/* SPDX-License-Identifier: Apache-2.0
 * What was printed before an attach; see attach_history.h. Its coroutine owns the object once it
 * was closed. */
#include "backend/attach/attach_history.h"

#include "backend/logs/log_format.h"
#include "backend/logs/log_reader.h"
#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "ipc/frame.h"

#include <string.h>

enum { MARK_RANDOM_BYTES = 12 };

#define MARK_PREFIX "attach-"

struct attach_history {
    struct container *container; /* reference */
    const struct attach_history_events *events;
    void *owner;
    struct co *co;
    struct log_format format;
    struct log_run *runs;
    size_t run_count;
    bool with_current; /* the last of the runs is under way */
    bool lags, waits;  /* waits: the coroutine is suspended until something changes */
    bool closed;
    enum attach_join join;
    struct buf held; /* frames that came meanwhile */
    char mark[sizeof MARK_PREFIX + 2 * MARK_RANDOM_BYTES];
};

static void emit(void *owner, uint8_t frame_type, const char *text, size_t len)
{
    struct attach_history *h = owner;
    if (!h->closed && !h->events->output(h->owner, frame_type, text, len))
        h->lags = true;
}

static void wake(struct attach_history *h)
{
    if (h->waits)
        co_wake(h->co);
}

static int co_wait(struct attach_history *h, struct error *err)
{
    h->waits = true;
    int rc = co_suspend(INT64_MAX, err);
    h->waits = false;
    return rc;
}

static int co_show_run(struct attach_history *h, struct log_run *run, bool current,
                       struct error *err)
{
    struct backend *b = h->container->backend;
    bool marked = current && h->join == ATTACH_JOIN_MARKED;
    struct log_page page;
    struct log_reader r = {
        .backend = b,
        .container = h->container,
        .run = run,
        .mark = marked ? h->mark : NULL,
        .mark_deadline_ms = marked ? time_mono_ms() + log_written_wait_ms(b) : 0,
    };
    int rc;
    log_format_run_start(&h->format);
    while ((rc = co_log_reader_next(&r, &page, err)) > 0) {
        for (size_t i = 0; i < page.count; i++)
            log_format_event(&h->format, &page.events[i]);
        arena_fini(&page.arena);
        while (rc > 0 && h->lags)
            if (co_wait(h, err))
                rc = -1;
        if (rc < 0)
            break;
    }
    log_reader_fini(&r);
    return rc;
}

static int co_show(struct attach_history *h, struct error *err)
{
    for (size_t i = 0; i < h->run_count; i++) {
        bool current = h->with_current && i + 1 == h->run_count;
        while (current && h->join == ATTACH_JOIN_UNKNOWN)
            if (co_wait(h, err))
                return -1;
        if (current && h->join == ATTACH_JOIN_REPLAYED)
            break;
        if (co_show_run(h, &h->runs[i], current, err))
            return -1;
    }
    return 0;
}

static void show_held(struct attach_history *h)
{
    const unsigned char *at = (const unsigned char *)h->held.data;
    size_t left = h->held.len, used;
    struct frame f;
    struct error err;
    while (left && frame_decode(at, left, FRAME_SESSION_MAX, &f, &used, &err) > 0) {
        h->events->output(h->owner, f.type, (const char *)f.payload, f.len);
        at += used;
        left -= used;
    }
}

bool attach_history_hold(struct attach_history *h, uint8_t frame_type, const void *bytes,
                         size_t len)
{
    unsigned char header[FRAME_HEADER_SIZE];
    frame_header_encode(header, frame_type, len);
    buf_append(&h->held, header, sizeof header);
    buf_append(&h->held, bytes, len);
    return h->held.len < ATTACH_HISTORY_HELD_MAX;
}

static void history_free(struct attach_history *h)
{
    buf_free(&h->held);
    log_format_fini(&h->format);
    log_runs_free(h->runs, h->run_count);
    container_unref(h->container);
    free(h);
}

static void co_history_run(void *arg)
{
    struct attach_history *h = arg;
    struct error err;
    h->co = co_current();
    int rc = h->closed ? 0 : co_show(h, &err);
    if (!h->closed && rc == 0)
        show_held(h);
    if (!h->closed)
        h->events->done(h->owner, rc ? &err : NULL);
    history_free(h);
}

int attach_history_open(struct container *c, const Sockerless__AttachOpen *open, bool with_current,
                        const struct attach_history_events *events, void *owner,
                        struct attach_history **out, struct error *err)
{
    struct attach_history *h = NEW(struct attach_history);
    unsigned char random[MARK_RANDOM_BYTES];
    h->container = container_ref(c);
    h->events = events;
    h->owner = owner;
    h->with_current = with_current;
    h->format = (struct log_format){
        .want_stdout = open->stdout, .want_stderr = open->stderr, .emit = emit, .owner = h};
    h->runs = log_runs_collect(c, &h->run_count);
    /* What starts now will be sent from its first byte. */
    if (h->run_count && !with_current && container_alive(c) && *c->current.log_ref)
        h->run_count--;
    memcpy(h->mark, MARK_PREFIX, sizeof MARK_PREFIX - 1);
    random_bytes(random, sizeof random);
    hex_encode(random, sizeof random, h->mark + sizeof MARK_PREFIX - 1);
    *out = h;
    if (co_spawn(c->backend->loop, co_history_run, h, err) == 0)
        return 0;
    *out = NULL;
    history_free(h);
    return -1;
}

void attach_history_close(struct attach_history *h)
{
    if (!h)
        return;
    h->closed = true;
    if (h->co)
        co_cancel(h->co);
}

char *attach_history_mark(struct attach_history *h)
{
    return h->mark;
}

void attach_history_join(struct attach_history *h, enum attach_join how)
{
    if (h->join != ATTACH_JOIN_UNKNOWN)
        return;
    h->join = how;
    wake(h);
}

void attach_history_drained(struct attach_history *h)
{
    h->lags = false;
    wake(h);
}
