/* SPDX-License-Identifier: Apache-2.0
 *
 * exec start: client channel ⇄ an exec session of the agent. The exec's end is recorded before the
 * client's stream ends, because clients inspect it at once.
 */
#include "backend/attach/session_exec.h"

#include "backend/api/session.h"
#include "backend/agent/agent_channel.h"
#include "backend/state/backend_internal.h"
#include "backend/attach/detach_keys.h"
#include "backend/attach/exec.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "oci/document/container_config_merge.h"

#include <stdio.h>
#include <string.h>

enum { EARLY_STDIN_MAX = 128 * 1024, CODE_UNREACHABLE = 126 };

struct exec_session {
    struct exec *exec;
    struct channel *client; /* NULL once closed, and after a detached start */
    struct channel *agent;
    bool detach;
    bool raw;    /* start asked for a TTY, whatever the process has: not framed, without stderr */
    bool opened; /* the process runs, FRAME_OPENED went to the client */
    bool ended;
    bool left;               /* the client typed its detach keys, or let go of a tty */
    struct detach_keys keys; /* none without a tty */
    size_t early;            /* stdin bytes queued before the process ran */
};

static void session_maybe_free(struct exec_session *s)
{
    if (s->client || s->agent)
        return;
    struct exec *e = s->exec;
    e->session = NULL;
    free(s);
}

static void session_end(struct exec_session *s)
{
    if (s->ended)
        return;
    s->ended = true;
    if (s->client)
        channel_end(s->client);
    if (s->agent)
        channel_finish(s->agent);
}

static void send_opened(struct exec_session *s, int64_t pid)
{
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    opened.tty = s->raw;
    opened.pid = pid;
    if (s->client)
        channel_send_message(s->client, FRAME_OPENED, NULL, 0, &opened.base);
    s->opened = true;
}

/* It never ran. Docker: attached, the reason is a line of stdout and the stream ends; detached, an
 * error. */
static void start_failed(struct exec_session *s, int32_t code, const char *why)
{
    exec_set_ended(s->exec, code);
    if (s->ended)
        return;
    if (s->detach && s->client) {
        struct error err;
        error_set(&err, ERROR_INVALID_PARAMETER, "%s", why);
        s->ended = true;
        channel_fail(s->client, &err);
    } else if (s->client) {
        char text[ERROR_MESSAGE_MAX + 2];
        int n = snprintf(text, sizeof text, "%s\r\n", why);
        send_opened(s, 0);
        channel_send(s->client, FRAME_STDOUT, text,
                     (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
    }
    session_end(s);
}

/* ---- agent's side ---- */

static void on_agent_opened(struct exec_session *s, const struct frame *f)
{
    Sockerless__StreamOpened *m = sockerless__stream_opened__unpack(NULL, f->len, f->payload);
    int64_t pid = m ? m->pid : 0;
    sockerless__stream_opened__free_unpacked(m, NULL);
    exec_set_running(s->exec, pid);
    if (s->exec->height)
        session_exec_resize(s, s->exec->height, s->exec->width);
    send_opened(s, pid);
    if (!s->client)
        return;
    if (s->detach) {
        channel_end(s->client);
    } else {
        channel_resume(s->client);
    }
}

static void on_agent_exit(struct exec_session *s, const struct frame *f)
{
    Sockerless__Exit *exit = sockerless__exit__unpack(NULL, f->len, f->payload);
    if (!exit)
        return;
    if (exit->start_failed && !s->opened) {
        start_failed(s, exit->code, exit->error);
    } else {
        exec_set_ended(s->exec, exit->code);
        if (s->client && !s->ended && !s->detach)
            channel_send(s->client, FRAME_EXIT, f->payload, f->len);
    }
    sockerless__exit__free_unpacked(exit, NULL);
}

static void agent_frame(void *owner, const struct frame *f)
{
    struct exec_session *s = owner;
    switch (f->type) {
    case FRAME_STDOUT:
    case FRAME_STDERR:
        if (s->client && !s->ended && !s->detach && !s->left &&
            !(s->raw && f->type == FRAME_STDERR) &&
            !channel_send(s->client, f->type, f->payload, f->len))
            channel_pause(s->agent);
        break;
    case FRAME_OPENED: on_agent_opened(s, f); break;
    case FRAME_EXIT: on_agent_exit(s, f); break;
    case FRAME_END: session_end(s); break;
    default: break;
    }
}

static void agent_drained(void *owner)
{
    struct exec_session *s = owner;
    if (s->client)
        channel_resume(s->client);
}

static void agent_closed(void *owner, const struct error *why)
{
    struct exec_session *s = owner;
    s->agent = NULL;
    if (!s->opened && !s->ended)
        start_failed(s, CODE_UNREACHABLE, why ? why->message : "the container's agent is gone");
    exec_set_ended(s->exec, 137); /* no report: it ended with its container */
    session_end(s);
    session_maybe_free(s);
}

static const struct channel_events agent_events = {
    .frame = agent_frame, .drained = agent_drained, .closed = agent_closed};

/* ---- client's side ---- */

/* The process runs on; only this session of it is over. */
static void client_leaves(struct exec_session *s)
{
    s->left = true;
    channel_end(s->client);
}

static void client_stdin(struct exec_session *s, const void *bytes, size_t len)
{
    AUTO(buf) struct buf typed = BUF_INIT;
    bool detached = s->keys.count && detach_keys_filter(&s->keys, bytes, len, &typed);
    if (s->keys.count) {
        bytes = typed.data;
        len = typed.len;
    }
    bool more = len == 0 || channel_send(s->agent, FRAME_STDIN, bytes, len);
    s->early += s->opened ? 0 : len;
    if (detached)
        client_leaves(s);
    else if (!more || (!s->opened && s->early > EARLY_STDIN_MAX))
        channel_pause(s->client);
}

static void client_frame(void *owner, const struct frame *f)
{
    struct exec_session *s = owner;
    if (f->type == FRAME_END)
        channel_finish(s->client);
    if (!s->agent || s->left)
        return;
    if (f->type == FRAME_STDIN)
        client_stdin(s, f->payload, f->len);
    else if (f->type == FRAME_CLOSE_STDIN && s->keys.count)
        client_leaves(s); /* moby: a tty's stdin is never closed */
    else if (f->type == FRAME_CLOSE_STDIN || f->type == FRAME_RESIZE)
        channel_send(s->agent, f->type, f->payload, f->len);
}

static void client_drained(void *owner)
{
    struct exec_session *s = owner;
    if (s->agent)
        channel_resume(s->agent);
}

/* The client closed: the process runs on, its end is still recorded. */
static void client_closed(void *owner, const struct error *why)
{
    struct exec_session *s = owner;
    (void)why;
    s->client = NULL;
    if (s->agent) {
        if (!s->left && !s->keys.count)
            channel_send(s->agent, FRAME_CLOSE_STDIN, NULL, 0);
        channel_resume(s->agent);
    }
    session_maybe_free(s);
}

static const struct channel_events client_events = {
    .frame = client_frame, .drained = client_drained, .closed = client_closed};

void session_exec_resize(struct exec_session *s, uint32_t height, uint32_t width)
{
    Sockerless__Resize m = SOCKERLESS__RESIZE__INIT;
    m.height = height;
    m.width = width;
    if (s->agent)
        channel_send_message(s->agent, FRAME_RESIZE, NULL, 0, &m.base);
}

/* ---- opening ---- */

/* The container's own environment with the exec's entries over it. Names without a value are sent,
 * too: the agent adds no default for them. */
static char **exec_env(const struct exec *e, struct arena *arena, size_t *count)
{
    Sockerless__ContainerConfig config = *e->container->view->config;
    Sockerless__StringList over = SOCKERLESS__STRING_LIST__INIT;
    over.items = e->config->env;
    over.n_items = e->config->n_env;
    config.tty = e->config->tty;
    struct container_environment env =
        container_environment(&config, &over, config.hostname, arena);
    char **all = arena_calloc(arena, env.set_count + env.unset_count + 1, sizeof *all);
    memcpy(all, env.set, env.set_count * sizeof *all);
    memcpy(all + env.set_count, env.unset, env.unset_count * sizeof *all);
    *count = env.set_count + env.unset_count;
    return all;
}

static void open_fill(Sockerless__AgentExecOpen *m, const struct exec *e,
                      const Sockerless__ExecStartOpen *open, struct arena *arena)
{
    const Sockerless__ContainerConfig *config = e->container->view->config;
    m->argv = e->config->cmd;
    m->n_argv = e->config->n_cmd;
    m->env = exec_env(e, arena, &m->n_env);
    m->user = str_empty(e->config->user) ? config->user : e->config->user;
    m->working_dir =
        str_empty(e->config->working_dir) ? config->working_dir : e->config->working_dir;
    m->tty = e->config->tty;
    m->stdin = e->config->attach_stdin && !open->detach;
    m->stdout = e->config->attach_stdout;
    m->stderr = e->config->attach_stderr;
    m->height = open->height ? open->height : e->height ? e->height : e->config->height;
    m->width = open->width ? open->width : e->width ? e->width : e->config->width;
}

static int start_refused(const struct exec *e, struct error *err)
{
    const struct container *c = e->container;
    if (e->started && !e->ended_ms)
        return error_set(err, ERROR_CONFLICT, "Error: Exec command %s is already running", e->id);
    if (e->started)
        return error_set(err, ERROR_CONFLICT, "Error: Exec command %s has already run", e->id);
    if (c->view->state == SOCKERLESS__CONTAINER_STATE__PAUSED)
        return error_set(err, ERROR_CONFLICT,
                         "Container %s is paused, unpause the container before exec", c->id);
    if (c->view->state != SOCKERLESS__CONTAINER_STATE__RUNNING || c->removed)
        return error_set(err, ERROR_CONFLICT, "Container %s is not running", c->id);
    return 0;
}

static int agent_dial(struct exec_session *s, const Sockerless__ExecStartOpen *open,
                      struct error *err)
{
    struct container *c = s->exec->container;
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    if (agent_channel_open(c, &agent_events, s, &s->agent, err))
        return -1;
    Sockerless__StreamOpen message = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__AgentExecOpen exec_open = SOCKERLESS__AGENT_EXEC_OPEN__INIT;
    open_fill(&exec_open, s->exec, open, &arena);
    message.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_EXEC;
    message.agent_exec = &exec_open;
    channel_send_message(s->agent, FRAME_OPEN, NULL, 0, &message.base);
    return 0;
}

void session_exec_open(struct backend *b, struct channel *channel,
                       const Sockerless__ExecStartOpen *open)
{
    struct error err;
    struct detach_keys keys;
    struct exec *e = exec_find(b, open->id, &err);
    if (!e || start_refused(e, &err) || detach_keys_parse(e->config->detach_keys, &keys, &err)) {
        channel_fail(channel, &err);
        return;
    }
    struct exec_session *s = NEW(struct exec_session);
    if (e->config->tty && e->config->attach_stdin)
        s->keys = keys;
    s->exec = e;
    s->client = channel;
    s->detach = open->detach;
    s->raw = open->tty;
    if (agent_dial(s, open, &err)) {
        free(s);
        channel_fail(channel, &err);
        return;
    }
    e->session = s;
    e->started = true;
    channel_start(channel, &client_events, s);
}
