/* SPDX-License-Identifier: Apache-2.0
 *
 * `docker logs --tail` of long logs: what it costs in questions to the log service, and that it
 * shows every line once whatever the pages are, how late entries come, and what was printed
 * meanwhile.
 */
#include "backend/logs/log_hub.h"
#include "base/timefmt.h"
#include "test/kit/log_rig.h"
#include "test/kit/test.h"

#define LONG_AGO INT64_C(1000000000000000000)

enum { PAGE = 1000, LINES = 50000, CALLS_MOST = 3 };

/* "FROM\n" … "TO\n"; heap. */
static char *numbers(int from, int to)
{
    struct buf out = BUF_INIT;
    buf_puts(&out, "");
    for (int i = from; i <= to; i++)
        buf_printf(&out, "%d\n", i);
    return buf_steal(&out);
}

static void add_numbers(int from, int to, int64_t began_ns, int64_t delay_ms)
{
    for (int i = from; i <= to; i++)
        log_rig_add("run", began_ns + i, delay_ms, "%d", i);
}

/* A container of LINES lines and an exit record, printed within a moment. */
static struct container *ended(int64_t at_ns, int64_t delay_ms)
{
    log_rig.page_size = PAGE;
    add_numbers(1, LINES, at_ns, delay_ms);
    log_rig_add("run", at_ns + LINES + 1, delay_ms, "\001x0");
    return log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, at_ns + LINES + 1);
}

static unsigned calls_of(struct logs open, const char *expected)
{
    struct rig_client c;
    unsigned before = log_rig.calls;
    logs_open(&c, open);
    run_until(c.closed);
    assert_true(c.ended);
    assert_string_equal(c.both.len ? c.both.data : "", expected);
    rig_client_free(&c);
    return log_rig.calls - before;
}

static void expect_tail(struct logs open, int from, int to, unsigned calls)
{
    AUTO_FREE char *expected = numbers(from, to);
    unsigned made = calls_of(open, expected);
    if (made > calls)
        fail_msg("lines %d to %d: %u calls, not %u", from, to, made, calls);
}

static void expect_tails(int64_t at_ns)
{
    expect_tail(LOGS(TAIL(3)), LINES - 2, LINES, 1);
    expect_tail(LOGS(TAIL(3), .follow = true), LINES - 2, LINES, 1);
    expect_tail(LOGS(TAIL(0), .follow = true), 1, 0, 1);
    expect_tail(LOGS(TAIL(500)), LINES - 499, LINES, 1);
    expect_tail(LOGS(TAIL(PAGE)), LINES - PAGE + 1, LINES, 2);
    expect_tail(LOGS(TAIL(2900)), LINES - 2899, LINES, CALLS_MOST);
    expect_tail(LOGS(TAIL(2900), .until = at_ns + LINES - 1000), LINES - 2899, LINES - 1000,
                CALLS_MOST);
    expect_tail(LOGS(TAIL(2900), .since = at_ns + LINES - 9), LINES - 9, LINES, 1);
    expect_tail(LOGS(TAIL(10), .since = at_ns + LINES - 4, .until = at_ns + LINES - 2), LINES - 4,
                LINES - 2, 1);
    expect_tail(LOGS(TAIL(3), .since = time_now_ns() + 1000 * (int64_t)MS), 1, 0, 1);
}

TEST_USING(log_rig, just_ended)
{
    fake_driver.caps->log_grace_ms = PATIENCE_MS * 2; /* only the exit record can end it */
    int64_t now = time_now_ns();
    ended(now, 0);
    expect_tails(now);
}

TEST_USING(log_rig, ended_a_minute_ago)
{
    int64_t then = time_now_ns() - 60 * (int64_t)1000 * MS;
    ended(then, 0);
    expect_tails(then);
}

TEST_USING(log_rig, ended_long_ago)
{
    ended(LONG_AGO, 0);
    expect_tails(LONG_AGO);
}

TEST_USING(log_rig, no_exit_record)
{
    log_rig.page_size = PAGE;
    fake_driver.caps->log_grace_ms = 200;
    int64_t now = time_now_ns();
    add_numbers(1, LINES, now, 0);
    log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, now);
    int64_t polls = 200 / fake_driver.caps->log_poll_interval_ms;
    expect_tail(LOGS(TAIL(3)), LINES - 2, LINES, (unsigned)polls + 2);
    expect_tail(LOGS(TAIL(3)), LINES - 2, LINES, 1); /* now long over */
}

/* More than is held: it is read a second time, all of it but no more. */
TEST_USING(log_rig, more_than_is_held)
{
    enum { LONG = 6000, WANTED = 5500 };
    char blanks[1025] = "";
    struct buf expected = BUF_INIT;
    int64_t now = time_now_ns();
    log_rig.page_size = PAGE;
    memset(blanks, ' ', sizeof blanks - 1);
    for (int i = 0; i < LONG; i++) {
        log_rig_add("run", now + i / 7, 0, "%s%d", blanks, i);
        if (i >= LONG - WANTED)
            buf_printf(&expected, "%s%d\n", blanks, i);
    }
    log_rig_add("run", now + LONG, 0, "\001x0");
    log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, now + LONG);
    assert_in_range(calls_of(LOGS(TAIL(WANTED)), expected.data), 11, 13);
    buf_free(&expected);
}

/* The log is still on its way while the end is waited for. */
TEST_USING(log_rig, ingestion_delay)
{
    enum { DELAY_MS = 300 };
    fake_driver.caps->log_grace_ms = PATIENCE_MS * 2;
    add_numbers(-20000, 0, time_now_ns() - MS, 0);
    ended(time_now_ns(), DELAY_MS);
    unsigned polls = DELAY_MS / (unsigned)fake_driver.caps->log_poll_interval_ms;
    expect_tail(LOGS(TAIL(3)), LINES - 2, LINES, polls + 2);
    expect_tail(LOGS(TAIL(3)), LINES - 2, LINES, 1);
}

TEST_USING(log_rig, several_runs)
{
    struct container *c = ended(time_now_ns(), 0);
    log_rig_past_run(c, "first");
    log_rig_past_run(c, "second");
    log_rig_add("first", LONG_AGO, 0, "-2");
    log_rig_add("second", LONG_AGO + 1, 0, "-1");
    log_rig_add("second", LONG_AGO + 2, 0, "0");
    expect_tail(LOGS(TAIL(3)), LINES - 2, LINES, 1);
    log_rig.page_size = LINES * 2;
    expect_tail(LOGS(TAIL(LINES + 1)), 0, LINES, 2);
    expect_tail(LOGS(TAIL(LINES + 3)), -2, LINES, 3);
    expect_tail(LOGS(TAIL(LINES + 50)), -2, LINES, 3);
}

/* ---- running ---- */

static struct container *running(void)
{
    log_rig.page_size = PAGE;
    add_numbers(1, LINES, time_now_ns() - 1000 * (int64_t)MS, 0);
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    log_rig_connect_agent(c);
    return c;
}

static void expect_follow(int64_t tail, const char *first, const char *all, bool together)
{
    struct rig_client a;
    fake_driver.caps->log_batch_is_one = together;
    unsigned calls = log_rig.calls;
    struct logs open = LOGS(.follow = true, TAIL(tail));
    logs_open(&a, open);
    run_until(log_hub_followers(rig.backend.log_hub) == 1);
    assert_in_range(log_rig.calls - calls, 1, CALLS_MOST);
    run_until(a.both.len && strcmp(a.both.data, first) == 0);
    log_rig_add("run", time_now_ns(), 0, "new");
    log_rig_add("run", time_now_ns(), 0, "\001x0");
    run_until(a.closed);
    assert_string_equal(a.both.data, all);
    rig_client_free(&a);
    log_rig_cut_after("run", "50000"); /* as it was before */
}

/* The agent writes a line after every mark. */
TEST_USING(log_rig, follow)
{
    running();
    for (int together = 0; together < 2; together++) {
        expect_follow(3, "49998\n49999\n50000\nafter the mark\n",
                      "49998\n49999\n50000\nafter the mark\nnew\n", together);
        expect_follow(0, "after the mark\n", "after the mark\nnew\n", together);
    }
}

TEST_USING(log_rig, follow_without_agent)
{
    log_rig.page_size = PAGE;
    add_numbers(1, LINES, time_now_ns() - 1000 * (int64_t)MS, 0);
    log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    expect_follow(3, "49998\n49999\n50000\n", "49998\n49999\n50000\nnew\n", true);
    AUTO(rig_client) struct rig_client a;
    unsigned calls = log_rig.calls;
    struct logs open = LOGS(.follow = true, TAIL(0));
    logs_open(&a, open);
    run_until(log_hub_followers(rig.backend.log_hub) == 1);
    assert_int_equal(log_rig.calls - calls, 1);
    log_rig_add("run", time_now_ns(), 0, "new");
    log_rig_add("run", time_now_ns(), 0, "\001x0");
    run_until(a.closed);
    assert_string_equal(a.both.data, "new\n");
}

/* Between two looks at the newest entries the mark has come and more than a look shows. */
TEST_USING(log_rig, mark_is_passed_by)
{
    AUTO(rig_client) struct rig_client a;
    running();
    log_rig.mark_delay_ms = 200;
    struct logs open = LOGS(TAIL(2));
    logs_open(&a, open);
    run_until(log_rig_count("run") > LINES);
    add_numbers(1, 3000, time_now_ns(), log_rig.mark_delay_ms);
    run_until(a.closed);
    assert_true(a.ended);
    assert_string_equal(a.both.data, "49999\n50000\n");
}
