/* SPDX-License-Identifier: Apache-2.0
 * The agent; see agent.h. Puts the parts together and decides about the end. */
#include "agent/agent.h"

#include "agent/reverse.h"
#include "agent/server.h"
#include "agent/session.h"
#include "agent/session_control.h"

#include <sys/prctl.h>
#include <unistd.h>

void agent_maybe_end(struct agent *a)
{
    if (main_process_ended_p(a->main) && a->acknowledged && !session_any_holds_end(a) &&
        log_tee_flushed(main_process_tee(a->main)))
        loop_stop(&a->loop);
}

static void on_linger_over(uv_timer_t *timer)
{
    struct agent *a = timer->data;
    loop_stop(&a->loop);
}

static void linger_start(struct agent *a)
{
    uv_timer_start(&a->linger, on_linger_over, (uint64_t)a->options.linger_ms, 0);
}

void agent_acknowledge(struct agent *a)
{
    if (!main_process_ended_p(a->main) || a->acknowledged)
        return;
    a->acknowledged = true;
    linger_start(a); /* now for what sessions and log have not taken yet */
    agent_maybe_end(a);
}

static void on_main_ended(void *owner)
{
    struct agent *a = owner;
    reaper_kill_all(&a->reaper);
    linger_start(a);
    session_main_ended_all(a);
}

static void on_tee_drained(void *owner)
{
    struct agent *a = owner;
    agent_maybe_end(a);
}

static void on_mark_written(void *owner, const char *text, size_t len)
{
    struct agent *a = owner;
    session_control_mark_written(a, text, len);
}

static const struct log_tee_events tee_handlers = {on_tee_drained, on_mark_written};

static void on_signal(void *owner, int number)
{
    struct agent *a = owner;
    main_process_signal(a->main, number);
}

int agent_run(struct agent *a, struct error *err)
{
    /* Orphans come to us also where the platform has put a PID 1 of its own above us. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (loop_init(&a->loop, err))
        return -1;
    uv_timer_init(&a->loop.uv, &a->linger);
    a->linger.data = a;
    if (reaper_open(&a->reaper, &a->loop, err) ||
        signals_open(&a->signals, &a->loop, on_signal, a, err))
        return -1;
    a->main = main_process_new(&a->loop, &a->reaper, &a->options, STDOUT_FILENO, &tee_handlers,
                               on_main_ended, a);
    if (a->options.callback_url ? reverse_open(a, &a->reverse, err)
                                : server_open(a, &a->server, err))
        return -1;
    main_process_start(a->main);
    loop_run(&a->loop);
    return main_process_exit(a->main)->code;
}
