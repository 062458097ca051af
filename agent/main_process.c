/* SPDX-License-Identifier: Apache-2.0
 * The main process; see main_process.h. Owns the process, the replay and the log tee; uses attach
 * sessions only as outlets. Everything after the end is agent.c's business. */
#include "agent/main_process.h"

#include "agent/environment.h"
#include "agent/oom_counter.h"
#include "agent/process.h"
#include "agent/replay.h"
#include "base/alloc.h"
#include "base/log.h"
#include "ipc/frame.h"

#include <signal.h>
#include <string.h>
#include <utlist.h>

struct main_process {
    struct loop *loop;
    struct reaper *reaper;
    const struct agent_options *options;
    main_process_ended ended_cb;
    void *owner;
    struct process *process; /* NULL before the start and after the end */
    struct log_tee *tee;
    struct log_tee_events tee_events; /* ours in front of the owner's */
    const struct log_tee_events *outer_tee_events;
    struct replay replay;
    struct outlet *outlets;
    unsigned lagging;
    uv_timer_t gate;
    bool gate_open, started, ended;
    int64_t pid;
    int64_t oom_kills; /* before the start; -1: not known */
    uint32_t height, width;
    bool stopping; /* by main_process_stop: its end has stop_code */
    int stop_code;
    Sockerless__Exit exit;
    struct error start_error;
};

/* ---- output ---- */

static size_t on_room(void *owner)
{
    struct main_process *m = owner;
    if (m->lagging || log_tee_full(m->tee))
        return 0;
    return m->gate_open ? FRAME_DATA_MAX : replay_room(&m->replay);
}

static void outlet_set_lagging(struct main_process *m, struct outlet *o, bool lagging)
{
    if (o->lagging == lagging)
        return;
    o->lagging = lagging;
    if (lagging)
        m->lagging++;
    else
        m->lagging--;
}

static bool outlet_wants(const struct outlet *o, uint8_t type)
{
    return type == FRAME_STDERR ? o->wants_stderr : o->wants_stdout;
}

static void on_output(void *owner, uint8_t type, const char *bytes, size_t len)
{
    struct main_process *m = owner;
    if (m->gate_open && len > replay_room(&m->replay))
        replay_release(&m->replay);
    replay_append(&m->replay, type, bytes, len);
    log_tee_output(m->tee, type, bytes, len);
    for (struct outlet *o = m->outlets; o; o = o->next)
        if (outlet_wants(o, type) && !channel_send(o->channel, type, bytes, len))
            outlet_set_lagging(m, o, true);
}

static void output_resume(struct main_process *m)
{
    if (m->process)
        process_resume(m->process);
}

static void gate_open(struct main_process *m)
{
    m->gate_open = true;
    uv_timer_stop(&m->gate);
    output_resume(m);
}

static void on_gate_timeout(uv_timer_t *timer)
{
    gate_open(timer->data);
}

void main_process_controlled(struct main_process *m)
{
    gate_open(m);
}

static void on_tee_drained(void *owner)
{
    struct main_process *m = owner;
    output_resume(m);
    m->outer_tee_events->drained(m->owner);
}

static void on_tee_mark_written(void *owner, const char *text, size_t len)
{
    struct main_process *m = owner;
    m->outer_tee_events->mark_written(m->owner, text, len);
}

static void on_tee_recorded(void *owner)
{
    struct main_process *m = owner;
    m->outer_tee_events->recorded(m->owner);
}

/* ---- outlets ---- */

struct replay_target {
    struct main_process *process;
    struct outlet *outlet;
};

static void replay_to_outlet(void *arg, uint8_t type, const unsigned char *bytes, size_t len)
{
    struct replay_target *t = arg;
    if (outlet_wants(t->outlet, type) && !channel_send(t->outlet->channel, type, bytes, len))
        outlet_set_lagging(t->process, t->outlet, true);
}

bool main_process_keeps_all(const struct main_process *m)
{
    return !m->replay.over;
}

void main_process_add_outlet(struct main_process *m, struct outlet *o, bool replay)
{
    if (replay)
        replay_each(&m->replay, replay_to_outlet, &(struct replay_target){m, o});
    LL_PREPEND(m->outlets, o);
}

void main_process_remove_outlet(struct main_process *m, struct outlet *o)
{
    LL_DELETE(m->outlets, o);
    main_process_drained(m, o);
}

void main_process_drained(struct main_process *m, struct outlet *o)
{
    outlet_set_lagging(m, o, false);
    output_resume(m);
}

/* ---- stdin ---- */

static void on_stdin_ready(void *owner)
{
    struct main_process *m = owner;
    for (struct outlet *o = m->outlets; o; o = o->next) {
        if (o->stdin_paused) {
            o->stdin_paused = false;
            channel_resume(o->channel);
        }
    }
}

bool main_process_stdin(struct main_process *m, const void *bytes, size_t len)
{
    return !m->process || process_stdin(m->process, bytes, len);
}

void main_process_stdin_close(struct main_process *m)
{
    if (m->process)
        process_stdin_close(m->process);
}

/* ---- the end ---- */

static void finish(struct main_process *m, int code, int signal_number)
{
    if (m->ended)
        return;
    m->ended = true;
    m->exit.code = code;
    m->exit.signal = signal_number;
    m->exit.oom_killed = m->oom_kills >= 0 && oom_counter_read(OOM_COUNTER_CGROUPS) > m->oom_kills;
    uv_timer_stop(&m->gate);
    on_stdin_ready(m);
    log_tee_exit(m->tee, code);
    m->ended_cb(m->owner);
}

static void on_ended(void *owner, int code, int signal_number)
{
    struct main_process *m = owner;
    process_free(STEAL(m->process));
    finish(m, m->stopping ? m->stop_code : code, m->stopping ? 0 : signal_number);
}

static const struct process_events process_handlers = {
    .room = on_room,
    .output = on_output,
    .stdin_ready = on_stdin_ready,
    .ended = on_ended,
};

/* ---- the start ---- */

/* What Docker writes before the OCI runtime's own words. */
static const char runtime_failed[] = "failed to create shim task: OCI runtime create failed: runc "
                                     "create failed: unable to start container process: ";

static const char *without_prefix(const char *text, const char *prefix)
{
    return str_starts(text, prefix) ? text + strlen(prefix) : text;
}

static int start_process(struct main_process *m, int *exit_code, struct error *err)
{
    const struct agent_options *o = m->options;
    AUTO(strv) struct strv env = STRV_INIT;
    environment_copy(&env, o->env.items);
    struct process_options options = {
        .argv = o->argv,
        .env = env,
        .user = o->user,
        .groups = o->groups,
        .workdir = o->workdir,
        .make_workdir = true,
        .idle_if_missing = o->keep_alive,
        .tty = o->tty,
        .height = m->height ? m->height : (uint32_t)o->height,
        .width = m->width ? m->width : (uint32_t)o->width,
        .open_stdin = o->open_stdin,
    };
    bool runtime_error;
    int rc = process_start(m->loop, m->reaper, &options, &process_handlers, m, &m->process,
                           exit_code, &runtime_error, err);
    env = options.env; /* it has grown */
    if (rc && runtime_error) {
        struct error inner = *err;
        error_set(err, inner.code, "%s%s", runtime_failed, inner.message);
    }
    return rc;
}

void main_process_start(struct main_process *m)
{
    int exit_code;
    m->oom_kills = oom_counter_read(OOM_COUNTER_CGROUPS);
    if (!m->gate_open)
        uv_timer_start(&m->gate, on_gate_timeout, (uint64_t)m->options->gate_ms, 0);
    if (start_process(m, &exit_code, &m->start_error)) {
        if (m->options->linger_ms == 0) /* no backend to tell it */
            log_error(without_prefix(m->start_error.message, runtime_failed));
        m->exit.start_failed = true;
        m->exit.error = m->start_error.message;
        finish(m, exit_code, 0);
        return;
    }
    m->started = true;
    m->pid = process_pid(m->process);
}

struct main_process *main_process_new(struct loop *l, struct reaper *reaper,
                                      const struct agent_options *options, int log_fd,
                                      const struct log_tee_events *tee_events,
                                      main_process_ended ended, void *owner)
{
    struct main_process *m = NEW(struct main_process);
    m->loop = l;
    m->reaper = reaper;
    m->options = options;
    m->ended_cb = ended;
    m->owner = owner;
    m->outer_tee_events = tee_events;
    m->tee_events = (struct log_tee_events){on_tee_drained, on_tee_mark_written, on_tee_recorded};
    m->tee = log_tee_open(l, log_fd, options->log_lines, &m->tee_events, m);
    log_tee_of_run(m->tee, str_or_empty(options->run));
    if (options->linger_ms == 0)
        log_tee_without_anchors(m->tee);
    sockerless__exit__init(&m->exit);
    uv_timer_init(&l->uv, &m->gate);
    m->gate.data = m;
    return m;
}

/* ---- small ---- */

void main_process_signal(struct main_process *m, int number)
{
    if (m->process)
        process_signal(m->process, number);
}

void main_process_stop(struct main_process *m, int code)
{
    m->stopping = true;
    m->stop_code = code;
    main_process_signal(m, SIGKILL);
}

void main_process_resize(struct main_process *m, uint32_t height, uint32_t width)
{
    m->height = height;
    m->width = width;
    if (m->process)
        process_resize(m->process, height, width);
}

bool main_process_started(const struct main_process *m)
{
    return m->started;
}

bool main_process_ended_p(const struct main_process *m)
{
    return m->ended;
}

int64_t main_process_pid(const struct main_process *m)
{
    return m->pid;
}

const Sockerless__Exit *main_process_exit(const struct main_process *m)
{
    return &m->exit;
}

struct log_tee *main_process_tee(struct main_process *m)
{
    return m->tee;
}
