/* SPDX-License-Identifier: Apache-2.0
 *
 * Agents that dial us, from the backend's side: who is let in, how a session asked for and the
 * connection that comes find each other, and what happens when one of them does not.
 */
#include "test/kit/reverse_rig.h"

#include "backend/agent/agent_channel.h"
#include "backend/agent/agent_link.h"
#include "backend/agent/reverse_agents.h"
#include "backend/run/run_report.h"
#include "backend/run/workload_spec.h"
#include "base/timefmt.h"
#include "test/kit/certificate.h"
#include "test/kit/free_port.h"
#include "test/kit/test.h"

/* ---- tests ---- */

TEST_USING(reverse_rig, session_over_the_line)
{
    struct end line, ours, theirs;
    end_line(&line);
    end_call(&ours);
    channel_send(ours.channel, FRAME_STDIN, "early", 5); /* goes when there is a stream */
    run_until(line.calls == 1);
    end_dial(&theirs, line.asked[0]);
    run_until(theirs.got.len == 5);
    channel_send(theirs.channel, FRAME_STDOUT, "answer", 6);
    run_until(ours.got.len == 6);
    assert_memory_equal(ours.got.data, "answer", 6);
    channel_abort(theirs.channel); /* as a forward connection that drops */
    run_until(ours.closed);
    assert_false(line.closed);
    end_close_all(&theirs, &ours, &line);
}

TEST_USING(reverse_rig, calls_wait_for_the_line)
{
    struct end line, ours[3], theirs[3];
    for (int i = 0; i < 3; i++) {
        end_call(&ours[i]);
        char digit = (char)('0' + i);
        channel_send(ours[i].channel, FRAME_STDIN, &digit, 1);
    }
    end_close(&ours[1]); /* its client has gone */
    end_line(&line);
    run_until(line.calls == 2);
    assert_string_not_equal(line.asked[0], line.asked[1]);
    for (int i = 0; i < 2; i++)
        end_dial(&theirs[i], line.asked[i]);
    run_until(theirs[0].got.len == 1 && theirs[1].got.len == 1);
    assert_int_equal(theirs[0].got.data[0] + theirs[1].got.data[0], '0' + '2');
    for (int i = 0; i < 2; i++)
        end_close_all(&theirs[i], &ours[0], &ours[2], &line);
}

TEST_USING(reverse_rig, wrong_tokens_are_refused)
{
    struct end line, ours, e;
    char wrong[CALLBACK_TOKEN_LEN + 1], session[CALLBACK_SESSION_LEN + 1];
    end_line(&line);
    end_call(&ours);
    run_until(line.calls == 1);
    strcpy(wrong, rig_container->agent_token);
    wrong[63] = wrong[63] == '0' ? '1' : '0';
    strcpy(session, line.asked[0]);
    session[0] = session[0] == '0' ? '1' : '0';
    struct container *other = container_make();
    const struct {
        const char *id, *token, *session;
    } tries[] = {
        {rig_container->id, wrong, ""},
        {rig_container->id, wrong, line.asked[0]},
        {rig_container->id, rig_container->agent_token, session},
        {other->id, rig_container->agent_token, ""},
        {other->id, other->agent_token, line.asked[0]}, /* another one's session */
        {wrong, rig_container->agent_token, ""},
        {"web", rig_container->agent_token, ""},
        {"", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        end_dial_as(&e, tries[i].id, tries[i].token, tries[i].session);
        run_until(e.closed);
        assert_int_equal(e.frames, 0);
        end_close(&e);
    }
    end_dial(&e, line.asked[0]); /* it was not used up */
    channel_send(ours.channel, FRAME_STDIN, "x", 1);
    run_until(e.got.len == 1);
    struct end again; /* now it is */
    end_dial(&again, line.asked[0]);
    run_until(again.closed);
    end_close_all(&again, &e, &ours, &line);
}

TEST_USING(reverse_rig, token_of_the_last_run)
{
    struct end line, ours, late;
    char token[CALLBACK_TOKEN_LEN + 1];
    end_line(&line);
    strcpy(token, rig_container->agent_token);
    container_run_begin(rig_container);
    end_call(&ours);
    end_dial_as(&late, rig_container->id, token, "");
    run_until(late.closed);
    assert_int_equal(late.frames, 0);
    assert_int_equal(line.calls, 0); /* the old run's agent is not asked */
    end_close(&late);
    end_line(&late);
    run_until(late.calls == 1 && line.closed);
    end_close_all(&ours, &late, &line);
}

/* Instead of a random one for each run. */
TEST_USING(reverse_rig, a_configured_token_is_that_of_every_run)
{
    static const char token[] = "token_of-this-backend";
    struct end line, ours, wrong;
    rig.config.agent_token = token;
    for (int i = 0; i < 2; i++) {
        container_run_begin(rig_container);
        assert_string_equal(rig_container->agent_token, token);
    }
    end_dial_as(&wrong, rig_container->id, "token_of-that-backend", "");
    run_until(wrong.closed);
    assert_int_equal(wrong.frames, 0);
    end_close(&wrong);
    end_line(&line);
    end_call(&ours);
    run_until(line.calls == 1);
    end_close_all(&ours, &line);
    rig.config.agent_token = NULL;
    container_run_begin(rig_container);
    assert_int_equal(strlen(rig_container->agent_token), CALLBACK_TOKEN_LEN);
}

TEST_USING(reverse_rig, newest_line_counts)
{
    struct end first, second, ours;
    end_line(&first);
    end_call(&ours);
    run_until(first.calls == 1);
    end_line(&second);
    run_until(first.closed && second.calls == 1); /* asked again */
    assert_string_equal(first.asked[0], second.asked[0]);
    channel_send(second.channel, FRAME_PING, NULL, 0);
    second.pinged = false;
    run_until(second.pinged);
    end_close_all(&ours, &first, &second);
}

TEST_USING(reverse_rig, nobody_comes)
{
    struct end line, ours;
    end_line(&line);
    rig.config.callback_timeout_ms = 1000;
    end_call(&ours);
    int64_t began = time_mono_ms();
    run_until(ours.closed);
    assert_true(time_mono_ms() - began >= rig.config.callback_timeout_ms - 10);
    assert_true(ours.failed);
    assert_int_equal(ours.code, ERROR_DEADLINE);
    assert_non_null(strstr(ours.why, "did not connect to ws://127.0.0.1:"));
    run_until(line.closed); /* it may be dead: a live agent makes a new one */
    end_close_all(&ours, &line);
}

TEST_USING(reverse_rig, calls_are_bounded)
{
    enum { TRIED = 600 };
    struct end *ours = xcalloc(TRIED, sizeof *ours);
    struct error err;
    int made = 0;
    while (made < TRIED && agent_channel_open(rig_container, &end_events, &ours[made],
                                              &ours[made].channel, &err) == 0)
        made++;
    assert_true(made < TRIED);
    assert_int_equal(err.code, ERROR_TOO_MANY_REQUESTS);
    end_close(&ours[0]);
    assert_int_equal(
        agent_channel_open(rig_container, &end_events, &ours[0], &ours[0].channel, &err), 0);
    for (int i = 0; i < made; i++)
        end_close(&ours[i]);
    free(ours);
}

static void co_link(void *arg)
{
    struct error *err = arg;
    err->code = ERROR_NONE;
    if (co_agent_link_open(rig_container, &run_report_link_events, time_mono_ms() + PATIENCE_MS,
                           err) == 0)
        strcpy(err->message, "linked");
}

/* The control session, which knows nothing of directions. */
TEST_USING(reverse_rig, control_session)
{
    struct end line, theirs;
    struct error result = {0}, err;
    assert_true(agent_channel_reachable(rig_container));
    assert_int_equal(co_spawn(&rig.loop, co_link, &result, &err), 0);
    end_line(&line);
    run_until(line.calls == 1);
    end_dial(&theirs, line.asked[0]);
    run_until(theirs.frames == 1);
    Sockerless__StreamOpened m = SOCKERLESS__STREAM_OPENED__INIT;
    m.pid = 7;
    channel_send_message(theirs.channel, FRAME_STARTED, NULL, 0, &m.base);
    run_until(agent_link_ready(rig_container) && result.message[0]);
    assert_string_equal(result.message, "linked");
    agent_link_drop(rig_container);
    run_until(theirs.closed);
    end_close_all(&theirs, &line);
}

TEST_USING(reverse_rig, the_agent_is_told)
{
    struct arena arena;
    bool url = false, id = false;
    arena_init(&arena);
    struct workload_spec spec = workload_spec_of(rig_container, &arena);
    for (size_t i = 0; i < spec.agent_env_count; i++) {
        url |= !strncmp(spec.agent_env[i], "SOCKERLESS_CALLBACK_URL=ws://127.0.0.1:", 39);
        id |= !strncmp(spec.agent_env[i], "SOCKERLESS_AGENT_CONTAINER=", 27) &&
              !strcmp(spec.agent_env[i] + 27, rig_container->id);
    }
    assert_true(url && id);
    arena_fini(&arena);
}

TEST_USING(reverse_rig, bad_settings)
{
    static const char *const urls[] = {
        "http://a/",   "ws://a/\r\nX: y", "ws://a b",      "a",         "ws:///x",
        "ws://:9112/", "ws://[::1",       "ws://a:99999/", "ws://a:0/", "ws://a:port",
        "ws://u:p@a",  "ws://a/#x",       "ws://a:/",      "wss://",    "ws://[fe80::1%25eth0]/",
    };
    static const char *const listens[] = {"nonsense", "tcp://127.0.0.1:1", "wss://127.0.0.1:1/",
                                          "ws://192.0.2.1:1/"};
    struct reverse_agents *ra = NULL;
    struct backend_config config = rig.config;
    struct backend b = rig.backend;
    struct error err;
    b.config = &config;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        config.callback_url = (char *)(uintptr_t)urls[i];
        assert_int_equal(reverse_agents_open(&b, &ra, &err), -1);
        assert_non_null(strstr(err.message, "SOCKERLESS_CALLBACK_URL"));
    }
    config.callback_url = rig.agents_url;
    config.callback_ca_file = (char *)"/dev/null";
    assert_int_equal(reverse_agents_open(&b, &ra, &err), -1);
    assert_non_null(strstr(err.message, "SOCKERLESS_CALLBACK_CA_FILE"));
    config.callback_ca_file = NULL;
    for (size_t i = 0; i < ARRAY_LEN(listens); i++) {
        config.callback_listen = (char *)(uintptr_t)listens[i];
        assert_int_equal(reverse_agents_open(&b, &ra, &err), -1);
        assert_non_null(strstr(err.message, "SOCKERLESS_CALLBACK_LISTEN"));
    }
    config.callback_url = NULL;
    assert_int_equal(reverse_agents_open(&b, &ra, &err), 0);
    assert_null(ra);
}

static char *file_make(const char *text)
{
    char path[] = "/tmp/sockerless-reverse-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return xstrdup(path);
}

TEST_USING(reverse_rig, tls_settings)
{
    char *cert, *key, *url = xasprintf("wss://127.0.0.1:%d/agents", free_port());
    certificate_make(&cert, &key);
    AUTO_FREE char *cert_file = file_make(cert);
    AUTO_FREE char *key_file = file_make(key);
    struct {
        char *cert, *key;
        const char *why;
    } cases[] = {
        {NULL, NULL, "wss:// needs SOCKERLESS_CALLBACK_CERT_FILE and SOCKERLESS_CALLBACK_KEY_FILE"},
        {cert_file, NULL, "wss:// needs SOCKERLESS_CALLBACK_CERT_FILE"},
        {(char *)"/nowhere", key_file, "SOCKERLESS_CALLBACK_CERT_FILE: "},
        {cert_file, (char *)"/nowhere", "SOCKERLESS_CALLBACK_KEY_FILE: "},
        {key_file, key_file, "the certificate cannot be used"},
        {cert_file, key_file, NULL},
    };
    struct backend_config config = rig.config;
    struct backend b = rig.backend;
    struct reverse_agents *ra = NULL;
    struct error err;
    b.config = &config;
    config.callback_url = config.callback_listen = url;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        config.callback_cert_file = cases[i].cert;
        config.callback_key_file = cases[i].key;
        assert_int_equal(reverse_agents_open(&b, &ra, &err), cases[i].why ? -1 : 0);
        if (cases[i].why && !strstr(err.message, cases[i].why))
            fail_msg("%s", err.message);
    }
    reverse_agents_close(ra);
    unlink(cert_file);
    unlink(key_file);
    free(cert);
    free(key);
    free(url);
}

/* ---- a run that was delivered to several places ---- */

/* The line of one of them. */
static void instance_dial(struct end *e, const char *instance)
{
    char bearer[CALLBACK_TEXT_SIZE];
    struct channel_options options = {.bearer_token = bearer};
    struct error err;
    *e = (struct end){0};
    callback_token_write_line(bearer, rig_container->id, rig_container->agent_token, instance);
    assert_int_equal(
        channel_dial(&rig.loop, rig.agents_url, &options, &end_events, e, &e->channel, &err), 0);
    run_until(e->pinged || e->closed);
}

/* The first one has the run, also after it was away. What it is called is in the row, and a next
 * run may be anywhere. */
TEST_USING(stored_reverse_rig, one_instance_only)
{
    struct end first, second;
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    instance_dial(&first, "00000000000000a1");
    assert_true(first.pinged);
    assert_string_equal(container_record(rig_container, &arena)->agent_instance,
                        "00000000000000a1");
    instance_dial(&second, "00000000000000a2");
    assert_false(second.pinged);
    assert_int_equal(second.code, ERROR_FORBIDDEN);
    assert_false(first.closed);
    end_close_all(&first, &second);
    run_until(!rig_container->line);
    instance_dial(&second, "00000000000000a2");
    assert_false(second.pinged);
    instance_dial(&first, "00000000000000a1");
    assert_true(first.pinged);
    end_close_all(&first, &second);
    run_until(!rig_container->line);
    container_run_begin(rig_container);
    instance_dial(&second, "00000000000000a2");
    assert_true(second.pinged);
    end_close(&second);
}

/* Nobody waits for it: it shall end. An agent that says no instance may still have a log to show.
 */
TEST_USING(reverse_rig, an_instance_of_a_run_that_is_over)
{
    struct end one, other;
    rig_container->view->state = SOCKERLESS__CONTAINER_STATE__EXITED;
    instance_dial(&one, "00000000000000a1");
    assert_false(one.pinged);
    assert_int_equal(one.code, ERROR_FORBIDDEN);
    instance_dial(&other, "");
    assert_true(other.pinged);
    end_close_all(&one, &other);
}
