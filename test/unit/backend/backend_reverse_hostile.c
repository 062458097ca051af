/* SPDX-License-Identifier: Apache-2.0
 *
 * Attacks on the listener for agents: without a token, with a stolen one, and by an agent that is
 * hostile. Whatever they do, the next honest agent gets its session.
 */
#include "test/kit/reverse_rig.h"

#include "test/kit/raw_ws.h"
#include "test/kit/test.h"

static int port_of_rig(void)
{
    int port = 0;
    assert_int_equal(sscanf(rig.agents_url, "ws://127.0.0.1:%d/", &port), 1);
    return port;
}

/* An attacker with the container's token: its line. */
static int attacker_line(void)
{
    char header[CALLBACK_TEXT_SIZE + 16] = "Bearer ";
    callback_token_write(header + strlen(header), rig_container->id, rig_container->agent_token,
                         "");
    int fd = raw_connect(port_of_rig());
    assert_int_equal(raw_handshake(&rig.loop.uv, fd, "/agents", header, ""), 101);
    run_until(rig_container->line);
    return fd;
}

/* The loop turns at least every 10 ms while sockets are looked at. */
static void on_step(uv_timer_t *t)
{
    (void)t;
}

#define run_until_seen(condition)                                                                  \
    do {                                                                                           \
        uv_timer_t step_;                                                                          \
        uv_timer_init(&rig.loop.uv, &step_);                                                       \
        uv_timer_start(&step_, on_step, 10, 10);                                                   \
        run_until(condition);                                                                      \
        uv_close((uv_handle_t *)&step_, NULL);                                                     \
        uv_run(&rig.loop.uv, UV_RUN_NOWAIT);                                                       \
    } while (0)

static void attacker_closes(int fd)
{
    close(fd);
    run_until(!rig_container->line);
}

static void all_is_well(void)
{
    struct end line, ours, theirs;
    end_line(&line);
    end_call(&ours);
    channel_send(ours.channel, FRAME_STDIN, "well?", 5);
    run_until(line.calls == 1);
    end_dial(&theirs, line.asked[0]);
    run_until(theirs.got.len == 5);
    end_close_all(&theirs, &ours, &line);
}

/* ---- without a token ---- */

TEST_USING(reverse_rig, heads)
{
    static char long_line[3000], longer_line[20000];
    char right[CALLBACK_TEXT_SIZE + 16] = "Bearer ", twice[512], overlong[512];
    callback_token_write(right + strlen(right), rig_container->id, rig_container->agent_token, "");
    snprintf(twice, sizeof twice, "Authorization: %s\r\n", right);
    snprintf(overlong, sizeof overlong, "%s.%032d.%032d", right, 1, 2);
    memset(long_line, 'a', sizeof long_line - 1);
    memcpy(long_line, "X-Long: ", 8);
    strcpy(long_line + sizeof long_line - 3, "\r\n");
    const struct {
        const char *authorization, *more;
    } tries[] = {
        {"", ""},       {"Bearer", ""},  {"Bearer ", ""}, {"Basic dXNlcjpwYXNz", ""},
        {right, twice}, /* two of them are none */
        {overlong, ""}, {long_line, ""}, {"", long_line},
    };
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        int fd = raw_connect(port_of_rig());
        raw_handshake(&rig.loop.uv, fd, "/agents", tries[i].authorization, tries[i].more);
        run_until_seen(raw_ended(fd));
        assert_null(rig_container->line);
        close(fd);
    }
    memset(longer_line, 'a', sizeof longer_line);
    int fd = raw_connect(port_of_rig());
    raw_send(fd, "GET /agents HTTP/1.1\r\nX: ", 25);
    raw_send(fd, longer_line, sizeof longer_line);
    run_until_seen(raw_ended(fd));
    close(fd);
    all_is_well();
}

TEST_USING(reverse_rig, token_of_a_removed_container)
{
    struct container *gone = container_make();
    struct end line;
    char id[ID_HEX_LEN + 1], token[CALLBACK_TOKEN_LEN + 1];
    strcpy(id, gone->id);
    strcpy(token, gone->agent_token);
    container_table_remove(&rig.backend.containers, gone);
    container_unref(gone);
    end_dial_as(&line, id, token, "");
    run_until(line.closed);
    assert_int_equal(line.frames, 0);
    end_close(&line);
    all_is_well();
}

/* ---- with the token ---- */

TEST_USING(reverse_rig, frames_that_are_none)
{
    static const char bytes[1000];
    static const struct {
        unsigned first;
        uint64_t claimed;
        size_t len;
    } cases[] = {
        {WS_FIN | WS_BINARY, UINT64_MAX, 100},
        {WS_FIN | WS_BINARY, 1ULL << 63, 100},
        {WS_FIN | WS_BINARY, 1ULL << 40, 100},
        {WS_FIN | WS_BINARY, 16ULL << 20, 100},
        {WS_FIN | WS_TEXT, 8, 8},
        {WS_FIN | WS_CONTINUED, 8, 8}, /* of nothing */
        {WS_FIN | WS_PING, 1000, 1000},
        {WS_FIN | 0x40 | WS_BINARY, 8, 8},
        {WS_FIN | 0x0b, 8, 8},
        {WS_FIN | 0x03, 8, 8},
        {WS_FIN | WS_CLOSE, 2, 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int fd = attacker_line();
        raw_frame(fd, cases[i].first, cases[i].claimed, bytes, cases[i].len);
        run_until(!rig_container->line);
        run_until_seen(raw_ended(fd));
        close(fd);
    }
    all_is_well();
}

/* Whole WebSocket frames whose content is none of ours. */
TEST_USING(reverse_rig, our_frames_that_are_none)
{
    static const unsigned char cases[][FRAME_HEADER_SIZE] = {
        {FRAME_PING, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff},
        {FRAME_STDOUT, 0, 0, 0, 0, 0x10, 0, 0}, /* a session may send that, a line may not */
        {FRAME_PING, 1, 0, 0, 0, 0, 0, 0},
        {0xff, 0, 0, 0, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int fd = attacker_line();
        raw_frame(fd, WS_FIN | WS_BINARY, FRAME_HEADER_SIZE, cases[i], FRAME_HEADER_SIZE);
        run_until(!rig_container->line);
        close(fd);
    }
    all_is_well();
}

TEST_USING(reverse_rig, close_without_a_word)
{
    attacker_closes(attacker_line());
    int fd = attacker_line();
    shutdown(fd, SHUT_WR);
    run_until(!rig_container->line);
    close(fd);
    fd = attacker_line();
    const struct linger reset = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    attacker_closes(fd);
    all_is_well();
}

/* An honest peer may cut its bytes anywhere, and talk to WebSocket in between. */
TEST_USING(reverse_rig, pieces)
{
    unsigned char ping[FRAME_HEADER_SIZE];
    frame_header_encode(ping, FRAME_PING, 0);
    int fd = attacker_line();
    assert_true(raw_frame(fd, WS_BINARY, 3, ping, 3));
    assert_true(raw_frame(fd, WS_FIN | WS_PING, 2, "hi", 2));
    assert_true(raw_frame(fd, WS_CONTINUED, 0, "", 0));
    assert_true(raw_frame(fd, WS_CONTINUED, 4, ping + 3, 4));
    assert_true(raw_frame(fd, WS_FIN | WS_CONTINUED, 1, ping + 7, 1));
    unsigned char answers[256] = {0}; /* its welcome, the PONG, and the answer to our PING */
    size_t got = 0;
    while (got < 2 * (2 + sizeof ping) + 4) {
        uv_run(&rig.loop.uv, UV_RUN_NOWAIT);
        ssize_t n = recv(fd, answers + got, sizeof answers - got, MSG_DONTWAIT);
        assert_true(n > 0 || (n < 0 && errno == EAGAIN));
        got += n > 0 ? (size_t)n : 0;
    }
    assert_int_equal(got, 2 * (2 + sizeof ping) + 4);
    assert_non_null(rig_container->line);
    attacker_closes(fd);
}

/* Who asks and does not listen must not fill our memory with answers. */
TEST_USING(reverse_rig, deaf)
{
    enum { PINGS = 1000, HEAD = 8, ENOUGH = 64 * 1024 * 1024 };
    /* binary, 8000 bytes, a mask of zeros */
    static unsigned char batch[HEAD + PINGS * FRAME_HEADER_SIZE] = {WS_FIN | WS_BINARY, 0x80 | 126,
                                                                    0x1f, 0x40};
    size_t sent = 0;
    for (size_t i = HEAD; i < sizeof batch; i += FRAME_HEADER_SIZE)
        frame_header_encode(batch + i, FRAME_PING, 0);
    int fd = attacker_line();
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int));
    while (rig_container->line && sent < ENOUGH) {
        size_t at = sent % sizeof batch;
        ssize_t n = send(fd, batch + at, sizeof batch - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        uv_run(&rig.loop.uv, UV_RUN_NOWAIT);
    }
    assert_true(sent < ENOUGH);
    close(fd);
    all_is_well();
}

/* The token in a second pair of hands: the newest line is asked; what runs with the first goes on.
 */
TEST_USING(reverse_rig, second_agent)
{
    struct end first, second, ours, theirs, next, nexts;
    end_line(&first);
    end_call(&ours);
    run_until(first.calls == 1);
    end_dial(&theirs, first.asked[0]);
    channel_send(ours.channel, FRAME_STDIN, "1", 1);
    run_until(theirs.got.len == 1);
    end_line(&second);
    run_until(first.closed);
    channel_send(theirs.channel, FRAME_STDOUT, "2", 1);
    channel_send(ours.channel, FRAME_STDIN, "3", 1);
    run_until(ours.got.len == 1 && theirs.got.len == 2);
    end_call(&next);
    run_until(second.calls == 1);
    assert_int_equal(first.calls, 1);
    end_dial(&nexts, second.asked[0]);
    channel_send(next.channel, FRAME_STDIN, "4", 1);
    run_until(nexts.got.len == 1);
    end_close_all(&nexts, &next, &theirs, &ours, &first, &second);
}

/* A session asked of the run before is not the next run's. */
TEST_USING(reverse_rig, call_of_the_last_run)
{
    struct end line, old, next, stray;
    end_line(&line);
    rig.config.callback_timeout_ms = 2000;
    end_call(&old);
    rig.config.callback_timeout_ms = 0;
    run_until(line.calls == 1);
    end_close(&line);
    container_run_begin(rig_container);
    end_line(&line);
    end_call(&next);
    run_until(line.calls == 1);
    end_dial(&stray, line.asked[0]); /* the new one's */
    channel_send(next.channel, FRAME_STDIN, "x", 1);
    run_until(stray.got.len == 1);
    run_until(old.closed); /* by its deadline, which is not the new line's fault */
    assert_int_equal(old.code, ERROR_DEADLINE);
    assert_int_equal(line.calls, 1);
    channel_send(line.channel, FRAME_PING, NULL, 0);
    line.pinged = false;
    run_until(line.pinged || line.closed);
    assert_true(line.pinged);
    end_close_all(&stray, &next, &old, &line);
}

/* ---- many ---- */

TEST_USING(reverse_rig, two_hundred_containers)
{
    enum { MANY = 200 };
    struct container *first = rig_container, **all = xcalloc(MANY, sizeof(struct container *));
    struct end *line = xcalloc(MANY, sizeof *line), *ours = xcalloc(MANY, sizeof *line),
               *theirs = xcalloc(MANY, sizeof *line);
    for (int i = 0; i < MANY; i++) {
        rig_container = all[i] = i ? container_make() : first;
        end_dial(&line[i], "");
        end_call(&ours[i]);
        channel_send(ours[i].channel, FRAME_STDIN, &i, sizeof i);
    }
    for (int i = 0; i < MANY; i++) {
        rig_container = all[i];
        run_until(line[i].calls == 1);
        end_dial(&theirs[i], line[i].asked[0]);
    }
    for (int i = 0; i < MANY; i++) {
        run_until(theirs[i].got.len == sizeof i);
        assert_memory_equal(theirs[i].got.data, &i, sizeof i);
    }
    for (int i = 0; i < MANY; i++) {
        end_close(&theirs[i]);
        end_close(&ours[i]);
        end_close(&line[i]);
    }
    rig_container = first;
    free(all);
    free(line);
    free(ours);
    free(theirs);
}
