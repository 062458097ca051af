/* SPDX-License-Identifier: Apache-2.0
 *
 * Harness of the agent's integration tests: starts the real binary on a loopback port, collects its
 * log, and talks to it over channels as a backend does. Everything happens on one loop; a test
 * waits with WAIT_FOR(condition), which runs the loop until it holds or 20 s have passed.
 */
#ifndef SOCKERLESS_TEST_AGENT_HARNESS_H
#define SOCKERLESS_TEST_AGENT_HARNESS_H

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "ipc/channel.h"
#include "loop/loop.h"

#include "proto/sockerless.pb-c.h"
#include "test/kit/free_port.h"
#include "test/kit/test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MAX_MS = 20000, REDIAL_MS = 5 };
#define TOKEN "0123456789abcdef"

struct harness {
    struct loop loop;
    uv_process_t process;
    uv_pipe_t log_pipe;
    struct buf log;
    char log_space[65536];
    bool log_paused, log_ended;
    bool exited;
    int64_t exit_code;
    int exit_signal;
    int port;
    uv_timer_t limit;
    bool timed_out;
    struct strv env;
};

/* One session as the backend sees it. */
struct peer {
    struct harness *h;
    struct channel *channel; /* NULL once closed */
    struct buf out, err;
    bool keep;            /* collect output; else only hash it */
    uint64_t hash, bytes; /* FNV-1a of all output */
    bool opened, started, exited, ended, failed, drained, start_failed, was_dropped;
    bool tty;
    int64_t pid;
    int code, signal;
    struct buf text; /* of an error, or of the exit */
    struct buf marks;
};

static uint64_t hash_add(uint64_t hash, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 1099511628211ULL;
    return hash;
}

static void harness_on_limit(uv_timer_t *timer)
{
    ((struct harness *)timer->data)->timed_out = true;
}

static void harness_turn(struct harness *h, const char *condition, int line)
{
    uv_run(&h->loop.uv, UV_RUN_ONCE);
    if (h->timed_out)
        fail_msg("line %d: waited too long for: %s\nlog so far: %.2000s", line, condition,
                 str_or_empty(h->log.data));
}

#define WAIT_FOR(h, condition)                                                                     \
    do {                                                                                           \
        (h)->timed_out = false;                                                                    \
        uv_timer_start(&(h)->limit, harness_on_limit, WAIT_MAX_MS, 0);                             \
        while (!(condition))                                                                       \
            harness_turn((h), #condition, __LINE__);                                               \
        uv_timer_stop(&(h)->limit);                                                                \
    } while (0)

/* ---- peers ---- */

static void peer_on_exit(struct peer *p, const struct frame *f)
{
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    Sockerless__Exit *m = sockerless__exit__unpack(&arena.protobuf, f->len, f->payload);
    assert_non_null(m);
    p->exited = true;
    p->code = m->code;
    p->signal = m->signal;
    p->start_failed = m->start_failed;
    buf_puts(&p->text, m->error);
}

static void peer_on_opened(struct peer *p, const struct frame *f)
{
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    Sockerless__StreamOpened *m =
        sockerless__stream_opened__unpack(&arena.protobuf, f->len, f->payload);
    assert_non_null(m);
    p->pid = m->pid;
    p->tty = m->tty;
    if (f->type == FRAME_STARTED)
        p->started = true;
    else
        p->opened = true;
}

static void peer_on_error(struct peer *p, const struct frame *f)
{
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    Sockerless__Error *m = sockerless__error__unpack(&arena.protobuf, f->len, f->payload);
    assert_non_null(m);
    p->failed = true;
    buf_puts(&p->text, m->message);
}

static void peer_frame(void *owner, const struct frame *f)
{
    struct peer *p = owner;
    switch (f->type) {
    case FRAME_STDOUT:
    case FRAME_STDERR:
        p->hash = hash_add(p->hash, f->payload, f->len);
        p->bytes += f->len;
        if (p->keep)
            buf_append(f->type == FRAME_STDOUT ? &p->out : &p->err, f->payload, f->len);
        break;
    case FRAME_OPENED:
    case FRAME_STARTED: peer_on_opened(p, f); break;
    case FRAME_EXIT: peer_on_exit(p, f); break;
    case FRAME_ERROR: peer_on_error(p, f); break;
    case FRAME_END:
        p->ended = true;
        channel_finish(p->channel); /* as the backend does */
        break;
    case FRAME_LOG_MARK: buf_append(&p->marks, f->payload, f->len); break;
    default: fail_msg("unexpected frame of type %u", f->type);
    }
}

static void peer_drained(void *owner)
{
    ((struct peer *)owner)->drained = true;
}

static void peer_closed(void *owner, const struct error *why)
{
    struct peer *p = owner;
    p->channel = NULL;
    p->was_dropped = true;
    if (why && !p->opened)
        buf_puts(&p->text, why->message);
}

static const struct channel_events peer_events = {peer_frame, peer_drained, peer_closed};

static void peer_dial(struct peer *p, struct harness *h, const char *token)
{
    struct error err;
    char url[64];
    struct channel_options options = {.bearer_token = token};
    *p = (struct peer){.h = h, .keep = true, .hash = 14695981039346656037ULL};
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", h->port);
    if (channel_dial(&h->loop, url, &options, &peer_events, p, &p->channel, &err))
        fail_msg("%s", err.message);
}

static void peer_send_open(struct peer *p, Sockerless__StreamOpen *open)
{
    channel_send_message(p->channel, FRAME_OPEN, NULL, 0, &open->base);
}

__attribute__((unused)) static void peer_control(struct peer *p, struct harness *h)
{
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__AgentControlOpen control = SOCKERLESS__AGENT_CONTROL_OPEN__INIT;
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_CONTROL;
    open.agent_control = &control;
    peer_dial(p, h, TOKEN);
    peer_send_open(p, &open);
    WAIT_FOR(h, p->opened || p->was_dropped);
    assert_true(p->opened);
}

__attribute__((unused)) static void peer_attach(struct peer *p, struct harness *h,
                                                Sockerless__AgentAttachOpen attach)
{
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_ATTACH;
    open.agent_attach = &attach;
    peer_dial(p, h, TOKEN);
    peer_send_open(p, &open);
    WAIT_FOR(h, p->opened || p->was_dropped);
    assert_true(p->opened);
}

#define ATTACH(...)                                                                                \
    (Sockerless__AgentAttachOpen)                                                                  \
    {                                                                                              \
        .base = PROTOBUF_C_MESSAGE_INIT(&sockerless__agent_attach_open__descriptor), __VA_ARGS__   \
    }

/* Does not wait: the answer may be an exit. */
__attribute__((unused)) static void peer_exec(struct peer *p, struct harness *h,
                                              Sockerless__AgentExecOpen exec,
                                              const char *const *argv)
{
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_EXEC;
    open.agent_exec = &exec;
    while (argv[exec.n_argv])
        exec.n_argv++;
    exec.argv = (char **)(uintptr_t)argv;
    if (!exec.user)
        exec.user = (char *)(uintptr_t)protobuf_c_empty_string;
    if (!exec.working_dir)
        exec.working_dir = (char *)(uintptr_t)protobuf_c_empty_string;
    peer_dial(p, h, TOKEN);
    peer_send_open(p, &open);
}

#define EXEC(...)                                                                                  \
    (Sockerless__AgentExecOpen)                                                                    \
    {                                                                                              \
        .base = PROTOBUF_C_MESSAGE_INIT(&sockerless__agent_exec_open__descriptor), .stdout = 1,    \
        .stderr = 1, __VA_ARGS__                                                                   \
    }
#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

__attribute__((unused)) static void peer_signal(struct peer *p, int number)
{
    Sockerless__Signal m = SOCKERLESS__SIGNAL__INIT;
    m.number = number;
    channel_send_message(p->channel, FRAME_SIGNAL, NULL, 0, &m.base);
}

__attribute__((unused)) static void peer_resize(struct peer *p, uint32_t height, uint32_t width)
{
    Sockerless__Resize m = SOCKERLESS__RESIZE__INIT;
    m.height = height;
    m.width = width;
    channel_send_message(p->channel, FRAME_RESIZE, NULL, 0, &m.base);
}

__attribute__((unused)) static void peer_type(struct peer *p, const char *text)
{
    channel_send(p->channel, FRAME_STDIN, text, strlen(text));
}

__attribute__((unused)) static bool peer_printed(const struct peer *p, const char *text)
{
    return p->out.data && strstr(p->out.data, text);
}

static void peer_close(struct peer *p)
{
    if (p->channel)
        channel_abort(p->channel);
    WAIT_FOR(p->h, !p->channel);
    buf_free(&p->out);
    buf_free(&p->err);
    buf_free(&p->text);
    buf_free(&p->marks);
}

/* ---- the agent ---- */

/* The agent that a failed test leaves behind, or 0; its harness was on a stack that is gone. */
static pid_t harness_agent;

__attribute__((unused)) static int harness_teardown(void **state)
{
    (void)state;
    if (harness_agent)
        kill(harness_agent, SIGKILL);
    harness_agent = 0;
    return 0;
}
#define TEST_AGENT(name) TEST_CASE(name, NULL, harness_teardown)

static void harness_on_exit(uv_process_t *process, int64_t code, int signal_number)
{
    struct harness *h = process->data;
    h->exited = true;
    h->exit_code = code;
    h->exit_signal = signal_number;
}

static void harness_log_space(uv_handle_t *handle, size_t hint, uv_buf_t *out)
{
    (void)hint;
    struct harness *h = handle->data;
    *out = uv_buf_init(h->log_space, sizeof h->log_space);
}

static void harness_on_log(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct harness *h = stream->data;
    if (n > 0)
        buf_append(&h->log, bytes->base, (size_t)n);
    else if (n < 0)
        h->log_ended = true;
}

__attribute__((unused)) static void harness_read_log(struct harness *h)
{
    uv_read_start((uv_stream_t *)&h->log_pipe, harness_log_space, harness_on_log);
}

static const char *agent_binary(void)
{
    const char *path = getenv("AGENT_BIN");
    return path ? path : "build/release/bin/sockerless-agent";
}

/* Until the port takes connections. A failed dial ends in closed(); then comes the next. */
static void harness_wait_listening(struct harness *h)
{
    for (;;) {
        struct peer probe;
        peer_dial(&probe, h, TOKEN);
        channel_finish(probe.channel);
        WAIT_FOR(h, !probe.channel || h->exited);
        bool refused = probe.text.len > 0;
        peer_close(&probe);
        if (!refused || h->exited)
            return;
    }
}

/* argv: what follows the program's name. The environment is h->env. */
__attribute__((unused)) static void agent_spawn(struct harness *h, const char *const *argv)
{
    AUTO(strv) struct strv args = STRV_INIT;
    strv_push(&args, agent_binary());
    for (; *argv; argv++)
        strv_push(&args, *argv);
    uv_pipe_init(&h->loop.uv, &h->log_pipe, 0);
    h->log_pipe.data = h;
    h->process.data = h;
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&h->log_pipe},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
    };
    uv_process_options_t options = {
        .file = args.items[0],
        .args = args.items,
        .env = h->env.items,
        .exit_cb = harness_on_exit,
        .stdio = stdio,
        .stdio_count = 3,
    };
    int rc = uv_spawn(&h->loop.uv, &h->process, &options);
    if (rc)
        fail_msg("%s: %s", args.items[0], uv_strerror(rc));
    harness_agent = h->process.pid;
    harness_read_log(h);
}

/* env: additional "K=v", may be NULL. argv: as agent_spawn()'s. */
__attribute__((unused)) static void agent_start(struct harness *h, const char *const *env,
                                                const char *const *argv)
{
    struct error err;
    *h = (struct harness){0};
    assert_int_equal(loop_init(&h->loop, &err), 0);
    uv_timer_init(&h->loop.uv, &h->limit);
    h->limit.data = h;
    h->port = free_port();
    for (char **at = environ; *at; at++)
        if (!str_starts(*at, "SOCKERLESS_"))
            strv_push(&h->env, *at);
    strv_push(&h->env, "SOCKERLESS_AGENT_TOKEN=" TOKEN);
    strv_push(&h->env, "SOCKERLESS_AGENT_ADDRESS=127.0.0.1");
    strv_push_owned(&h->env, xasprintf("SOCKERLESS_AGENT_PORT=%d", h->port));
    for (; env && *env; env++)
        strv_push(&h->env, *env);
    agent_spawn(h, argv);
    harness_wait_listening(h);
}

/* Waits for its end and returns its exit code. */
__attribute__((unused)) static int agent_wait(struct harness *h)
{
    WAIT_FOR(h, h->exited && h->log_ended);
    harness_agent = 0;
    return h->exit_signal ? 1000 + h->exit_signal : (int)h->exit_code;
}

__attribute__((unused)) static void agent_stop(struct harness *h)
{
    if (!h->exited)
        uv_process_kill(&h->process, SIGKILL);
    WAIT_FOR(h, h->exited);
    harness_agent = 0;
    uv_close((uv_handle_t *)&h->process, NULL);
    uv_close((uv_handle_t *)&h->log_pipe, NULL);
    uv_close((uv_handle_t *)&h->limit, NULL);
    loop_fini(&h->loop);
    buf_free(&h->log);
    strv_free(&h->env);
}

#endif
