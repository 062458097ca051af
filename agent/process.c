/* SPDX-License-Identifier: Apache-2.0
 * A process on the loop; see process.h. Owns the parent's ends of its pipes (or of its terminal),
 * the queue of stdin it has not taken, and its entry with the reaper. Output goes from the one read
 * buffer straight to the owner. */
#include "agent/process.h"

#include "agent/environment.h"
#include "agent/process_stdio.h"
#include "agent/pty.h"
#include "agent/spawn.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "ipc/frame.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    READ_SIZE = FRAME_DATA_MAX,
    READS_PER_TURN = 4,
    /* No pipe or terminal holds more; so a bystander that goes on writing cannot keep us. */
    DRAIN_MAX = 1024 * 1024,
};

struct process_stream {
    uv_poll_t poll;
    struct process *process;
    int fd; /* -1: closed */
    bool polling;
    uint8_t type;
};

enum { STREAM_OUT, STREAM_ERR, STREAM_IN, STREAMS };

struct process {
    struct reaper_child child;
    const struct process_events *events;
    void *owner; /* NULL after process_free() */
    struct process_stream streams[STREAMS];
    uv_timer_t grace;
    unsigned grace_ms;
    bool tty, reaped, ended, freed;
    bool stdin_closing;
    int wait_status;
    unsigned handles;   /* not yet closed */
    struct buf pending; /* stdin */
};

/* One for all: the loop has one thread and it is not kept over a call. */
static char read_buffer[READ_SIZE];

static void process_maybe_end(struct process *p);
static void process_maybe_release(struct process *p);

/* ---- streams ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct process *p = handle->data;
    p->handles--;
    process_maybe_release(p);
}

static void stream_close(struct process_stream *s)
{
    if (s->fd < 0)
        return;
    uv_poll_stop(&s->poll);
    s->polling = false;
    s->poll.data = s->process;
    uv_close((uv_handle_t *)&s->poll, on_handle_closed);
    close(s->fd);
    s->fd = -1;
}

static int stream_open(struct process_stream *s, struct loop *l, struct process *p, int fd,
                       uint8_t type)
{
    s->process = p;
    s->type = type;
    s->fd = -1;
    if (fd < 0)
        return 0;
    int rc = uv_poll_init(&l->uv, &s->poll, fd);
    if (rc) {
        close(fd);
        return rc;
    }
    s->fd = fd;
    s->poll.data = s;
    p->handles++;
    return 0;
}

static size_t output_room(struct process *p)
{
    return p->freed ? READ_SIZE : p->events->room(p->owner);
}

/* Reads once, at most max bytes. False when there is nothing more for now or for ever. */
static bool stream_read(struct process_stream *s, size_t max)
{
    struct process *p = s->process;
    ssize_t n;
    do
        n = read(s->fd, read_buffer, max < READ_SIZE ? max : READ_SIZE);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return false;
    if (n <= 0) { /* a terminal without processes says EIO */
        stream_close(s);
        return false;
    }
    if (!p->freed)
        p->events->output(p->owner, s->type, read_buffer, (size_t)n);
    return true;
}

static void stream_update(struct process_stream *s, int events, uv_poll_cb cb, bool wanted)
{
    if (s->fd < 0 || s->polling == wanted)
        return;
    s->polling = wanted;
    if (wanted)
        uv_poll_start(&s->poll, events, cb);
    else
        uv_poll_stop(&s->poll);
}

/* status < 0 (POLLERR alone) is treated as readable: read() then says what it is. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct process_stream *s = poll->data;
    struct process *p = s->process;
    for (int i = 0; i < READS_PER_TURN && s->fd >= 0; i++) {
        size_t room = output_room(p);
        if (room == 0 || !stream_read(s, room))
            break;
    }
    process_resume(p);
    process_maybe_end(p);
}

void process_resume(struct process *p)
{
    bool wanted = output_room(p) > 0;
    stream_update(&p->streams[STREAM_OUT], UV_READABLE, on_readable, wanted);
    stream_update(&p->streams[STREAM_ERR], UV_READABLE, on_readable, wanted);
}

/* ---- stdin ---- */

static void on_stdin_writable(uv_poll_t *poll, int status, int events);

/* True when nothing is left. A process that has closed its stdin gets no more. */
static bool stdin_flush(struct process *p)
{
    struct process_stream *s = &p->streams[STREAM_IN];
    while (s->fd >= 0 && p->pending.len) {
        ssize_t n = write(s->fd, p->pending.data, p->pending.len);
        if (n > 0)
            buf_consume(&p->pending, (size_t)n);
        else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        else if (n < 0 && errno != EINTR)
            stream_close(s);
    }
    if (s->fd < 0 || p->pending.len == 0) {
        buf_free(&p->pending);
        if (p->stdin_closing)
            stream_close(s);
    }
    stream_update(s, UV_WRITABLE, on_stdin_writable, p->pending.len > 0);
    return p->pending.len == 0;
}

static void on_stdin_writable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct process *p = ((struct process_stream *)poll->data)->process;
    if (stdin_flush(p) && !p->freed)
        p->events->stdin_ready(p->owner);
}

bool process_stdin(struct process *p, const void *bytes, size_t len)
{
    struct process_stream *s = &p->streams[STREAM_IN];
    if (s->fd < 0 || p->stdin_closing)
        return true;
    const char *at = bytes;
    while (p->pending.len == 0 && len) { /* the usual case: no copy */
        ssize_t n = write(s->fd, at, len);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            break;
        } else if (n < 0 && errno != EINTR) {
            stream_close(s);
            return true;
        }
    }
    if (len == 0)
        return true;
    buf_append(&p->pending, at, len);
    return stdin_flush(p);
}

void process_stdin_close(struct process *p)
{
    if (p->streams[STREAM_IN].fd < 0 || p->stdin_closing)
        return;
    if (p->tty) {
        process_stdin(p, "\x04", 1);
        return;
    }
    p->stdin_closing = true;
    stdin_flush(p);
}

/* ---- the end ---- */

static void stream_drain(struct process_stream *s)
{
    for (size_t left = DRAIN_MAX; left && s->fd >= 0;) {
        size_t step = left < READ_SIZE ? left : READ_SIZE;
        if (!stream_read(s, step))
            break;
        left -= step;
    }
    stream_close(s);
}

static void process_drain(struct process *p)
{
    stream_drain(&p->streams[STREAM_OUT]);
    stream_drain(&p->streams[STREAM_ERR]);
}

static void process_maybe_end(struct process *p)
{
    if (!p->reaped || p->ended || p->streams[STREAM_OUT].fd >= 0 || p->streams[STREAM_ERR].fd >= 0)
        return;
    p->ended = true;
    stream_close(&p->streams[STREAM_IN]);
    buf_free(&p->pending);
    if (!uv_is_closing((uv_handle_t *)&p->grace))
        uv_close((uv_handle_t *)&p->grace, on_handle_closed);
    if (p->freed)
        return;
    int signal_number = WIFSIGNALED(p->wait_status) ? WTERMSIG(p->wait_status) : 0;
    int code = signal_number ? 128 + signal_number : WEXITSTATUS(p->wait_status);
    p->events->ended(p->owner, code, signal_number);
}

static void on_grace_over(uv_timer_t *timer)
{
    struct process *p = timer->data;
    process_drain(p);
    process_maybe_end(p);
}

/* What is in the pipes now was written before the end, or by others that live on. It is little, so
 * it is read even when the owner has no room. */
static void on_exited(struct reaper_child *child, int wait_status)
{
    struct process *p = CONTAINER_OF(child, struct process, child);
    p->reaped = true;
    p->wait_status = wait_status;
    if (p->grace_ms && !p->freed)
        uv_timer_start(&p->grace, on_grace_over, p->grace_ms, 0);
    else
        process_drain(p);
    process_maybe_end(p);
}

static void process_maybe_release(struct process *p)
{
    if (p->freed && p->ended && p->handles == 0) {
        buf_free(&p->pending);
        free(p);
    }
}

void process_free(struct process *p)
{
    p->freed = true;
    p->owner = NULL;
    buf_free(&p->pending);
    stream_close(&p->streams[STREAM_IN]);
    process_resume(p);
    process_maybe_release(p);
}

/* ---- the start ---- */

static int process_spawn(struct process_options *o, const struct process_stdio *stdio,
                         const struct user_identity *user, pid_t *pid, int *exit_code,
                         struct error *err)
{
    const char *workdir = str_empty(o->workdir) ? "/" : o->workdir;
    environment_complete(&o->env, user->home, o->tty);
    if (o->make_workdir && spawn_make_workdir(workdir, exit_code, err))
        return -1;
    struct spawn_request request = {
        .argv = &o->argv,
        .env = &o->env,
        .workdir = workdir,
        .user = user,
        .stdio = {stdio->child[0], stdio->child[1], stdio->child[2]},
        .tty = o->tty,
        .idle_if_missing = o->idle_if_missing,
    };
    return spawn_process(&request, pid, exit_code, err);
}

static struct process *process_new(struct loop *l, struct process_options *o,
                                   struct process_stdio *stdio, struct error *err)
{
    struct process *p = NEW(struct process);
    p->tty = o->tty;
    p->grace_ms = o->output_grace_ms;
    uv_timer_init(&l->uv, &p->grace);
    p->grace.data = p;
    p->handles = 1;
    int rc = stream_open(&p->streams[STREAM_OUT], l, p, STEAL_FD(stdio->parent[1]), FRAME_STDOUT);
    int rc2 = stream_open(&p->streams[STREAM_ERR], l, p, STEAL_FD(stdio->parent[2]), FRAME_STDERR);
    int rc3 = stream_open(&p->streams[STREAM_IN], l, p, STEAL_FD(stdio->parent[0]), FRAME_STDIN);
    rc = rc ? rc : rc2 ? rc2 : rc3;
    if (rc == 0)
        return p;
    error_set(err, ERROR_SYSTEM, "watching the standard streams: %s", uv_strerror(rc));
    return p; /* with err set: the caller gives it up */
}

/* A process that never was. */
static void process_discard(struct process *p)
{
    p->freed = p->reaped = true;
    for (int i = 0; i < STREAMS; i++)
        stream_close(&p->streams[i]);
    process_maybe_end(p);
}

/* Whom the options name; nobody: who the agent is, which is root where a backend has not said
 * otherwise. */
static int user_find_for(const char *name, struct user_identity *user, struct error *err)
{
    char own[16];
    bool as_agent = str_empty(name) && geteuid() != 0;
    snprintf(own, sizeof own, "%u", (unsigned)geteuid());
    if (user_resolve(as_agent ? own : str_or_empty(name), "/etc/passwd", "/etc/group", user, err))
        return -1;
    if (as_agent)
        user->gid = getegid();
    return 0;
}

int process_start(struct loop *l, struct reaper *reaper, struct process_options *options,
                  const struct process_events *events, void *owner, struct process **out,
                  int *exit_code, bool *runtime_error, struct error *err)
{
    AUTO(user) struct user_identity user = {0};
    AUTO(process_stdio) struct process_stdio stdio = PROCESS_STDIO_INIT;
    *exit_code = SPAWN_FAILED;
    if (runtime_error)
        *runtime_error = false;
    if (user_find_for(options->user, &user, err) ||
        user_add_groups(&user, str_or_empty(options->groups), "/etc/group", err))
        return -1;
    if (runtime_error)
        *runtime_error = true;
    if (process_stdio_open(options, &user, &stdio, err))
        return -1;
    struct error watch = {0};
    struct process *p = process_new(l, options, &stdio, &watch);
    p->events = events;
    p->owner = owner;
    if (watch.code)
        *err = watch;
    if (watch.code || process_spawn(options, &stdio, &user, &p->child.pid, exit_code, err)) {
        process_discard(p);
        return -1;
    }
    p->child.exited = on_exited;
    reaper_watch(reaper, &p->child);
    *out = p;
    process_resume(p);
    return 0;
}

/* ---- small ---- */

pid_t process_pid(const struct process *p)
{
    return p->child.pid;
}

void process_signal(struct process *p, int number)
{
    if (!p->reaped)
        kill(p->child.pid, number);
}

void process_resize(struct process *p, uint32_t height, uint32_t width)
{
    if (p->tty && p->streams[STREAM_OUT].fd >= 0)
        pty_resize(p->streams[STREAM_OUT].fd, height, width);
}
