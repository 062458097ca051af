/* SPDX-License-Identifier: Apache-2.0
 * Agents that dial us; see reverse_agents.h. Owns the listener, the lines (one per container:
 * container->line) and the calls, which are sessions asked for and not brought yet. */
#include "backend/agent/reverse_agents.h"

#include "backend/state/backend_internal.h"
#include "base/alloc.h"
#include "base/id.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/small_file.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "ipc/callback_token.h"
#include "ipc/callback_url.h"
#include "ipc/ws_listener.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

enum {
    CALLS_MAX = 4096,
    CALLS_OF_CONTAINER_MAX = 512,
    CALL_TIMEOUT_DEFAULT_MS = 10000,
    LINE_FRAME_MAX = 1024, /* an agent says nothing but FRAME_PING there */
    LINE_QUEUE_MAX = 64 * 1024,
    LINE_CHECK_MS = 15000,
    LINE_SILENCE_MAX_MS = 50000, /* the agent pings every 15 s */
};

struct agent_line {
    struct agent_line *next, *prev;
    struct reverse_agents *all;
    struct container *container; /* reference */
    unsigned run_number;
    struct channel *channel;
    int64_t heard_ms;
};

struct call {
    struct call *next, *prev;
    struct container *container; /* reference */
    struct channel *channel;     /* NULL: delivered, or no longer needed */
    char session[CALLBACK_SESSION_LEN + 1];
    unsigned run_number; /* of the agent that is asked */
    int64_t deadline_ms;
};

struct reverse_agents {
    struct backend *backend;
    struct ws_listener *listener;
    char *url;    /* as agents are told it */
    char *ca_pem; /* may be NULL */
    struct agent_line *lines;
    struct call *calls;
    uv_timer_t timer; /* the next deadline of a call, or the next look at the lines */
    int64_t check_ms; /* … of which this is when */
    bool closing, timer_closed;
    /* what on_authorize() has accepted and on_accept(), which comes at once, gets */
    struct container *caller;
    struct call *answered; /* NULL: it is a line */
};

static void reverse_free(struct reverse_agents *ra)
{
    free(ra->url);
    free(ra->ca_pem);
    free(ra);
}

static void reverse_maybe_free(struct reverse_agents *ra)
{
    if (ra->closing && ra->timer_closed && !ra->lines)
        reverse_free(ra);
}

/* ---- calls ---- */

static void call_free(struct call *call)
{
    container_unref(call->container);
    free(call);
}

/* Those that are not waited for any more are dropped; the rest is counted. */
static size_t calls_tidy(struct reverse_agents *ra, const struct container *c, size_t *of_container)
{
    struct call *call, *next;
    size_t n = 0;
    *of_container = 0;
    DL_FOREACH_SAFE(ra->calls, call, next)
    {
        if (!call->channel) {
            DL_DELETE(ra->calls, call);
            call_free(call);
            continue;
        }
        n++;
        *of_container += call->container == c;
    }
    return n;
}

/* The agent of c's present run may still bring it. */
static bool call_is_open(const struct call *call, const struct container *c)
{
    return call->container == c && call->channel && call->run_number == c->run_number;
}

static struct call *call_find(const struct reverse_agents *ra, const struct container *c,
                              const char *session)
{
    struct call *found = NULL;
    for (struct call *call = ra->calls; call; call = call->next)
        if (call_is_open(call, c) && str_equal_secret(call->session, session))
            found = call;
    return found;
}

static void line_ask(struct agent_line *line, const struct call *call)
{
    channel_send(line->channel, FRAME_CALL_BACK, call->session, CALLBACK_SESSION_LEN);
}

/* ---- time ---- */

static void schedule(struct reverse_agents *ra);

int reverse_agents_no_call(const struct reverse_agents *ra, const struct container *c,
                           enum error_code code, struct error *err)
{
    const struct backend_config *config = ra->backend->config;
    return error_set(err, code,
                     "the agent of container %s did not connect to %s (SOCKERLESS_CALLBACK_URL): "
                     "check that containers can reach this URL (name, port, security group, "
                     "firewall) and that it leads to the backend's SOCKERLESS_CALLBACK_LISTEN, %s",
                     c->id, config->callback_url, config->callback_listen);
}

bool reverse_agents_have(const struct container *c)
{
    return c->line && c->line->run_number == c->run_number;
}

/* An agent that was asked and does not come may have a line that is broken without an error:
 * it shall make a new one. */
static void calls_expire(struct reverse_agents *ra, int64_t now)
{
    for (struct call *call = ra->calls; call; call = call->next) {
        struct error err;
        struct container *c = call->container;
        if (!call->channel || call->deadline_ms > now)
            continue;
        reverse_agents_no_call(ra, c, ERROR_DEADLINE, &err);
        channel_give_up(call->channel, &err);
        if (c->line && c->line->run_number == call->run_number)
            channel_abort(c->line->channel);
    }
}

static void lines_check(struct reverse_agents *ra, int64_t now)
{
    for (struct agent_line *line = ra->lines; line; line = line->next)
        if (now - line->heard_ms > LINE_SILENCE_MAX_MS)
            channel_abort(line->channel);
    ra->check_ms = now + LINE_CHECK_MS;
}

static void on_time(uv_timer_t *timer)
{
    struct reverse_agents *ra = timer->data;
    int64_t now = time_mono_ms();
    size_t unused;
    calls_expire(ra, now);
    calls_tidy(ra, NULL, &unused);
    if (now >= ra->check_ms)
        lines_check(ra, now);
    schedule(ra);
}

static void schedule(struct reverse_agents *ra)
{
    int64_t now = time_mono_ms();
    int64_t at = ra->lines ? ra->check_ms : INT64_MAX;
    for (const struct call *call = ra->calls; call; call = call->next)
        if (call->deadline_ms < at)
            at = call->deadline_ms;
    if (ra->closing)
        return;
    uv_timer_stop(&ra->timer);
    if (at < INT64_MAX)
        uv_timer_start(&ra->timer, on_time, at > now ? (uint64_t)(at - now) : 1, 0);
}

int reverse_agents_call(struct reverse_agents *ra, struct container *c,
                        const struct channel_events *events, void *owner, struct channel **out,
                        struct error *err)
{
    size_t of_container;
    if (calls_tidy(ra, c, &of_container) >= CALLS_MAX || of_container >= CALLS_OF_CONTAINER_MAX)
        return error_set(err, ERROR_TOO_MANY_REQUESTS,
                         "%zu sessions wait for this container's agent to call back; try again "
                         "later",
                         of_container);
    if (ra->closing)
        return error_set(err, ERROR_CANCELLED, "the backend is stopping");
    struct call *call = NEW(struct call);
    unsigned char raw[CALLBACK_SESSION_LEN / 2];
    random_bytes(raw, sizeof raw);
    hex_encode(raw, sizeof raw, call->session);
    call->container = container_ref(c);
    call->run_number = c->run_number;
    int64_t timeout_ms = ra->backend->config->callback_timeout_ms;
    call->deadline_ms = time_mono_ms() + (timeout_ms ? timeout_ms : CALL_TIMEOUT_DEFAULT_MS);
    DL_PREPEND(ra->calls, call);
    channel_await(ra->backend->loop, NULL, events, owner, &call->channel);
    *out = call->channel;
    if (reverse_agents_have(c))
        line_ask(c->line, call);
    schedule(ra);
    return 0;
}

/* ---- lines ---- */

static void line_frame(void *owner, const struct frame *f)
{
    struct agent_line *line = owner;
    line->heard_ms = time_mono_ms();
    if (f->type == FRAME_PING)
        channel_send(line->channel, FRAME_PING, NULL, 0);
}

static void line_closed(void *owner, const struct error *why)
{
    struct agent_line *line = owner;
    struct reverse_agents *ra = line->all;
    struct container *c = line->container;
    log_debug("an agent's line closed", LOG_STR("container", c->id),
              LOG_STR("error", why ? why->message : ""));
    DL_DELETE(ra->lines, line);
    if (c->line == line)
        c->line = NULL;
    container_unref(c);
    free(line);
    reverse_maybe_free(ra);
}

static const struct channel_events line_events = {.frame = line_frame, .closed = line_closed};

/* The newest line counts: the agent makes one only when it has lost the other. */
static void line_accept(struct reverse_agents *ra, struct container *c, struct channel *channel)
{
    struct agent_line *line = NEW(struct agent_line);
    if (c->line)
        channel_abort(c->line->channel);
    if (!ra->lines)
        ra->check_ms = time_mono_ms() + LINE_CHECK_MS;
    line->all = ra;
    line->container = container_ref(c);
    line->run_number = c->run_number;
    line->channel = channel;
    line->heard_ms = time_mono_ms();
    DL_PREPEND(ra->lines, line);
    c->line = line;
    channel_start(channel, &line_events, line);
    channel_send(channel, FRAME_PING, NULL, 0); /* tells the agent that it was accepted */
    for (const struct call *call = ra->calls; call; call = call->next)
        if (call_is_open(call, c))
            line_ask(line, call);
    schedule(ra);
    co_cond_broadcast(&c->changed); /* a start may wait for it */
}

/* ---- authentication ---- */

/* A platform that repeats a delivery begins a run in a second place, at once or when the run is
 * over. Its command runs in the first one only: that is stored before the agent hears of it. */
static bool instance_admitted(struct container *c, const char *instance)
{
    struct error err;
    if (!*instance)
        return true;
    if (!container_alive(c) || (*c->agent_instance && strcmp(c->agent_instance, instance) != 0))
        return false;
    if (*c->agent_instance)
        return true;
    snprintf(c->agent_instance, sizeof c->agent_instance, "%s", instance);
    if (container_save(c, &err) == 0)
        return true;
    c->agent_instance[0] = '\0';
    log_error("an agent is not accepted, since that could not be stored",
              LOG_STR("container", c->id), LOG_STR("error", err.message));
    return false;
}

static bool caller_known(struct reverse_agents *ra, const struct callback_token *shown)
{
    struct error ignored;
    struct container *c = container_find(&ra->backend->containers, shown->container, &ignored);
    if (!c || strcmp(c->id, shown->container) != 0 ||
        !str_equal_secret(c->agent_token, shown->token) || !instance_admitted(c, shown->instance))
        return false;
    ra->caller = c;
    ra->answered = shown->session[0] ? call_find(ra, c, shown->session) : NULL;
    return ra->answered || !shown->session[0];
}

static bool on_authorize(void *owner, const char *authorization)
{
    struct reverse_agents *ra = owner;
    struct callback_token shown;
    bool known =
        !ra->closing && callback_token_parse(authorization, &shown) && caller_known(ra, &shown);
    explicit_bzero(&shown, sizeof shown);
    return known;
}

static void on_accept(void *owner, struct channel *channel)
{
    struct reverse_agents *ra = owner;
    if (ra->answered)
        channel_adopt(ra->answered->channel, channel);
    else
        line_accept(ra, ra->caller, channel);
    ra->caller = NULL;
    ra->answered = NULL;
}

/* ---- open and close ---- */

static int ca_load(const char *path, char **out, struct error *err)
{
    if (str_empty(path))
        return 0;
    char *pem = small_file_read(path, ERROR_INVALID_PARAMETER, err);
    if (!pem)
        return error_wrap(err, "SOCKERLESS_CALLBACK_CA_FILE");
    if (callback_ca_check(pem, path, err)) {
        free(pem);
        return -1;
    }
    *out = pem;
    return 0;
}

/* The listener's certificate and key; both stay NULL when it needs none. */
static int tls_load(const struct backend_config *config, char **cert, char **key, struct error *err)
{
    bool given = !str_empty(config->callback_cert_file) && !str_empty(config->callback_key_file);
    if (!given && str_starts(config->callback_listen, "wss://"))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_CALLBACK_LISTEN: wss:// needs SOCKERLESS_CALLBACK_CERT_FILE "
                         "and SOCKERLESS_CALLBACK_KEY_FILE; or listen on ws:// behind a proxy that "
                         "has the certificate");
    if (!given)
        return 0;
    *cert = small_file_read(config->callback_cert_file, ERROR_INVALID_PARAMETER, err);
    if (!*cert)
        return error_wrap(err, "SOCKERLESS_CALLBACK_CERT_FILE");
    *key = small_file_read(config->callback_key_file, ERROR_INVALID_PARAMETER, err);
    return *key ? 0 : error_wrap(err, "SOCKERLESS_CALLBACK_KEY_FILE");
}

static int listener_open(struct reverse_agents *ra, struct error *err)
{
    const struct backend_config *config = ra->backend->config;
    char *cert = NULL, *key = NULL;
    int rc = tls_load(config, &cert, &key, err);
    if (rc == 0) {
        const struct ws_listener_options options = {
            .authorize = on_authorize,
            .cert_pem = cert,
            .key_pem = key,
            .channel = {.payload_max = LINE_FRAME_MAX, .queue_max = LINE_QUEUE_MAX},
        };
        rc = ws_listen(ra->backend->loop, config->callback_listen, &options, on_accept, ra,
                       &ra->listener, err);
        if (rc)
            error_wrap(err, "SOCKERLESS_CALLBACK_LISTEN");
    }
    free(cert);
    secret_free(key);
    return rc;
}

const char *reverse_agents_url(const struct reverse_agents *ra)
{
    return ra->url;
}

const char *reverse_agents_ca(const struct reverse_agents *ra)
{
    return ra->ca_pem;
}

int reverse_agents_open(struct backend *b, struct reverse_agents **out, struct error *err)
{
    if (str_empty(b->config->callback_url))
        return 0;
    struct reverse_agents *ra = NEW(struct reverse_agents);
    ra->backend = b;
    ra->url = callback_url_make(b->config->callback_url, b->config->callback_listen, err);
    if (!ra->url || ca_load(b->config->callback_ca_file, &ra->ca_pem, err) ||
        listener_open(ra, err)) {
        reverse_free(ra);
        return -1;
    }
    uv_timer_init(&b->loop->uv, &ra->timer);
    ra->timer.data = ra;
    log_info("agents call back", LOG_STR("listen", b->config->callback_listen),
             LOG_STR("url", ra->url));
    *out = ra;
    return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct reverse_agents *ra = handle->data;
    ra->timer_closed = true;
    reverse_maybe_free(ra);
}

void reverse_agents_close(struct reverse_agents *ra)
{
    if (!ra)
        return;
    size_t unused;
    ra->closing = true;
    ws_listener_close(ra->listener);
    for (struct call *call = ra->calls; call; call = call->next)
        if (call->channel)
            channel_abort(call->channel);
    calls_tidy(ra, NULL, &unused);
    for (struct agent_line *line = ra->lines; line; line = line->next)
        channel_abort(line->channel);
    uv_close((uv_handle_t *)&ra->timer, on_timer_closed);
}
