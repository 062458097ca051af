/* SPDX-License-Identifier: Apache-2.0
 *
 * A ws:// listener among strangers: those who say nothing, who say it slowly, who never stop, who
 * come in crowds; and honest callers in between.
 */

#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "ipc/channel.h"

#include "test/kit/raw_ws.h"
#include "test/kit/test.h"

#include <dirent.h>

enum { PATIENCE_MS = 30000, HANDSHAKE_MS = 600, STRANGERS_MAX = 8, CROWD = 300 };

static struct {
    struct loop loop;
    struct channel_listener *listener;
    int port;
    char url[64];
    uv_timer_t guard, step;
    bool guard_fired, stepped;
    unsigned accepted;
} rig;

struct end {
    struct channel *channel;
    bool closed, answered;
};

static void guard_fired(uv_timer_t *t)
{
    (void)t;
    rig.guard_fired = true;
}

static void stepped(uv_timer_t *t)
{
    (void)t; /* the loop turns so that conditions about sockets are looked at */
}

#define run_until(condition)                                                                       \
    do {                                                                                           \
        rig.guard_fired = false;                                                                   \
        uv_update_time(&rig.loop.uv);                                                              \
        uv_timer_start(&rig.guard, guard_fired, PATIENCE_MS, 0);                                   \
        uv_timer_start(&rig.step, stepped, 10, 10);                                                \
        while (!(condition) && !rig.guard_fired)                                                   \
            uv_run(&rig.loop.uv, UV_RUN_ONCE);                                                     \
        uv_timer_stop(&rig.guard);                                                                 \
        uv_timer_stop(&rig.step);                                                                  \
        assert_false(rig.guard_fired);                                                             \
    } while (0)

/* ---- both ends ---- */

static void end_frame(void *owner, const struct frame *f)
{
    struct end *e = owner;
    (void)f;
    e->answered = true;
}

static void end_closed(void *owner, const struct error *why)
{
    struct end *e = owner;
    (void)why;
    e->channel = NULL;
    e->closed = true;
}

static const struct channel_events end_events = {.frame = end_frame, .closed = end_closed};

static void echo_frame(void *owner, const struct frame *f)
{
    struct channel **self = owner;
    channel_send(*self, f->type, f->payload, f->len);
}

static void echo_closed(void *owner, const struct error *why)
{
    (void)why;
    free(owner);
}

static bool on_authorize(void *owner, const char *authorization)
{
    (void)owner;
    return strcmp(authorization, "Bearer friend") == 0;
}

static void on_accept(void *owner, struct channel *c)
{
    static const struct channel_events events = {.frame = echo_frame, .closed = echo_closed};
    (void)owner;
    struct channel **self = xmalloc(sizeof(struct channel *));
    *self = c;
    rig.accepted++;
    channel_start(c, &events, self);
}

static void friend_come(struct end *e)
{
    struct channel_options options = {.bearer_token = "friend"};
    struct error err;
    *e = (struct end){0};
    assert_int_equal(channel_dial(&rig.loop, rig.url, &options, &end_events, e, &e->channel, &err),
                     0);
    channel_send(e->channel, FRAME_STDIN, "x", 1);
    run_until(e->answered || e->closed);
    assert_true(e->answered);
}

static void friend_answers(struct end *e)
{
    e->answered = false;
    assert_false(e->closed);
    channel_send(e->channel, FRAME_STDIN, "x", 1);
    run_until(e->answered || e->closed);
    assert_true(e->answered);
}

static void friend_leave(struct end *e)
{
    channel_abort(e->channel);
    run_until(e->closed);
}

static unsigned descriptors(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* ---- life ---- */

static int setup_with(const char *host, int64_t handshake_ms)
{
    struct error err;
    const struct channel_options options = {
        .authorize = on_authorize,
        .handshake_ms = handshake_ms,
        .strangers_max = STRANGERS_MAX,
    };
    memset(&rig, 0, sizeof rig);
    log_open("test", LOG_ERROR);
    assert_int_equal(loop_init(&rig.loop, &err), 0);
    uv_timer_init(&rig.loop.uv, &rig.guard);
    uv_timer_init(&rig.loop.uv, &rig.step);
    rig.port = free_port();
    char listen_url[64];
    snprintf(listen_url, sizeof listen_url, "ws://%s:%d/", host, rig.port);
    snprintf(rig.url, sizeof rig.url, "ws://127.0.0.1:%d/", rig.port);
    if (channel_listen(&rig.loop, listen_url, &options, on_accept, NULL, &rig.listener, &err))
        fail_msg("%s", err.message);
    return 0;
}

static int fixture_setup(void **state)
{
    (void)state;
    return setup_with("0.0.0.0", HANDSHAKE_MS);
}

static int setup_patient(void **state)
{
    (void)state;
    return setup_with("0.0.0.0", 10 * PATIENCE_MS);
}

static int fixture_teardown(void **state)
{
    (void)state;
    channel_listener_close(rig.listener);
    channel_abort_all(&rig.loop);
    run_until(!rig.loop.channels);
    uv_close((uv_handle_t *)&rig.guard, NULL);
    uv_close((uv_handle_t *)&rig.step, NULL);
    loop_fini(&rig.loop);
    return 0;
}

/* ---- tests ---- */

TEST_USING(fixture, who_says_nothing_is_shut)
{
    struct end friend;
    (void)state;
    friend_come(&friend);
    int fd = raw_connect(rig.port);
    int64_t began = time_mono_ms();
    run_until(raw_ended(fd));
    assert_true(time_mono_ms() - began >= HANDSHAKE_MS - 50);
    close(fd);
    friend_answers(&friend); /* he has been here for longer, and may stay */
    friend_leave(&friend);
}

TEST_USING(fixture, who_says_it_slowly_is_shut)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    size_t said = 0;
    (void)state;
    int fd = raw_connect(rig.port);
    int64_t began = time_mono_ms();
    run_until(!raw_send(fd, &head[said++ % 16 ? sizeof head - 2 : 0], 1) || raw_ended(fd));
    assert_true(time_mono_ms() - began < PATIENCE_MS / 2);
    close(fd);
}

/* A request that is no handshake, answered with 404, does not buy time either. */
TEST_USING(fixture, other_requests_buy_no_time)
{
    static const char request[] = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";
    (void)state;
    int fd = raw_connect(rig.port);
    run_until(!raw_send(fd, request, sizeof request - 1) || raw_ended(fd));
    close(fd);
}

TEST_CASE(endless_heads_are_cut, setup_patient, fixture_teardown)
{
    static char line[4096];
    size_t sent = 0;
    (void)state;
    memset(line, 'a', sizeof line);
    memcpy(line, "X-", 2);
    line[100] = ':';
    memcpy(line + sizeof line - 2, "\r\n", 2);
    int fd = raw_connect(rig.port);
    assert_true(raw_send(fd, "GET / HTTP/1.1\r\n", 16));
    run_until(!raw_send(fd, line, sizeof line) || (sent += sizeof line) > 1024 * 1024 * 1024);
    assert_true(sent < 1024 * 1024 * 1024);
    close(fd);
}

TEST_CASE(crowds, setup_patient, fixture_teardown)
{
    int fds[CROWD];
    unsigned left = CROWD;
    struct end friend, second;
    (void)state;
    friend_come(&friend);
    for (int i = 0; i < CROWD; i++)
        fds[i] = raw_connect(rig.port);
    friend_come(&second); /* in the middle of it */
    do {
        friend_answers(&friend);
        left = 0;
        for (int i = 0; i < CROWD; i++)
            left += !raw_ended(fds[i]);
        run_until(true);
    } while (left > STRANGERS_MAX);
    assert_true(left > STRANGERS_MAX / 2); /* a friend on his way counts while he is not known */
    friend_answers(&second);
    for (int i = 0; i < CROWD; i++)
        close(fds[i]);
    friend_leave(&friend);
    friend_leave(&second);
}

TEST_USING(fixture, nothing_stays)
{
    struct end friend;
    (void)state;
    friend_come(&friend);
    friend_leave(&friend);
    unsigned before = descriptors();
    for (int i = 0; i < 50; i++) {
        int fd = raw_connect(rig.port);
        const char *who = i % 2 ? "Bearer enemy" : "";
        assert_int_equal(raw_handshake(fd, "/", who, ""), 101); /* nng says so to everybody */
        run_until(raw_ended(fd));
        close(fd);
    }
    assert_int_equal(rig.accepted, 1);
    run_until(descriptors() <= before);
}
