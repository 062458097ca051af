/* SPDX-License-Identifier: Apache-2.0
 * Probing an agent's port; see agent_probe.h. One timer limits an attempt and separates it from the
 * next. The pause is a share of the time gone by, so that a start of any length is over that share
 * later at most, and grows with the number of starts, so that many of them do not fill the loop. */
#include "backend/agent/agent_probe.h"

#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/timefmt.h"

enum {
    ATTEMPT_MS = 1000, /* packets to an interface that nothing uses yet are dropped */
    PAUSE_MIN_MS = 10,
    PAUSE_MAX_MS = 500,
    PAUSE_SHARE = 100,       /* 1 / 100 of the time gone by */
    STARTS_PER_PAUSE_MS = 2, /* all starts together: 2,000 attempts a second */
};

struct agent_probe {
    struct container *container; /* borrowed; NULL once freed */
    struct loop *loop;
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_connect_t request;
    struct sockaddr_storage to;
    int64_t began_ms;
    bool answered;
    bool tcp_open;   /* from uv_tcp_init() until it is closed */
    bool timer_open; /* ditto */
};

static void attempt(struct agent_probe *p);

static void maybe_release(struct agent_probe *p)
{
    if (!p->container && !p->tcp_open && !p->timer_open)
        free(p);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct agent_probe *p = handle->data;
    p->timer_open = false;
    maybe_release(p);
}

/* ---- between two attempts ---- */

static int64_t pause_ms(const struct agent_probe *p)
{
    const struct container_table *all = &p->container->backend->containers;
    int64_t share = (time_mono_ms() - p->began_ms) / PAUSE_SHARE;
    int64_t starts = all->state_counts[SOCKERLESS__CONTAINER_STATE__STARTING] / STARTS_PER_PAUSE_MS;
    int64_t ms = share > starts ? share : starts;
    return ms < PAUSE_MIN_MS ? PAUSE_MIN_MS : ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : ms;
}

static void on_pause_over(uv_timer_t *timer)
{
    attempt(timer->data);
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct agent_probe *p = handle->data;
    p->tcp_open = false;
    if (!p->container)
        maybe_release(p);
    else if (!p->answered)
        uv_timer_start(&p->timer, on_pause_over, (uint64_t)pause_ms(p), 0);
}

/* ---- one attempt ---- */

static void tcp_close(struct agent_probe *p)
{
    if (p->tcp_open && !uv_is_closing((uv_handle_t *)&p->tcp))
        uv_close((uv_handle_t *)&p->tcp, on_tcp_closed);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct agent_probe *p = request->data;
    if (status == UV_ECANCELED || !p->container)
        return; /* it is being closed */
    uv_timer_stop(&p->timer);
    p->answered = status == 0;
    tcp_close(p);
    if (p->answered)
        co_cond_broadcast(&p->container->changed);
}

static void on_attempt_late(uv_timer_t *timer)
{
    tcp_close(timer->data);
}

static void attempt(struct agent_probe *p)
{
    uv_tcp_init(&p->loop->uv, &p->tcp);
    p->tcp.data = p->request.data = p;
    p->tcp_open = true;
    if (uv_tcp_connect(&p->request, &p->tcp, (const struct sockaddr *)&p->to, on_connected))
        tcp_close(p); /* no route, no descriptor: tried again */
    else
        uv_timer_start(&p->timer, on_attempt_late, ATTEMPT_MS, 0);
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
    uv_timer_init(&p->loop->uv, &p->timer);
    p->timer.data = p;
    p->timer_open = true;
    if (address_read(p))
        attempt(p);
    else
        p->answered = true;
    return p;
}

void agent_probe_free(struct agent_probe *p)
{
    if (!p)
        return;
    p->container = NULL;
    tcp_close(p);
    uv_close((uv_handle_t *)&p->timer, on_timer_closed);
}

bool agent_probe_answered(const struct agent_probe *p)
{
    return p->answered;
}
