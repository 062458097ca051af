/* SPDX-License-Identifier: Apache-2.0
 *
 * `docker logs` of a running container while the log service is late: what is printed is shown from
 * the agent, and whatever happens to that connection each line is shown once, in order.
 */
#include "backend/logs/log_hub.h"
#include "backend/logs/log_live.h"
#include "base/timefmt.h"
#include "test/kit/log_rig.h"
#include "test/kit/test.h"

enum { NEVER_MS = 3600 * 1000, PAGE = 1000 };

static struct container *running(enum log_lines lines)
{
    log_rig.page_size = PAGE;
    log_rig.live = true;
    log_rig.mark_delay_ms = NEVER_MS;
    fake_driver.caps->log_lines = lines;
    fake_driver.caps->log_grace_ms = PATIENCE_MS * 2;
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    log_rig_connect_agent(c);
    return c;
}

static void run_ends(struct container *c)
{
    c->view->state = SOCKERLESS__CONTAINER_STATE__EXITED;
    c->run_finished_at = time_now_ns();
    co_cond_broadcast(&c->changed);
}

/* "FROM\n" … "TO\n"; heap. */
static char *numbers(int from, int to)
{
    struct buf out = BUF_INIT;
    buf_puts(&out, "");
    for (int i = from; i <= to; i++)
        buf_printf(&out, "%d\n", i);
    return buf_steal(&out);
}

static bool client_has(const struct rig_client *c, const char *end)
{
    return c->both.data && str_ends(c->both.data, end);
}

static void expect_numbers(const struct rig_client *c, int from, int to)
{
    AUTO_FREE char *expected = numbers(from, to);
    if (strcmp(str_or_empty(c->both.data), expected) != 0)
        fail_msg("not the lines %d to %d: %.300s", from, to, str_or_empty(c->both.data));
}

static void expect_logs(struct logs open, const char *expected)
{
    AUTO(rig_client) struct rig_client c;
    logs_open(&c, open);
    run_until(c.closed);
    assert_true(c.ended);
    assert_string_equal(str_or_empty(c.both.data), expected);
}

/* ---- at once ---- */

TEST_USING(log_rig, shown_before_the_service_has_it)
{
    struct container *c = running(LOG_LINES_TEXT);
    struct rig_client a, b;
    log_rig_print(NEVER_MS, "before");
    logs_open(&a, LOGS(.follow = true));
    logs_open(&b, LOGS(.follow = true));
    run_until(client_has(&a, "before\n"));
    log_rig_print(NEVER_MS, "one");
    log_rig_record(LOG_RECORD_STDERR, NEVER_MS, "two");
    run_until(client_has(&a, "two\n") && client_has(&b, "two\n"));
    log_rig_record(LOG_RECORD_STDOUT_PIECE, NEVER_MS, "no newline");
    log_rig_record(LOG_RECORD_EXIT, NEVER_MS, "3");
    run_until(client_has(&a, "no newline"));
    backend_rig_run_for(100);
    assert_false(a.ended); /* a client that asks now would hear that the container runs */
    run_ends(c);
    run_until(a.closed && b.closed);
    assert_true(a.ended && b.ended);
    assert_string_equal(a.out.data, "before\none\nno newline");
    assert_string_equal(a.errs.data, "two\n");
    assert_string_equal(b.both.data, a.both.data);
    assert_int_equal(log_rig.log_opens, 1); /* one stream for both */
    assert_int_equal(log_rig.calls, 0);     /* and nobody asks the service */
    rig_client_free(&a);
    rig_client_free(&b);
}

static void history(enum log_lines lines)
{
    running(lines);
    log_rig_print_numbers(NEVER_MS, 1, 200);
    AUTO_FREE char *all = numbers(1, 200);
    expect_logs(LOGS(), all);
    expect_logs(LOGS(.no_stdout = true), "");
    expect_logs(LOGS(TAIL(0)), "");
    expect_logs(LOGS(TAIL(3)), "200\nafter the mark\nafter the mark\n"); /* of each request */
    int64_t before_ns = time_now_ns(), now_ns = before_ns;
    while (now_ns / MS == before_ns / MS) /* the next millisecond */
        now_ns = time_now_ns();
    log_rig_print(NEVER_MS, "new");
    expect_logs(LOGS(TAIL(1)), "new\n");
    expect_logs(LOGS(.since = now_ns - now_ns % MS), "new\nafter the mark\n");
    expect_logs(LOGS(.since = now_ns + 3600 * INT64_C(1000) * MS), "");
    expect_logs(LOGS(.until = 1), "");
    assert_int_equal(log_rig.calls, 0);
    AUTO(rig_client) struct rig_client c;
    logs_open(&c, LOGS(.follow = true, TAIL(1)));
    log_rig_print(NEVER_MS, "live");
    run_until(client_has(&c, "live\n"));
    assert_string_equal(c.both.data, "after the mark\nafter the mark\nlive\n");
    assert_int_equal(log_rig.calls, 0);
}

TEST_USING(log_rig, history_of_text_lines)
{
    history(LOG_LINES_TEXT);
}

TEST_USING(log_rig, history_of_structured_lines)
{
    history(LOG_LINES_STRUCTURED);
}

/* The run's lines are in the live log, those of the one before in the service. */
TEST_USING(log_rig, tail_over_two_runs)
{
    struct container *c = running(LOG_LINES_TEXT);
    log_rig_past_run(c, "earlier");
    log_rig_add("earlier", 1, 0, "a");
    log_rig_add("earlier", 2, 0, "b");
    log_rig_add("earlier", 3, 0, "\001x0");
    log_rig_print(NEVER_MS, "c");
    expect_logs(LOGS(TAIL(2)), "b\nc\n");
    expect_logs(LOGS(TAIL(9)), "a\nb\nc\nafter the mark\n");
    expect_logs(LOGS(), "a\nb\nc\nafter the mark\nafter the mark\n");
}

/* A follower up to a moment that is to come is shown lines at once, too. It ends with the first
 * line behind that moment … */
static void follow_until(enum log_lines lines)
{
    running(lines);
    log_rig.mark_delay_ms = 0;
    log_rig_print(NEVER_MS, "before");
    AUTO(rig_client) struct rig_client c;
    const int64_t hour_ns = 3600 * INT64_C(1000) * MS;
    logs_open(&c, LOGS(.follow = true, .until = time_now_ns() + hour_ns));
    run_until(client_has(&c, "before\n"));
    log_rig_print(NEVER_MS, "now");
    run_until(client_has(&c, "now\n"));
    log_rig.later_ns = 2 * hour_ns;
    log_rig_print(NEVER_MS, "behind");
    run_until(c.closed);
    assert_true(c.ended);
    assert_string_equal(c.both.data, "before\nnow\n");
    assert_int_equal(log_rig.calls, 0);
}

TEST_USING(log_rig, follow_until_a_line_of_text)
{
    follow_until(LOG_LINES_TEXT);
}

TEST_USING(log_rig, follow_until_a_structured_line)
{
    follow_until(LOG_LINES_STRUCTURED);
}

/* … or by the clock, when nothing is printed. */
TEST_USING(log_rig, follow_until_the_moment_has_passed)
{
    running(LOG_LINES_STRUCTURED);
    log_rig_print(NEVER_MS, "before");
    AUTO(rig_client) struct rig_client c;
    int64_t until_ns = time_now_ns() + 100 * MS;
    logs_open(&c, LOGS(.follow = true, .until = until_ns));
    run_until(c.closed);
    assert_true(c.ended && time_now_ns() > until_ns);
    assert_string_equal(c.both.data, "before\n");
}

/* The same text for the same line, from both sources; a TEXT service has milliseconds. */
TEST_USING(log_rig, timestamps)
{
    running(LOG_LINES_STRUCTURED);
    log_rig.mark_delay_ms = 0;
    log_rig_print(0, "x");
    struct rig_client live, service;
    logs_open(&live, LOGS(.timestamps = true));
    run_until(live.closed);
    assert_int_equal(log_rig.calls, 0);
    log_rig.live = false;
    logs_open(&service, LOGS(.timestamps = true));
    run_until(service.closed);
    assert_true(log_rig.calls > 0);
    assert_memory_equal(service.both.data, live.both.data, live.both.len);
    rig_client_free(&live);
    rig_client_free(&service);
}

/* ---- the join ---- */

/* The agent's ring and the service each have a part, which overlap. */
static void join(enum log_lines lines, struct logs open, int from)
{
    struct container *c = running(lines);
    struct rig_client a;
    log_rig.ring.max = 2 * LOG_RING_CHUNK;
    log_rig_print_numbers(0, 1, 20000);
    assert_true(log_ring_first(&log_rig.ring) > 10000);
    log_rig_print_numbers(NEVER_MS, 20001, 20500);
    open.follow = true;
    logs_open(&a, open);
    run_until(client_has(&a, "\n20500\n"));
    log_rig_print_numbers(NEVER_MS, 20501, 21000);
    run_until(client_has(&a, "\n21000\n"));
    unsigned calls = log_rig.calls;
    backend_rig_run_for(200);
    assert_int_equal(log_rig.calls, calls);
    log_rig_record(LOG_RECORD_EXIT, NEVER_MS, "0");
    run_ends(c);
    run_until(a.closed);
    expect_numbers(&a, from, 21000);
    rig_client_free(&a);
}

TEST_USING(log_rig, join_of_text_lines)
{
    join(LOG_LINES_TEXT, LOGS(), 1);
}

TEST_USING(log_rig, join_of_structured_lines)
{
    join(LOG_LINES_STRUCTURED, LOGS(), 1);
}

/* One question for many logs: the hub reads what was before. */
TEST_USING(log_rig, join_in_the_hub)
{
    fake_driver.caps->log_batch_is_one = true;
    join(LOG_LINES_STRUCTURED, LOGS(), 1);
}

/* ---- breaks ---- */

/* The connection breaks and cannot be made again: the service goes on at the next record. */
static void breaks_for_good(enum log_lines lines, int before)
{
    struct container *c = running(lines);
    struct rig_client a;
    log_rig_print_numbers(300, 1, before);
    logs_open(&a, LOGS(.follow = true));
    log_rig_print_numbers(300, before + 1, before + 10);
    AUTO_FREE char *last = numbers(before + 10, before + 10);
    run_until(client_has(&a, last));
    assert_int_equal(log_rig.calls, 0);
    log_rig.live = false;
    log_rig_break_log_sessions();
    run_until(log_hub_followers(rig.backend.log_hub) == 1);
    log_rig_print_numbers(100, before + 11, before + 400);
    log_rig_record(LOG_RECORD_EXIT, 100, "0");
    run_ends(c);
    run_until(a.closed);
    assert_true(a.ended);
    expect_numbers(&a, 1, before + 400);
    rig_client_free(&a);
}

TEST_USING(log_rig, break_at_the_first_text_lines)
{
    breaks_for_good(LOG_LINES_TEXT, 0);
}

TEST_USING(log_rig, break_behind_many_text_lines)
{
    breaks_for_good(LOG_LINES_TEXT, 3000);
}

TEST_USING(log_rig, break_behind_structured_lines)
{
    breaks_for_good(LOG_LINES_STRUCTURED, 500);
}

/* It breaks again and again, while the service is slow: lines still come at once. */
TEST_USING(log_rig, breaks_and_comes_back)
{
    struct container *c = running(LOG_LINES_TEXT);
    struct rig_client a;
    logs_open(&a, LOGS(.follow = true));
    for (int i = 0; i < 5; i++) {
        log_rig_print_numbers(NEVER_MS, i * 100 + 1, i * 100 + 50);
        run_until(a.both.len && log_rig.log_sessions == 1);
        log_rig_break_log_sessions();
        log_rig_print_numbers(NEVER_MS, i * 100 + 51, i * 100 + 100);
        AUTO_FREE char *last = numbers(i * 100 + 99, i * 100 + 100);
        run_until(client_has(&a, last));
    }
    log_rig_record(LOG_RECORD_EXIT, NEVER_MS, "0");
    run_ends(c);
    run_until(a.closed);
    expect_numbers(&a, 1, 500);
    assert_true(log_rig.log_opens > 5);
    rig_client_free(&a);
}

/* An agent that is older than log sessions: as without. */
TEST_USING(log_rig, an_agent_without_log_sessions)
{
    struct container *c = running(LOG_LINES_TEXT);
    struct rig_client a;
    log_rig.live = false;
    log_rig_print_numbers(50, 1, 100);
    logs_open(&a, LOGS(.follow = true));
    run_until(client_has(&a, "\n100\n"));
    log_rig_print_numbers(50, 101, 200);
    log_rig_record(LOG_RECORD_EXIT, 50, "0");
    run_ends(c);
    run_until(a.closed);
    expect_numbers(&a, 1, 200);
    assert_int_equal(log_rig.log_opens, 1);
    rig_client_free(&a);
}

/* Followers from before the agent could be reached. */
TEST_USING(log_rig, follower_of_a_start)
{
    struct rig_client a;
    log_rig.page_size = PAGE;
    log_rig.live = true;
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    logs_open(&a, LOGS(.follow = true));
    run_until(log_hub_followers(rig.backend.log_hub) == 1);
    log_rig_print_numbers(NEVER_MS, 1, 100);
    log_rig_connect_agent(c);
    run_until(client_has(&a, "\n100\n"));
    expect_numbers(&a, 1, 100);
    assert_int_equal(log_hub_followers(rig.backend.log_hub), 0);
    rig_client_free(&a);
}

/* ---- pace ---- */

enum { LONG_LINE = 1000, LONG_LINES = 12000 };

static void print_long(int from, int to)
{
    char text[LONG_LINE + 1];
    for (int i = from; i <= to; i++) {
        snprintf(text, sizeof text, "%0*d", LONG_LINE, i);
        if (log_ring_end(&log_rig.ring) % 64 == 0) {
            char anchor[LOG_ANCHOR_MAX];
            log_record_anchor_format(log_ring_end(&log_rig.ring), anchor);
            log_rig_record(LOG_RECORD_MARK, 0, anchor);
        }
        log_rig_print(0, text);
    }
}

static void expect_long(const struct rig_client *c)
{
    const char *at = str_or_empty(c->out.data);
    for (int i = 1; i <= LONG_LINES; i++, at += LONG_LINE + 1) {
        char text[LONG_LINE + 2];
        snprintf(text, sizeof text, "%0*d\n", LONG_LINE, i);
        if (strncmp(at, text, LONG_LINE + 1) != 0)
            fail_msg("line %d is not where it should be", i);
    }
    assert_true(*at == '\0');
}

/* A client that takes nothing holds up neither the other one nor the agent. */
static void a_slow_follower(enum log_lines lines)
{
    struct container *c = running(lines);
    struct rig_client slow, fast;
    logs_open(&slow, LOGS(.follow = true));
    logs_open(&fast, LOGS(.follow = true));
    run_until(log_rig.log_sessions == 1);
    channel_pause(slow.channel);
    for (int i = 0; i < LONG_LINES; i += 100) {
        print_long(i + 1, i + 100);
        size_t wanted = (size_t)(i + 100) * (LONG_LINE + 1);
        run_until(fast.out.len == wanted);
    }
    assert_int_equal(log_rig.calls, 0);
    assert_true(rig.backend.log_live_bytes <= LOG_RING_MAX);
    log_rig_record(LOG_RECORD_EXIT, 0, "0");
    run_ends(c);
    run_until(fast.closed);
    expect_long(&fast);
    assert_true(slow.out.len < (size_t)LONG_LINES * LONG_LINE / 2);
    channel_resume(slow.channel);
    run_until(slow.closed);
    assert_true(slow.ended && log_rig.calls > 0); /* it was too late for the live log */
    expect_long(&slow);
    rig_client_free(&slow);
    rig_client_free(&fast);
}

TEST_USING(log_rig, a_slow_follower_of_text_lines)
{
    a_slow_follower(LOG_LINES_TEXT);
}

TEST_USING(log_rig, a_slow_follower_of_structured_lines)
{
    a_slow_follower(LOG_LINES_STRUCTURED);
}

/* Much more than the ring holds, printed at once, with one reader: it sets the pace of the agent's
 * session, and the rest comes from the service. */
TEST_USING(log_rig, a_flood)
{
    struct container *c = running(LOG_LINES_TEXT);
    AUTO(rig_client) struct rig_client a;
    logs_open(&a, LOGS(.follow = true));
    print_long(1, LONG_LINES);
    log_rig_record(LOG_RECORD_EXIT, 0, "0");
    run_until(a.out.len == (size_t)LONG_LINES * (LONG_LINE + 1));
    run_ends(c);
    run_until(a.closed);
    expect_long(&a);
}

TEST_USING(log_rig, clients_that_leave)
{
    struct container *c = running(LOG_LINES_TEXT);
    struct rig_client a, b;
    logs_open(&a, LOGS(.follow = true));
    logs_open(&b, LOGS(.follow = true));
    run_until(log_rig.log_sessions == 1);
    rig_client_free(&a);
    run_until(c->log_readers == 1);
    log_rig_print(NEVER_MS, "x");
    run_until(client_has(&b, "x\n"));
    rig_client_free(&b);
    run_until(c->log_readers == 0 && log_rig.log_sessions == 0 && !c->live);
}
