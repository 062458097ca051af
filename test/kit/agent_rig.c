/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/agent_rig.h"

#include "base/arena.h"
#include "test/kit/free_port.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct agent_rig agent;

uint64_t hash_add(uint64_t hash, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 1099511628211ULL;
    return hash;
}

static void on_limit(uv_timer_t *timer)
{
    (void)timer;
    agent.timed_out = true;
}

void agent_limit(bool on)
{
    agent.timed_out = false;
    if (on)
        uv_timer_start(&agent.limit, on_limit, WAIT_MAX_MS, 0);
    else
        uv_timer_stop(&agent.limit);
}

void agent_turn(const char *condition, int line)
{
    uv_run(&agent.loop.uv, UV_RUN_ONCE);
    if (agent.timed_out)
        fail_msg("line %d: waited too long for: %s\nlog so far: %.2000s", line, condition,
                 str_or_empty(agent.log.data));
}

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
    p->marked = m->marked;
    p->log_first = m->log_first;
    p->log_end = m->log_end;
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
    case FRAME_LOG:
        assert_true(log_ring_take(&p->log, f->payload, f->len));
        p->log_frames++;
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

const struct channel_events peer_events = {peer_frame, peer_drained, peer_closed};

struct peer *peer_new(void)
{
    struct peer *p = NEW(struct peer);
    *p = (struct peer){.next = agent.peers, .keep = true, .hash = 14695981039346656037ULL};
    log_ring_init(&p->log, LOG_RING_MAX);
    return agent.peers = p;
}

struct peer *peer_dial(const char *token)
{
    struct error err;
    char url[64];
    struct channel_options options = {.bearer_token = token};
    struct peer *p = peer_new();
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", agent.port);
    if (channel_dial(&agent.loop, url, &options, &peer_events, p, &p->channel, &err))
        fail_msg("%s", err.message);
    return p;
}

void peer_send_open(struct peer *p, Sockerless__StreamOpen *open)
{
    channel_send_message(p->channel, FRAME_OPEN, NULL, 0, &open->base);
}

static struct peer *peer_open(Sockerless__StreamOpen *open)
{
    struct peer *p = peer_dial(TOKEN);
    peer_send_open(p, open);
    WAIT_FOR(p->opened || p->was_dropped);
    assert_true(p->opened);
    return p;
}

struct peer *peer_control(void)
{
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__AgentControlOpen control = SOCKERLESS__AGENT_CONTROL_OPEN__INIT;
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_CONTROL;
    open.agent_control = &control;
    return peer_open(&open);
}

struct peer *peer_attach(Sockerless__AgentAttachOpen attach)
{
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_ATTACH;
    open.agent_attach = &attach;
    return peer_open(&open);
}

struct peer *peer_log(uint64_t from)
{
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__AgentLogOpen log = SOCKERLESS__AGENT_LOG_OPEN__INIT;
    log.from = from;
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_LOG;
    open.agent_log = &log;
    return peer_open(&open);
}

Sockerless__AgentExecOpen exec_with(Sockerless__AgentExecOpen exec, const char *const *argv)
{
    while (argv[exec.n_argv])
        exec.n_argv++;
    exec.argv = (char **)(uintptr_t)argv;
    if (!exec.user)
        exec.user = (char *)(uintptr_t)protobuf_c_empty_string;
    if (!exec.working_dir)
        exec.working_dir = (char *)(uintptr_t)protobuf_c_empty_string;
    return exec;
}

struct peer *peer_exec(Sockerless__AgentExecOpen exec, const char *const *argv)
{
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    struct peer *p = peer_dial(TOKEN);
    exec = exec_with(exec, argv);
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_EXEC;
    open.agent_exec = &exec;
    peer_send_open(p, &open);
    return p;
}

struct peer *peer_exec_end(Sockerless__AgentExecOpen exec, const char *const *argv)
{
    struct peer *p = peer_exec(exec, argv);
    WAIT_FOR(p->ended);
    return p;
}

void peer_acknowledge(struct peer *p)
{
    channel_send(p->channel, FRAME_ACK, NULL, 0);
}

void peer_signal(struct peer *p, int number)
{
    Sockerless__Signal m = SOCKERLESS__SIGNAL__INIT;
    m.number = number;
    channel_send_message(p->channel, FRAME_SIGNAL, NULL, 0, &m.base);
}

void peer_resize(struct peer *p, uint32_t height, uint32_t width)
{
    Sockerless__Resize m = SOCKERLESS__RESIZE__INIT;
    m.height = height;
    m.width = width;
    channel_send_message(p->channel, FRAME_RESIZE, NULL, 0, &m.base);
}

void peer_type(struct peer *p, const char *text)
{
    channel_send(p->channel, FRAME_STDIN, text, strlen(text));
}

bool peer_printed(const struct peer *p, const char *text)
{
    return p->out.data && strstr(p->out.data, text);
}

void peer_close(struct peer *p)
{
    if (p->channel)
        channel_abort(p->channel);
    WAIT_FOR(!p->channel);
    buf_free(&p->out);
    buf_free(&p->err);
    buf_free(&p->text);
    buf_free(&p->marks);
    log_ring_fini(&p->log);
    struct peer **at = &agent.peers;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    free(p);
}

/* ---- the agent ---- */

static void on_exit_of_agent(uv_process_t *process, int64_t code, int signal_number)
{
    (void)process;
    agent.exited = true;
    agent.exit_code = code;
    agent.exit_signal = signal_number;
}

static void on_log_space(uv_handle_t *handle, size_t hint, uv_buf_t *out)
{
    (void)handle;
    (void)hint;
    *out = uv_buf_init(agent.log_space, sizeof agent.log_space);
}

static void on_log(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    (void)stream;
    if (n > 0)
        buf_append(&agent.log, bytes->base, (size_t)n);
    else if (n < 0)
        agent.log_ended = true;
}

const char *agent_binary(void)
{
    const char *path = getenv("AGENT_BIN");
    return path ? path : "build/release/bin/sockerless-agent";
}

/* Until the port takes connections. A failed dial ends in closed(); then comes the next. */
static void wait_listening(void)
{
    bool refused = true;
    while (refused && !agent.exited) {
        struct peer *probe = peer_dial(TOKEN);
        channel_finish(probe->channel);
        WAIT_FOR(!probe->channel || agent.exited);
        refused = probe->text.len > 0;
        peer_close(probe);
    }
}

void agent_prepare(void)
{
    struct error err;
    agent = (struct agent_rig){.running = true};
    assert_int_equal(loop_init(&agent.loop, &err), 0);
    uv_timer_init(&agent.loop.uv, &agent.limit);
    agent.port = free_port();
    for (char **at = environ; *at; at++)
        if (!str_starts(*at, "SOCKERLESS_"))
            strv_push(&agent.env, *at);
}

void agent_spawn(const char *const *argv)
{
    AUTO(strv) struct strv args = STRV_INIT;
    strv_push(&args, agent_binary());
    for (; *argv; argv++)
        strv_push(&args, *argv);
    uv_pipe_init(&agent.loop.uv, &agent.log_pipe, 0);
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&agent.log_pipe},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
    };
    uv_process_options_t options = {
        .file = args.items[0],
        .args = args.items,
        .env = agent.env.items,
        .exit_cb = on_exit_of_agent,
        .stdio = stdio,
        .stdio_count = 3,
    };
    int rc = uv_spawn(&agent.loop.uv, &agent.process, &options);
    if (rc)
        fail_msg("%s: %s", args.items[0], uv_strerror(rc));
    agent.spawned = true;
    uv_read_start((uv_stream_t *)&agent.log_pipe, on_log_space, on_log);
}

void agent_start(const char *const *env, const char *const *argv)
{
    agent_prepare();
    strv_push(&agent.env, "SOCKERLESS_AGENT_TOKEN=" TOKEN);
    strv_push(&agent.env, "SOCKERLESS_AGENT_ADDRESS=127.0.0.1");
    strv_push_owned(&agent.env, xasprintf("SOCKERLESS_AGENT_PORT=%d", agent.port));
    for (; env && *env; env++)
        strv_push(&agent.env, *env);
    /* As the backend says it; what a test gives comes first and counts. */
    strv_push(&agent.env, "SOCKERLESS_AGENT_LINGER_MS=15000");
    strv_push(&agent.env, "SOCKERLESS_AGENT_GATE_MS=60000");
    agent_spawn(argv);
    wait_listening();
}

int agent_wait(void)
{
    WAIT_FOR(agent.exited && agent.log_ended);
    return agent.exit_signal ? 1000 + agent.exit_signal : (int)agent.exit_code;
}

void agent_stop(void)
{
    while (agent.peers)
        peer_close(agent.peers);
    if (agent.spawned) {
        if (!agent.exited)
            uv_process_kill(&agent.process, SIGKILL);
        WAIT_FOR(agent.exited);
        uv_close((uv_handle_t *)&agent.process, NULL);
        uv_close((uv_handle_t *)&agent.log_pipe, NULL);
    }
    uv_close((uv_handle_t *)&agent.limit, NULL);
    loop_fini(&agent.loop);
    buf_free(&agent.log);
    strv_free(&agent.env);
    agent.running = false;
}

int agent_teardown(void **state)
{
    (void)state;
    if (agent.running)
        agent_stop();
    return 0;
}
