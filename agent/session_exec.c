/* SPDX-License-Identifier: Apache-2.0
 * The exec session; see session_exec.h and AgentExecOpen in proto/sockerless.proto. The process
 * outlives its session when the backend goes away: struct exec is freed when both are gone. */
#include "agent/session_exec.h"

#include "agent/environment.h"
#include "agent/process.h"
#include "agent/workload.h"
#include "base/alloc.h"

#include <string.h>

/* What Docker writes before the runtime's own words, and the exit code of every exec that could not
 * be started. */
static const char runtime_failed[] =
    "OCI runtime exec failed: exec failed: unable to start container process: ";
enum { EXEC_NOT_STARTED = 126 };

struct exec {
    struct workload *workload;
    struct session *session; /* NULL: the backend has gone */
    struct process *process; /* NULL: it has ended */
    bool wants_stdin, wants_stdout, wants_stderr, tty;
    bool lagging, stdin_paused;
};

static void exec_maybe_free(struct exec *e)
{
    if (!e->session && !e->process)
        free(e);
}

/* ---- process events ---- */

static size_t on_room(void *owner)
{
    struct exec *e = owner;
    return e->session && e->lagging ? 0 : FRAME_DATA_MAX;
}

static void on_output(void *owner, uint8_t type, const char *bytes, size_t len)
{
    struct exec *e = owner;
    bool wanted = type == FRAME_STDERR ? e->wants_stderr : e->wants_stdout;
    if (e->session && wanted && !channel_send(e->session->channel, type, bytes, len))
        e->lagging = true;
}

static void on_stdin_ready(void *owner)
{
    struct exec *e = owner;
    if (e->session && e->stdin_paused) {
        e->stdin_paused = false;
        channel_resume(e->session->channel);
    }
}

static void on_ended(void *owner, int code, int signal)
{
    struct exec *e = owner;
    process_free(STEAL(e->process));
    e->workload->execs--;
    if (e->session) {
        Sockerless__Exit exit = SOCKERLESS__EXIT__INIT;
        exit.code = code;
        exit.signal = signal;
        session_end(e->session, &exit);
    }
    exec_maybe_free(e);
}

static const struct process_events process_handlers = {on_room, on_output, on_stdin_ready,
                                                       on_ended};

/* ---- opening ---- */

static int exec_check(const struct workload *w, const Sockerless__AgentExecOpen *asked,
                      struct error *err)
{
    if (asked->n_argv == 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "No exec command specified");
    if (!main_process_started(w->main) || main_process_ended_p(w->main))
        return error_set(err, ERROR_CONFLICT, "container is not running");
    if (w->execs >= SESSION_EXEC_MAX)
        return error_set(err, ERROR_TOO_MANY_REQUESTS,
                         "%d exec processes run in this container; wait for one to end",
                         SESSION_EXEC_MAX);
    return 0;
}

static int exec_check_workdir(const Sockerless__AgentExecOpen *asked, struct error *err)
{
    if (!*asked->working_dir || *asked->working_dir == '/')
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown");
}

/* What dockerd adds for people who mounted the one onto the other. */
static const char not_a_directory[] =
    ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified "
    "host path exists and is the expected type";

/* In the words of Docker and the OCI runtime. */
static int exec_runtime_failed(struct error *err)
{
    struct error inner = *err;
    bool misplaced = strstr(inner.message, "not a directory") != NULL;
    return error_set(err, inner.code, "%s%s%s", runtime_failed, inner.message,
                     misplaced ? not_a_directory : "");
}

static int exec_start(struct exec *e, const Sockerless__AgentExecOpen *asked, struct error *err)
{
    struct process_options options = {
        .user = asked->user,
        .groups = e->workload->options->groups,
        .workdir = asked->working_dir,
        .tty = asked->tty,
        .height = asked->height,
        .width = asked->width,
        .open_stdin = asked->stdin,
        .no_stdout = !asked->stdout,
        .no_stderr = !asked->stderr,
        .output_grace_ms = SESSION_EXEC_OUTPUT_GRACE_MS,
    };
    for (size_t i = 0; i < asked->n_argv; i++)
        strv_push(&options.argv, asked->argv[i]);
    for (size_t i = 0; i < asked->n_env; i++)
        strv_push(&options.env, asked->env[i]);
    int exit_code;
    bool runtime_error;
    int rc = process_start(e->workload->loop, e->workload->reaper, &options, &process_handlers, e,
                           &e->process, &exit_code, &runtime_error, err);
    strv_free(&options.argv);
    strv_free(&options.env);
    return rc && runtime_error ? exec_runtime_failed(err) : rc;
}

static void exec_send_not_started(struct session *s, const struct error *err)
{
    Sockerless__Exit exit = SOCKERLESS__EXIT__INIT;
    struct error copy = *err;
    exit.code = EXEC_NOT_STARTED;
    exit.start_failed = true;
    exit.error = copy.message;
    session_end(s, &exit);
}

static int exec_open(struct session *s, const Sockerless__StreamOpen *open, struct error *err)
{
    const Sockerless__AgentExecOpen *asked = open->agent_exec;
    if (exec_check(s->workload, asked, err))
        return -1;
    struct exec *e = NEW(struct exec);
    e->workload = s->workload;
    e->session = s;
    e->wants_stdin = asked->stdin;
    e->wants_stdout = asked->stdout;
    e->wants_stderr = asked->stderr;
    e->tty = asked->tty;
    if (exec_check_workdir(asked, err) || exec_start(e, asked, err)) {
        exec_send_not_started(s, err);
        free(e);
        return 0;
    }
    s->workload->execs++;
    s->state = e;
    session_send_opened(s, FRAME_OPENED, e->tty, process_pid(e->process));
    return 0;
}

/* ---- session events ---- */

static void exec_frame(struct session *s, const struct frame *f)
{
    struct exec *e = s->state;
    uint32_t height, width;
    if (!e || !e->process)
        return;
    if (f->type == FRAME_STDIN && e->wants_stdin) {
        if (!process_stdin(e->process, f->payload, f->len)) {
            e->stdin_paused = true;
            channel_pause(s->channel);
        }
    } else if (f->type == FRAME_CLOSE_STDIN && e->wants_stdin) {
        process_stdin_close(e->process);
    } else if (f->type == FRAME_RESIZE && session_parse_resize(f, &height, &width)) {
        process_resize(e->process, height, width);
    }
}

static void exec_drained(struct session *s)
{
    struct exec *e = s->state;
    e->lagging = false;
    if (e->process)
        process_resume(e->process);
}

/* The process runs on; but there will be no more input. */
static void exec_closed(struct session *s)
{
    struct exec *e = STEAL(s->state);
    e->session = NULL;
    if (e->process) {
        if (!e->tty)
            process_stdin_close(e->process);
        process_resume(e->process);
    }
    exec_maybe_free(e);
}

const struct session_kind session_exec_kind = {
    .opened_by = SOCKERLESS__STREAM_OPEN__KIND_AGENT_EXEC,
    .open = exec_open,
    .frame = exec_frame,
    .drained = exec_drained,
    .closed = exec_closed,
    .holds_end = true,
};
