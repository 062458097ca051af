/* SPDX-License-Identifier: Apache-2.0
 * The agent; see agent.h. Puts the parts together and decides about the end. */
#include "agent/agent.h"

#include "agent/invocation.h"
#include "agent/reverse.h"
#include "agent/server.h"
#include "agent/session_attach.h"
#include "agent/session_control.h"
#include "agent/session_exec.h"
#include "agent/session_log.h"
#include "base/alloc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct session_kind *const session_kinds[] = {
    &session_control_kind,
    &session_attach_kind,
    &session_exec_kind,
    &session_log_kind,
};

/* A session is gone, the tee is empty, …: may it end now? */
static void maybe_end(struct agent *a)
{
    if (main_process_ended_p(a->workload.main) && a->acknowledged &&
        !session_list_holds_end(&a->sessions) &&
        log_tee_flushed(main_process_tee(a->workload.main)))
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

/* The backend has the exit code. */
static void on_acknowledged(void *owner)
{
    struct agent *a = owner;
    if (!main_process_ended_p(a->workload.main) || a->acknowledged)
        return;
    a->acknowledged = true;
    linger_start(a); /* now for what sessions and log have not taken yet */
    maybe_end(a);
}

static void on_main_ended(void *owner)
{
    struct agent *a = owner;
    reaper_kill_all(&a->reaper);
    session_list_main_ended(&a->sessions);
    if (a->options.linger_ms > 0) {
        linger_start(a);
        return;
    }
    a->acknowledged = true;
    maybe_end(a); /* else when stdout and the sessions there are have taken what is left */
}

static void on_session_closed(void *owner)
{
    struct agent *a = owner;
    maybe_end(a);
}

static void on_tee_drained(void *owner)
{
    struct agent *a = owner;
    maybe_end(a);
}

static void on_mark_written(void *owner, const char *text, size_t len)
{
    struct agent *a = owner;
    session_control_mark_written(&a->workload, text, len);
}

static void on_recorded(void *owner)
{
    struct agent *a = owner;
    session_list_recorded(&a->sessions);
}

static const struct log_tee_events tee_handlers = {on_tee_drained, on_mark_written, on_recorded};

static void on_signal(void *owner, int number)
{
    struct agent *a = owner;
    /* Cloud Run's maintenance: SIGTSTP before, SIGCONT after; connections break. */
    if (number == SIGCONT && a->reverse)
        reverse_check(a->reverse);
    main_process_signal(a->workload.main, number);
}

/* ---- the start ---- */

static void on_stop_time(uv_timer_t *timer)
{
    struct agent *a = timer->data;
    main_process_stop(a->workload.main, 0);
}

static void workload_start(struct agent *a)
{
    main_process_start(a->workload.main);
    if (a->options.stop_after_ms > 0 && main_process_started(a->workload.main))
        uv_timer_start(&a->stop_after, on_stop_time, (uint64_t)a->options.stop_after_ms, 0);
}

/* Which of several instances may run the command is the backend's word. */
static bool waits_to_be_accepted(const struct agent *a)
{
    return a->options.instance && *a->options.instance;
}

static void on_met(void *owner)
{
    struct agent *a = owner;
    if (waits_to_be_accepted(a))
        workload_start(a);
}

/* What runs is not wanted any more; what does not run never will. */
static void on_given_up(void *owner, bool refused, const char *why)
{
    struct agent *a = owner;
    a->options.linger_ms = 0;
    if (main_process_started(a->workload.main)) {
        main_process_signal(a->workload.main, SIGKILL);
        return;
    }
    if (a->options.report_fd >= 0)
        dprintf((int)a->options.report_fd, "%s%s", refused ? INVOCATION_REFUSED : "", why);
    a->abandoned = true;
    loop_stop(&a->loop);
}

static const struct reverse_events reverse_handlers = {.met = on_met, .given_up = on_given_up};

/* What sessions need; nothing runs yet. */
static void workload_prepare(struct agent *a)
{
    a->workload = (struct workload){
        .loop = &a->loop,
        .reaper = &a->reaper,
        .options = &a->options,
        .main = main_process_new(&a->loop, &a->reaper, &a->options, STDOUT_FILENO, &tee_handlers,
                                 on_main_ended, a),
        .acknowledged = on_acknowledged,
        .owner = a,
    };
    a->sessions = (struct session_list){
        .workload = &a->workload,
        .kinds = session_kinds,
        .kind_count = ARRAY_LEN(session_kinds),
        .closed = on_session_closed,
        .owner = a,
    };
}

int agent_run(struct agent *a, struct error *err)
{
    if (a->options.report_fd >= 0) /* not for the command */
        fcntl((int)a->options.report_fd, F_SETFD, FD_CLOEXEC);
    /* Orphans come to us also where the platform has put a PID 1 of its own above us. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (loop_init(&a->loop, err))
        return -1;
    uv_timer_init(&a->loop.uv, &a->linger);
    uv_timer_init(&a->loop.uv, &a->stop_after);
    a->linger.data = a->stop_after.data = a;
    if (reaper_open(&a->reaper, &a->loop, err) ||
        signals_open(&a->signals, &a->loop, on_signal, a, err))
        return -1;
    workload_prepare(a);
    if (a->options.callback_url ? reverse_open(&a->loop, &a->options, &a->sessions,
                                               &reverse_handlers, a, &a->reverse, err)
                                : server_open(&a->loop, &a->options, &a->sessions, &a->server, err))
        return -1;
    if (!waits_to_be_accepted(a))
        workload_start(a);
    loop_run(&a->loop);
    return a->abandoned ? EXIT_AGENT_FAILED : main_process_exit(a->workload.main)->code;
}
