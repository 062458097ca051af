/* SPDX-License-Identifier: Apache-2.0
 * Probing an agent's port; see agent_probe.h. Two kinds of attempts go on beside each other: a
 * quick one, given up soon, because packets to an interface that nothing uses yet are dropped and
 * the kernel repeats them only after a second; and a patient one, for an agent that is far away.
 * Each has a timer, which limits an attempt and separates it from the next. The pause is short
 * whatever the start takes, so it adds to none, and grows with the number of starts, so that many
 * of them do not fill the loop. */
#include "backend/agent/agent_probe.h"

#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/timefmt.h"

enum {
    PAUSE_MIN_MS = 10,
    PAUSE_MAX_MS = 25,
    PAUSE_SHARE = 100,       /* 1 / 100 of the time gone by */
    STARTS_PER_PAUSE_MS = 2, /* all starts together: 2,000 attempts a second */
    PAUSE_LONGEST_MS = 500,  /* however many starts there are */
    KINDS = 2,
};

static const struct kind {
    uint64_t attempt_ms;
    int64_t pause_factor; /* a refusal is for the quick one to notice */
} kinds[KINDS] = {{50, 1}, {1000, 20}};

struct attempts {
    struct agent_probe *probe;
    const struct kind *kind;
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_connect_t request;
    bool tcp_open;   /* from uv_tcp_init() until it is closed */
    bool timer_open; /* ditto */
};

struct agent_probe {
    struct container *container; /* borrowed; NULL once freed */
    struct loop *loop;
    struct attempts attempts[KINDS];
    struct sockaddr_storage to;
    int64_t began_ms;
    bool answered;
};

static void attempt(struct attempts *a);

static void maybe_release(struct agent_probe *p)
{
    if (p->container)
        return;
    for (size_t i = 0; i < KINDS; i++)
        if (p->attempts[i].tcp_open || p->attempts[i].timer_open)
            return;
    free(p);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct attempts *a = handle->data;
    a->timer_open = false;
    maybe_release(a->probe);
}

/* ---- between two attempts ---- */

static int64_t pause_ms(const struct attempts *a)
{
    const struct agent_probe *p = a->probe;
    const struct container_table *all = &p->container->backend->containers;
    int64_t ms = (time_mono_ms() - p->began_ms) / PAUSE_SHARE;
    int64_t starts = all->state_counts[SOCKERLESS__CONTAINER_STATE__STARTING] / STARTS_PER_PAUSE_MS;
    ms = ms < PAUSE_MIN_MS ? PAUSE_MIN_MS : ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : ms;
    ms = (starts > ms ? starts : ms) * a->kind->pause_factor;
    return ms < PAUSE_LONGEST_MS ? ms : PAUSE_LONGEST_MS;
}

static void on_pause_over(uv_timer_t *timer)
{
    attempt(timer->data);
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct attempts *a = handle->data;
    a->tcp_open = false;
    if (!a->probe->container)
        maybe_release(a->probe);
    else if (!a->probe->answered)
        uv_timer_start(&a->timer, on_pause_over, (uint64_t)pause_ms(a), 0);
}

/* ---- one attempt ---- */

static void attempt_end(struct attempts *a)
{
    if (a->tcp_open && !uv_is_closing((uv_handle_t *)&a->tcp))
        uv_close((uv_handle_t *)&a->tcp, on_tcp_closed);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct attempts *a = request->data;
    struct agent_probe *p = a->probe;
    if (status == UV_ECANCELED || !p->container)
        return; /* it is being closed */
    uv_timer_stop(&a->timer);
    attempt_end(a);
    if (status || p->answered)
        return;
    p->answered = true;
    co_cond_broadcast(&p->container->changed);
}

static void on_attempt_late(uv_timer_t *timer)
{
    attempt_end(timer->data);
}

static void attempt(struct attempts *a)
{
    struct agent_probe *p = a->probe;
    uv_tcp_init(&p->loop->uv, &a->tcp);
    a->tcp.data = a->request.data = a;
    a->tcp_open = true;
    if (uv_tcp_connect(&a->request, &a->tcp, (const struct sockaddr *)&p->to, on_connected))
        attempt_end(a); /* no route, no descriptor: tried again */
    else
        uv_timer_start(&a->timer, on_attempt_late, a->kind->attempt_ms, 0);
}

/* ---- open and close ---- */

static bool address_read(struct agent_probe *p)
{
    int port = (int)p->container->backend->config->agent_port;
    const char *address = p->container->address;
    return uv_ip4_addr(address, port, (struct sockaddr_in *)&p->to) == 0 ||
           uv_ip6_addr(address, port, (struct sockaddr_in6 *)&p->to) == 0;
}

struct agent_probe *agent_probe_new(struct container *c)
{
    struct agent_probe *p = NEW(struct agent_probe);
    p->container = c;
    p->loop = c->backend->loop;
    p->began_ms = time_mono_ms();
    p->answered = !address_read(p);
    for (size_t i = 0; i < KINDS; i++) {
        struct attempts *a = &p->attempts[i];
        a->probe = p;
        a->kind = &kinds[i];
        uv_timer_init(&p->loop->uv, &a->timer);
        a->timer.data = a;
        a->timer_open = true;
        if (!p->answered)
            attempt(a);
    }
    return p;
}

void agent_probe_free(struct agent_probe *p)
{
    if (!p)
        return;
    p->container = NULL;
    for (size_t i = 0; i < KINDS; i++) {
        attempt_end(&p->attempts[i]);
        uv_close((uv_handle_t *)&p->attempts[i].timer, on_timer_closed);
    }
}

bool agent_probe_answered(const struct agent_probe *p)
{
    return p->answered;
}
