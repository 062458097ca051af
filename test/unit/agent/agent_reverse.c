/* SPDX-License-Identifier: Apache-2.0
 *
 * The real agent without a port: it dials us, keeps its line, and brings sessions that are the same
 * as those it serves when it is dialled (agent_sessions.c, agent_execs.c).
 */
#include "test/kit/agent_rig.h"

#include "base/timefmt.h"
#include "test/kit/certificate.h"
#include "test/kit/free_port.h"
#include "ipc/callback_token.h"
#include "ipc/ws_listener.h"
#include "test/kit/test.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONTAINER "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"
#define SECRET "5ec2e7005ec2e7005ec2e7005ec2e7005ec2e7005ec2e7005ec2e7005ec2e700"
#define SH(script) ARGV("--", "/bin/sh", "-c", script)

/* The backend's side: one line, and one session that may be awaited. */
struct callee {
    struct ws_listener *listener;
    char url[64];
    struct channel *line;
    unsigned lines, pings, refused, unknown;
    bool refuse;
    bool answers_pings;
    const char *cert, *key; /* with them, agents dial wss:// */
    struct channel *awaited;
    char session[CALLBACK_SESSION_LEN + 1];
    char instance[CALLBACK_INSTANCE_LEN + 1]; /* of the last line */
    bool answers;                             /* what is let in next is the session */
};

static struct callee callee;
static const char *instance; /* a further variable of the agent to be started */

static bool on_authorize(void *owner, const char *authorization)
{
    struct callback_token shown;
    (void)owner;
    if (callee.refuse || !callback_token_parse(authorization, &shown)) {
        callee.refused++;
        return false;
    }
    assert_string_equal(shown.container, CONTAINER);
    assert_string_equal(shown.token, SECRET);
    callee.answers = shown.session[0];
    if (!callee.answers)
        memcpy(callee.instance, shown.instance, sizeof callee.instance);
    if (!callee.answers)
        return true;
    bool known = callee.awaited && strcmp(shown.session, callee.session) == 0;
    callee.unknown += !known;
    return known;
}

static void line_frame(void *owner, const struct frame *f)
{
    assert_int_equal(f->type, FRAME_PING);
    callee.pings++;
    if (callee.answers_pings)
        channel_send(*(struct channel **)owner, FRAME_PING, NULL, 0);
}

static void line_closed(void *owner, const struct error *why)
{
    (void)why;
    if (callee.line == *(struct channel **)owner)
        callee.line = NULL;
    free(owner);
}

static void on_accept(void *owner, struct channel *c)
{
    static const struct channel_events events = {.frame = line_frame, .closed = line_closed};
    (void)owner;
    if (callee.answers) {
        channel_adopt(callee.awaited, c);
        return;
    }
    struct channel **self = xmalloc(sizeof(struct channel *));
    *self = c;
    callee.line = c;
    callee.lines++;
    channel_start(c, &events, self);
    channel_send(c, FRAME_PING, NULL, 0);
}

static void callee_listen(void)
{
    struct ws_listener_options options = {
        .authorize = on_authorize,
        .cert_pem = callee.cert,
        .key_pem = callee.key,
    };
    struct error err;
    if (ws_listen(&agent.loop, callee.url, &options, on_accept, NULL, &callee.listener, &err))
        fail_msg("%s", err.message);
}

/* Everything of the backend goes, as when it is killed; callee_listen() is its next life. */
static void callee_die(void)
{
    ws_listener_close(callee.listener);
    callee.listener = NULL;
    if (callee.line)
        channel_abort(callee.line);
    WAIT_FOR(!callee.line);
}

/* cert and key: of the listener, NULL: ws://. ca: what the agent trusts. */
static void reverse_start_with(bool listen, const char *cert, const char *key, const char *ca,
                               const char *const *argv)
{
    signal(SIGPIPE, SIG_IGN); /* as the backend does */
    memset(&callee, 0, sizeof callee);
    callee.cert = cert;
    callee.key = key;
    agent_prepare();
    snprintf(callee.url, sizeof callee.url, "%s://127.0.0.1:%d/agents", cert ? "wss" : "ws",
             agent.port);
    if (listen)
        callee_listen();
    strv_push(&agent.env, "SOCKERLESS_AGENT_TOKEN=" SECRET);
    strv_push(&agent.env, "SOCKERLESS_AGENT_STDIN=1");
    strv_push(&agent.env, "SOCKERLESS_AGENT_CONTAINER=" CONTAINER);
    strv_push_owned(&agent.env, xasprintf("SOCKERLESS_CALLBACK_URL=%s", callee.url));
    strv_push(&agent.env, "SOCKERLESS_AGENT_LINGER_MS=1000");
    strv_push(&agent.env, "SOCKERLESS_AGENT_GATE_MS=60000");
    if (instance)
        strv_push(&agent.env, instance);
    if (ca)
        strv_push_owned(&agent.env, xasprintf("SOCKERLESS_AGENT_CALLBACK_CA=%s", ca));
    agent_spawn(argv);
}

static void reverse_start(bool listen, const char *const *argv)
{
    reverse_start_with(listen, NULL, NULL, NULL, argv);
}

static void reverse_stop(void)
{
    if (callee.listener)
        callee_die();
    agent_stop();
}

static int reverse_teardown(void **state)
{
    (void)state;
    if (agent.running)
        reverse_stop();
    return 0;
}

#define TEST_REVERSE(name) TEST_CASE(name, NULL, reverse_teardown)

/* A session as reverse_agents.c asks for it. */
static struct peer *peer_call(Sockerless__StreamOpen *open)
{
    static unsigned number;
    struct peer *p = peer_new();
    WAIT_FOR(callee.line);
    snprintf(callee.session, sizeof callee.session, "%032x", ++number);
    channel_await(&agent.loop, NULL, &peer_events, p, &callee.awaited);
    p->channel = callee.awaited;
    peer_send_open(p, open);
    channel_send(callee.line, FRAME_CALL_BACK, callee.session, CALLBACK_SESSION_LEN);
    WAIT_FOR(!callee.awaited);
    return p;
}

static struct peer *call_control(void)
{
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__AgentControlOpen control = SOCKERLESS__AGENT_CONTROL_OPEN__INIT;
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_CONTROL;
    open.agent_control = &control;
    struct peer *p = peer_call(&open);
    WAIT_FOR(p->started || p->exited || p->was_dropped);
    return p;
}

static struct peer *call_attach(void)
{
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__AgentAttachOpen attach = ATTACH(.replay = 1, .stdin = 1, .stdout = 1, .stderr = 1);
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_ATTACH;
    open.agent_attach = &attach;
    struct peer *p = peer_call(&open);
    WAIT_FOR(p->opened || p->was_dropped);
    assert_true(p->opened);
    return p;
}

static struct peer *call_exec(const char *const *argv)
{
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__AgentExecOpen exec = exec_with(EXEC(.stdin = 0), argv);
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_EXEC;
    open.agent_exec = &exec;
    struct peer *p = peer_call(&open);
    WAIT_FOR(p->ended || p->failed || p->was_dropped);
    assert_true(p->exited);
    return p;
}

/* ---- tests ---- */

TEST_REVERSE(sessions)
{
    reverse_start(true, SH("read line; echo got $line; echo bad >&2; exit 5"));
    struct peer *attach = call_attach();
    struct peer *control = call_control();
    assert_true(control->started);
    struct peer *exec =
        call_exec(ARGV("/bin/sh", "-c", "echo in; echo $SOCKERLESS_CALLBACK_URL; exit 3"));
    assert_string_equal(exec->out.data, "in\n\n"); /* its way to the backend is not the user's */
    assert_int_equal(exec->code, 3);
    peer_close(exec);
    peer_type(attach, "text\n");
    WAIT_FOR(attach->ended && control->exited);
    assert_string_equal(attach->out.data, "got text\n");
    assert_string_equal(attach->err.data, "bad\n");
    assert_int_equal(control->code, 5);
    peer_acknowledge(control);
    assert_int_equal(agent_wait(), 5);
}

TEST_REVERSE(the_process_outlives_the_backend)
{
    reverse_start(false, SH("sleep 60")); /* nobody listens yet */
    callee_listen();
    struct peer *control = call_control();
    int64_t pid = control->pid;
    for (int life = 0; life < 5; life++) {
        callee_die();
        peer_close(control);
        callee_listen();
        control = call_control();
        assert_true(control->started);
        assert_int_equal(control->pid, pid);
        struct peer *exec = call_exec(ARGV("/bin/sh", "-c", "echo alive"));
        assert_int_equal(exec->code, 0);
        assert_string_equal(exec->out.data, "alive\n");
        peer_close(exec);
    }
    assert_int_equal(callee.lines, 6);
    peer_signal(control, SIGKILL);
    WAIT_FOR(control->exited);
    assert_int_equal(control->code, 137);
}

TEST_REVERSE(a_session_survives_the_line)
{
    reverse_start(true, SH("read line; echo got $line"));
    struct peer *attach = call_attach();
    struct peer *control = call_control();
    channel_abort(callee.line);
    WAIT_FOR(callee.lines == 2);
    peer_type(attach, "on\n");
    WAIT_FOR(attach->ended && control->exited);
    assert_string_equal(attach->out.data, "got on\n");
    peer_acknowledge(control);
    assert_int_equal(agent_wait(), 0);
}

/* Maintenance: what lies between may have forgotten the connection without a word to either side.
 */
TEST_REVERSE(after_a_pause_a_dead_line_is_dialled_again)
{
    reverse_start(true, SH("sleep 60"));
    struct peer *control = call_control();
    callee.answers_pings = true;
    uv_process_kill(&agent.process, SIGTSTP);
    uv_process_kill(&agent.process, SIGCONT);
    WAIT_FOR(callee.pings == 1);
    peer_close(call_exec(ARGV("/bin/true"))); /* asked for on the line, behind the answer */
    callee.answers_pings = false;             /* from here on it is dead */
    uv_process_kill(&agent.process, SIGTSTP);
    uv_process_kill(&agent.process, SIGCONT);
    WAIT_FOR(callee.lines == 2);
    assert_int_equal(callee.pings, 2);
    peer_close(control);
    control = call_control(); /* the process was stopped and goes on */
    assert_true(control->started);
    struct peer *exec = call_exec(ARGV("/bin/sh", "-c", "echo alive"));
    assert_string_equal(exec->out.data, "alive\n");
    peer_close(exec);
}

TEST_REVERSE(refused_comes_again)
{
    reverse_start(false, SH("sleep 60"));
    callee.refuse = true;
    callee_listen();
    WAIT_FOR(callee.refused >= 3);
    assert_null(callee.line);
    callee.refuse = false;
    struct peer *control = call_control();
    assert_true(control->started);
}

/* A start waits for the first line: until then the pauses stay short. With those of an agent that
 * has had a line, so many attempts would take twice the time of WAIT_FOR. */
TEST_REVERSE(first_line_is_tried_often)
{
    reverse_start(false, SH("exec cat"));
    callee.refuse = true;
    callee_listen();
    WAIT_FOR(callee.refused >= 22);
    callee.refuse = false;
    WAIT_FOR(callee.line);
}

TEST_REVERSE(what_is_no_call_is_ignored)
{
    static const char *const wrong[] = {"", "00", "../../../../../../../../../../../",
                                        "0123456789ABCDEF0123456789ABCDEF",
                                        "0123456789abcdef0123456789abcdef0"};
    reverse_start(true, SH("sleep 60"));
    WAIT_FOR(callee.line);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        channel_send(callee.line, FRAME_CALL_BACK, wrong[i], strlen(wrong[i]));
    channel_send(callee.line, FRAME_STDIN, "x", 1);
    struct peer *control = call_control();
    assert_true(control->started);
    assert_int_equal(callee.unknown + callee.refused, 0);
    assert_int_equal(callee.lines, 1);
}

TEST_REVERSE(wss)
{
    char *cert, *key, *other_cert, *other_key;
    certificate_make(&cert, &key);
    certificate_make(&other_cert, &other_key);
    reverse_start_with(true, cert, key, cert, SH("sleep 60"));
    struct peer *control = call_control();
    struct peer *exec = call_exec(ARGV("/bin/sh", "-c", "echo over TLS"));
    assert_string_equal(exec->out.data, "over TLS\n");
    peer_close(exec);
    peer_close(control);
    reverse_stop();
    /* Somebody else at the backend's place does not see the token. */
    reverse_start_with(true, cert, key, other_cert, SH("exit 4"));
    assert_int_equal(agent_wait(), 4); /* it has tried for as long as it lingers */
    assert_int_equal(callee.lines + callee.refused, 0);
    reverse_stop();
    free(cert);
    free(key);
    free(other_cert);
    free(other_key);
}

/* ---- one of several instances ---- */

static void instance_start(bool listen, const char *const *argv)
{
    instance = "SOCKERLESS_AGENT_INSTANCE=0123456789abcdef";
    reverse_start(listen, argv);
    instance = NULL;
}

TEST_REVERSE(an_instance_runs_when_it_is_accepted)
{
    instance_start(false, SH("echo runs; exit 4"));
    callee.refuse = true;
    callee_listen();
    WAIT_FOR(callee.refused >= 2);
    callee.refuse = false;
    struct peer *control = call_control();
    WAIT_FOR(control->exited);
    assert_int_equal(control->code, 4);
    assert_string_equal(callee.instance, "0123456789abcdef");
    peer_acknowledge(control);
    assert_int_equal(agent_wait(), 4);
}

TEST_REVERSE(an_instance_that_is_not_wanted_runs_nothing)
{
    instance_start(false, SH("echo runs"));
    callee.refuse = true;
    callee_listen();
    assert_int_equal(agent_wait(), 125);
    assert_int_equal(agent.log.len, 0);
    assert_int_equal(callee.lines, 0);
}

TEST_REVERSE(an_agent_that_is_refused_ends_its_process)
{
    instance_start(true, SH("sleep 60"));
    struct peer *control = call_control();
    assert_true(control->started);
    callee.refuse = true; /* it is over for the backend */
    channel_abort(callee.line);
    assert_int_equal(agent_wait(), 137);
}

TEST_REVERSE(it_stops_by_itself)
{
    instance = "SOCKERLESS_AGENT_STOP_AFTER_MS=300";
    reverse_start(true, SH("sleep 60"));
    instance = NULL;
    struct peer *control = call_control();
    WAIT_FOR(control->exited);
    assert_int_equal(control->code, 0);
    peer_acknowledge(control);
    assert_int_equal(agent_wait(), 0);
}

/* ---- runs that come as requests ---- */

/* Sends a request to the agent's port; the answer is to be read. */
static int request(int port, const char *method, const Sockerless__Invocation *body)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    size_t size = body ? sockerless__invocation__get_packed_size(body) : 0;
    AUTO_FREE uint8_t *bytes = xmalloc(size + 1);
    AUTO_FREE char *head =
        xasprintf("%s / HTTP/1.1\r\nHost: f\r\nContent-Length: %zu\r\n\r\n", method, size);
    if (body)
        sockerless__invocation__pack(body, bytes);
    for (int64_t until_ms = time_mono_ms() + WAIT_MAX_MS;;) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) {
            assert_int_equal(write(fd, head, strlen(head)), strlen(head));
            assert_int_equal(write(fd, bytes, size), size);
            return fd;
        }
        close(fd);
        if (time_mono_ms() > until_ms)
            fail_msg("the agent does not listen on %d", port);
        uv_run(&agent.loop.uv, UV_RUN_NOWAIT); /* it is not up yet */
    }
}

static void expect_answer(int fd, const char *status, const char *text)
{
    char answer[4096];
    size_t len = 0;
    ssize_t n;
    while ((n = read(fd, answer + len, sizeof answer - 1 - len)) > 0)
        len += (size_t)n;
    answer[len] = '\0';
    close(fd);
    if (!strstr(answer, status) || !strstr(answer, text) ||
        !strstr(answer, "Sockerless-Agent: 1\r\n"))
        fail_msg("%s", answer);
}

static char *invocation_argv[] = {"--", "/bin/sh", "-c", "echo $A $PORT; read line; exit 6"};
static char *invocation_agent_env[] = {
    "SOCKERLESS_AGENT_TOKEN=" SECRET,        "SOCKERLESS_AGENT_STDIN=1",
    "SOCKERLESS_AGENT_CONTAINER=" CONTAINER, "SOCKERLESS_AGENT_LINGER_MS=1000",
    "SOCKERLESS_AGENT_GATE_MS=60000",        NULL};
static ProtobufCBinaryData invocation_env = {5, (uint8_t *)"A=b c"};

static Sockerless__Invocation invocation_of(const char *run)
{
    Sockerless__Invocation v = SOCKERLESS__INVOCATION__INIT;
    v.run = (char *)run;
    v.arguments = invocation_argv;
    v.n_arguments = ARRAY_LEN(invocation_argv);
    v.env = &invocation_env;
    v.n_env = 1;
    v.agent_env = invocation_agent_env;
    v.n_agent_env = ARRAY_LEN(invocation_agent_env);
    return v;
}

/* Waits for requests, on the port that is returned. */
static int serve_start(bool listen)
{
    static char url[128];
    int port = free_port();
    AUTO_FREE char *setting = xasprintf("PORT=%d", port);
    instance = setting;
    reverse_start(listen, ARGV("--serve"));
    instance = NULL;
    snprintf(url, sizeof url, "SOCKERLESS_CALLBACK_URL=%s", callee.url);
    invocation_agent_env[ARRAY_LEN(invocation_agent_env) - 1] = url;
    return port;
}

TEST_REVERSE(a_run_is_answered_with_its_exit_code)
{
    int port = serve_start(true);
    Sockerless__Invocation run = invocation_of("run-1"), other = invocation_of("run-2");
    expect_answer(request(port, "GET", NULL), " 405 ", "a run begins with a POST");
    expect_answer(request(port, "POST", NULL), " 400 ", "the body is not an invocation");
    int first = request(port, "POST", &run);
    struct peer *attach = call_attach();
    struct peer *control = call_control();
    int again = request(port, "POST", &run); /* delivered twice: it joins */
    expect_answer(request(port, "POST", &other), " 429 ", "another run is here");
    WAIT_FOR(attach->out.len > 0);
    assert_string_equal(attach->out.data, "b c\n"); /* nothing of the platform's environment */
    peer_type(attach, "go\n");
    WAIT_FOR(control->exited);
    assert_int_equal(control->code, 6);
    peer_acknowledge(control);
    expect_answer(first, " 200 ", "\"exit_code\":6");
    expect_answer(again, " 200 ", "\"exit_code\":6");
    assert_int_equal(agent_wait(), 0);
    assert_int_equal(callee.lines, 1);
}

TEST_REVERSE(a_run_that_is_elsewhere_is_turned_away)
{
    int port = serve_start(false);
    Sockerless__Invocation run = invocation_of("run-1");
    callee.refuse = true;
    callee_listen();
    int fd = request(port, "POST", &run);
    WAIT_FOR(agent.exited); /* the loop serves the refusals */
    expect_answer(fd, " 409 ", "\"error\":");
}

TEST_REVERSE(who_only_joins_begins_nothing)
{
    int port = serve_start(true);
    Sockerless__Invocation run = invocation_of("run-1");
    run.join = true;
    expect_answer(request(port, "POST", &run), " 410 ", "this run is not here");
    assert_int_equal(agent_wait(), 0);
    assert_int_equal(callee.lines, 0);
}
