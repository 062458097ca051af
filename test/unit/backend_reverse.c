/* SPDX-License-Identifier: Apache-2.0
 *
 * Agents that dial us, from the backend's side: who is let in, how a session asked for and the
 * connection that comes find each other, and what happens when one of them does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/agent_channel.h"
#include "backend/agent_link.h"
#include "backend/backend_internal.h"
#include "backend/reverse_agents.h"
#include "backend/workload_spec.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "ipc/callback_token.h"
#include "loop/co.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000, LINES_KEPT = 8 };

static struct {
    struct loop loop;
    struct backend backend;
    struct backend_config config;
    struct cloud_driver driver;
    struct container *container;
    char url[64];
    uv_timer_t guard;
    bool guard_fired;
} rig;

/* One end of a connection, on either side. */
struct end {
    struct channel *channel;
    bool closed, failed, lost, pinged;
    unsigned frames;
    char asked[LINES_KEPT][CALLBACK_SESSION_LEN + 1]; /* FRAME_CALL_BACK's, in order */
    unsigned calls;
    struct buf got;
    char why[ERROR_MESSAGE_MAX];
    enum error_code code;
};

static void guard_fired(uv_timer_t *t)
{
    (void)t;
    rig.guard_fired = true;
}

#define run_until(condition)                                                                       \
    do {                                                                                           \
        rig.guard_fired = false;                                                                   \
        uv_update_time(&rig.loop.uv);                                                              \
        uv_timer_start(&rig.guard, guard_fired, PATIENCE_MS, 0);                                   \
        while (!(condition) && !rig.guard_fired)                                                   \
            uv_run(&rig.loop.uv, UV_RUN_ONCE);                                                     \
        uv_timer_stop(&rig.guard);                                                                 \
        assert_true(condition);                                                                    \
    } while (0)

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    getsockname(fd, (struct sockaddr *)&a, &len);
    close(fd);
    return ntohs(a.sin_port);
}

/* ---- ends ---- */

static void end_frame(void *owner, const struct frame *f)
{
    struct end *e = owner;
    e->frames++;
    if (f->type == FRAME_PING)
        e->pinged = true;
    else if (f->type == FRAME_CALL_BACK && e->calls < LINES_KEPT)
        memcpy(e->asked[e->calls++], f->payload, CALLBACK_SESSION_LEN);
    else
        buf_append(&e->got, f->payload, f->len);
}

static void end_closed(void *owner, const struct error *why)
{
    struct end *e = owner;
    e->channel = NULL;
    e->closed = true;
    e->failed = why;
    if (why) {
        e->code = why->code;
        snprintf(e->why, sizeof e->why, "%s", why->message);
    }
}

static const struct channel_events end_events = {.frame = end_frame, .closed = end_closed};

static void end_close(struct end *e)
{
    if (e->channel)
        channel_abort(e->channel);
    run_until(!e->channel);
    buf_free(&e->got);
}

/* An agent's connection; session "": its line. */
static void agent_dial_as(struct end *e, const char *id, const char *token, const char *session)
{
    char bearer[CALLBACK_TEXT_SIZE];
    struct channel_options options = {.bearer_token = bearer};
    struct error err;
    *e = (struct end){0};
    callback_token_write(bearer, id, token, session);
    assert_int_equal(channel_dial(&rig.loop, rig.url, &options, &end_events, e, &e->channel, &err),
                     0);
}

static void agent_dial(struct end *e, const char *session)
{
    agent_dial_as(e, rig.container->id, rig.container->agent_token, session);
}

static void agent_line(struct end *e)
{
    agent_dial(e, "");
    run_until(e->pinged || e->closed);
    assert_true(e->pinged);
}

static void backend_call(struct end *e)
{
    struct error err;
    *e = (struct end){0};
    if (agent_channel_open(rig.container, &end_events, e, &e->channel, &err))
        fail_msg("%s", err.message);
}

/* ---- rig ---- */

static struct container *container_make(void)
{
    Sockerless__Container view = SOCKERLESS__CONTAINER__INIT;
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    Sockerless__HostOptions host = SOCKERLESS__HOST_OPTIONS__INIT;
    char id[ID_HEX_LEN + 1];
    id_new(id);
    view.id = id;
    view.name = (char *)"web";
    view.path = (char *)"true";
    view.state = SOCKERLESS__CONTAINER_STATE__RUNNING;
    view.config = &config;
    view.host = &host;
    struct container *c = container_new(&rig.backend, &view);
    container_run_begin(c);
    container_table_add(&rig.backend.containers, c);
    return c;
}

static int setup(void **state)
{
    struct error err;
    (void)state;
    memset(&rig, 0, sizeof rig);
    log_open("test", LOG_ERROR);
    assert_int_equal(loop_init(&rig.loop, &err), 0);
    uv_timer_init(&rig.loop.uv, &rig.guard);
    snprintf(rig.url, sizeof rig.url, "ws://127.0.0.1:%d/agents", free_port());
    rig.config.callback_url = rig.config.callback_listen = rig.url;
    rig.driver.name = "fake";
    rig.backend.loop = &rig.loop;
    rig.backend.driver = &rig.driver;
    rig.backend.config = &rig.config;
    container_table_init(&rig.backend.containers);
    if (reverse_agents_open(&rig.backend, &rig.backend.reverse, &err))
        fail_msg("%s", err.message);
    assert_non_null(rig.backend.reverse);
    rig.container = container_make();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    agent_link_drop(rig.container);
    reverse_agents_close(rig.backend.reverse);
    channel_abort_all(&rig.loop);
    run_until(!rig.loop.channels && co_live(&rig.loop) == 0);
    container_table_fini(&rig.backend.containers);
    uv_close((uv_handle_t *)&rig.guard, NULL);
    loop_fini(&rig.loop);
    return 0;
}

/* ---- tests ---- */

static void test_session_over_the_line(void **state)
{
    struct end line, ours, theirs;
    (void)state;
    agent_line(&line);
    backend_call(&ours);
    channel_send(ours.channel, FRAME_STDIN, "early", 5); /* goes when there is a stream */
    run_until(line.calls == 1);
    agent_dial(&theirs, line.asked[0]);
    run_until(theirs.got.len == 5);
    channel_send(theirs.channel, FRAME_STDOUT, "answer", 6);
    run_until(ours.got.len == 6);
    assert_memory_equal(ours.got.data, "answer", 6);
    channel_abort(theirs.channel); /* as a forward connection that drops */
    run_until(ours.closed);
    assert_false(line.closed);
    end_close(&theirs);
    end_close(&ours);
    end_close(&line);
}

static void test_calls_wait_for_the_line(void **state)
{
    struct end line, ours[3], theirs[3];
    (void)state;
    for (int i = 0; i < 3; i++) {
        backend_call(&ours[i]);
        char digit = (char)('0' + i);
        channel_send(ours[i].channel, FRAME_STDIN, &digit, 1);
    }
    end_close(&ours[1]); /* its client has gone */
    agent_line(&line);
    run_until(line.calls == 2);
    assert_string_not_equal(line.asked[0], line.asked[1]);
    for (int i = 0; i < 2; i++)
        agent_dial(&theirs[i], line.asked[i]);
    run_until(theirs[0].got.len == 1 && theirs[1].got.len == 1);
    assert_int_equal(theirs[0].got.data[0] + theirs[1].got.data[0], '0' + '2');
    for (int i = 0; i < 2; i++)
        end_close(&theirs[i]);
    end_close(&ours[0]);
    end_close(&ours[2]);
    end_close(&line);
}

static void test_strangers(void **state)
{
    struct end line, ours, e;
    char wrong[CALLBACK_TOKEN_LEN + 1], session[CALLBACK_SESSION_LEN + 1];
    (void)state;
    agent_line(&line);
    backend_call(&ours);
    run_until(line.calls == 1);
    strcpy(wrong, rig.container->agent_token);
    wrong[63] = wrong[63] == '0' ? '1' : '0';
    strcpy(session, line.asked[0]);
    session[0] = session[0] == '0' ? '1' : '0';
    struct container *other = container_make();
    const struct {
        const char *id, *token, *session;
    } tries[] = {
        {rig.container->id, wrong, ""},
        {rig.container->id, wrong, line.asked[0]},
        {rig.container->id, rig.container->agent_token, session},
        {other->id, rig.container->agent_token, ""},
        {other->id, other->agent_token, line.asked[0]}, /* another one's session */
        {wrong, rig.container->agent_token, ""},
        {"web", rig.container->agent_token, ""},
        {"", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        agent_dial_as(&e, tries[i].id, tries[i].token, tries[i].session);
        run_until(e.closed);
        assert_int_equal(e.frames, 0);
        end_close(&e);
    }
    agent_dial(&e, line.asked[0]); /* it was not used up */
    channel_send(ours.channel, FRAME_STDIN, "x", 1);
    run_until(e.got.len == 1);
    struct end again; /* now it is */
    agent_dial(&again, line.asked[0]);
    run_until(again.closed);
    end_close(&again);
    end_close(&e);
    end_close(&ours);
    end_close(&line);
}

static void test_token_of_the_last_run(void **state)
{
    struct end line, ours, late;
    char token[CALLBACK_TOKEN_LEN + 1];
    (void)state;
    agent_line(&line);
    strcpy(token, rig.container->agent_token);
    container_run_begin(rig.container);
    backend_call(&ours);
    agent_dial_as(&late, rig.container->id, token, "");
    run_until(late.closed);
    assert_int_equal(late.frames, 0);
    assert_int_equal(line.calls, 0); /* the old run's agent is not asked */
    end_close(&late);
    agent_line(&late);
    run_until(late.calls == 1 && line.closed);
    end_close(&ours);
    end_close(&late);
    end_close(&line);
}

static void test_newest_line_counts(void **state)
{
    struct end first, second, ours;
    (void)state;
    agent_line(&first);
    backend_call(&ours);
    run_until(first.calls == 1);
    agent_line(&second);
    run_until(first.closed && second.calls == 1); /* asked again */
    assert_string_equal(first.asked[0], second.asked[0]);
    channel_send(second.channel, FRAME_PING, NULL, 0);
    second.pinged = false;
    run_until(second.pinged);
    end_close(&ours);
    end_close(&first);
    end_close(&second);
}

static void test_nobody_comes(void **state)
{
    struct end line, ours;
    (void)state;
    agent_line(&line);
    backend_call(&ours);
    int64_t began = time_mono_ms();
    run_until(ours.closed);
    assert_true(time_mono_ms() - began >= REVERSE_CALL_TIMEOUT_MS - 10);
    assert_true(ours.failed);
    assert_int_equal(ours.code, ERROR_DEADLINE);
    assert_non_null(strstr(ours.why, "did not call back to ws://127.0.0.1:"));
    run_until(line.closed); /* it may be dead: a live agent makes a new one */
    end_close(&ours);
    end_close(&line);
}

static void test_calls_are_bounded(void **state)
{
    enum { TRIED = 600 };
    struct end *ours = xcalloc(TRIED, sizeof *ours);
    struct error err;
    int made = 0;
    (void)state;
    while (made < TRIED && agent_channel_open(rig.container, &end_events, &ours[made],
                                              &ours[made].channel, &err) == 0)
        made++;
    assert_true(made < TRIED);
    assert_int_equal(err.code, ERROR_TOO_MANY_REQUESTS);
    end_close(&ours[0]);
    assert_int_equal(
        agent_channel_open(rig.container, &end_events, &ours[0], &ours[0].channel, &err), 0);
    for (int i = 0; i < made; i++)
        end_close(&ours[i]);
    free(ours);
}

static void co_link(void *arg)
{
    struct error *err = arg;
    err->code = ERROR_NONE;
    if (co_agent_link_open(rig.container, time_mono_ms() + PATIENCE_MS, err) == 0)
        strcpy(err->message, "linked");
}

/* The control session, which knows nothing of directions. */
static void test_control_session(void **state)
{
    struct end line, theirs;
    struct error result = {0}, err;
    (void)state;
    assert_true(agent_reachable(rig.container));
    assert_int_equal(co_spawn(&rig.loop, co_link, &result, &err), 0);
    agent_line(&line);
    run_until(line.calls == 1);
    agent_dial(&theirs, line.asked[0]);
    run_until(theirs.frames == 1);
    Sockerless__StreamOpened m = SOCKERLESS__STREAM_OPENED__INIT;
    m.pid = 7;
    channel_send_message(theirs.channel, FRAME_STARTED, NULL, 0, &m.base);
    run_until(agent_link_ready(rig.container) && result.message[0]);
    assert_string_equal(result.message, "linked");
    agent_link_drop(rig.container);
    run_until(theirs.closed);
    end_close(&theirs);
    end_close(&line);
}

static void test_the_agent_is_told(void **state)
{
    struct arena arena;
    bool url = false, id = false;
    (void)state;
    arena_init(&arena);
    struct workload_spec spec = workload_spec_of(rig.container, &arena);
    for (size_t i = 0; i < spec.agent_env_count; i++) {
        url |= !strncmp(spec.agent_env[i], "SOCKERLESS_CALLBACK_URL=ws://127.0.0.1:", 39);
        id |= !strncmp(spec.agent_env[i], "SOCKERLESS_AGENT_CONTAINER=", 27) &&
              !strcmp(spec.agent_env[i] + 27, rig.container->id);
    }
    assert_true(url && id);
    arena_fini(&arena);
}

static void test_bad_settings(void **state)
{
    static const char *const urls[] = {"http://a/", "ws://a/\r\nX: y", "ws://a b", "a"};
    struct reverse_agents *ra = NULL;
    struct backend_config config = rig.config;
    struct backend b = rig.backend;
    struct error err;
    (void)state;
    b.config = &config;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        config.callback_url = (char *)(uintptr_t)urls[i];
        assert_int_equal(reverse_agents_open(&b, &ra, &err), -1);
        assert_non_null(strstr(err.message, "SOCKERLESS_CALLBACK_URL"));
    }
    config.callback_url = rig.url;
    config.callback_ca_file = (char *)"/dev/null";
    assert_int_equal(reverse_agents_open(&b, &ra, &err), -1);
    assert_non_null(strstr(err.message, "SOCKERLESS_CALLBACK_CA_FILE"));
    config.callback_ca_file = NULL;
    config.callback_listen = (char *)"nonsense";
    assert_int_equal(reverse_agents_open(&b, &ra, &err), -1);
    assert_non_null(strstr(err.message, "SOCKERLESS_CALLBACK_LISTEN"));
    config.callback_url = NULL;
    assert_int_equal(reverse_agents_open(&b, &ra, &err), 0);
    assert_null(ra);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_session_over_the_line),
        TEST(test_calls_wait_for_the_line),
        TEST(test_strangers),
        TEST(test_token_of_the_last_run),
        TEST(test_newest_line_counts),
        TEST(test_nobody_comes),
        TEST(test_calls_are_bounded),
        TEST(test_control_session),
        TEST(test_the_agent_is_told),
        TEST(test_bad_settings),
    };
    return cmocka_run_group_tests_name("reverse agents", tests, NULL, NULL);
}
