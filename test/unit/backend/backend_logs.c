/* SPDX-License-Identifier: Apache-2.0
 *
 * `docker logs`: everything, exactly once, whatever the log service's delay and pages; in what
 * order and with what options dockerd shows it.
 */
#include "test/kit/backend_log_fake.h"
#include "test/kit/test.h"

#define LONG_AGO INT64_C(1000000000000000000) /* 2001-09-09T01:46:40Z */
#define AT(n) (LONG_AGO + (int64_t)(n)*MS)

static void expect_logs(Sockerless__LogsOpen open, const char *expected)
{
    struct client c;
    client_open(&c, &open);
    run_until(c.closed);
    assert_true(c.ended);
    assert_string_equal(c.both.len ? c.both.data : "", expected);
    client_free(&c);
}

static void add_plain_run(const char *ref)
{
    fake_add(ref, AT(1), 0, "one");
    fake_add(ref, AT(2), 0, "\001etwo");
    fake_add(ref, AT(2), 0, "\001o");
    fake_add(ref, AT(3), 0, "\001pthr");
    fake_add(ref, AT(4), 0, "\001mlogs-someone-else");
    fake_add(ref, AT(5), 0, "ee");
    fake_add(ref, AT(6), 0, "\001qno newline");
    fake_add(ref, AT(7), 0, "\001x0");
}

TEST_USING(fake, history)
{
    fake_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    add_plain_run("run");
    struct client c;
    Sockerless__LogsOpen open = LOGS();
    client_open(&c, &open);
    run_until(c.closed);
    assert_string_equal(c.out.data, "one\n\nthree\n");
    assert_string_equal(c.err.data, "two\nno newline");
    assert_int_equal(c.frames, 6);
    client_free(&c);
    expect_logs(LOGS(.no_stderr = true), "one\n\nthree\n");
    expect_logs(LOGS(.no_stdout = true), "two\nno newline");
    expect_logs(LOGS(.follow = true), "one\ntwo\n\nthree\nno newline");
}

TEST_USING(fake, a_cloud_without_a_log_service)
{
    struct client c;
    Sockerless__LogsOpen open = LOGS(.follow = true);
    fake_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    fake.driver.logs = NULL;
    client_open(&c, &open);
    run_until(c.closed);
    assert_true(c.failed);
    assert_int_equal(c.code, SOCKERLESS__ERROR_CODE__NOT_IMPLEMENTED);
    assert_string_equal(c.message,
                        "docker logs needs a log service, which the backend fake does not have");
    client_free(&c);
}

TEST_USING(fake, timestamps_details)
{
    fake_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    add_plain_run("run");
    expect_logs(LOGS(.timestamps = true), "2001-09-09T01:46:40.001000000Z one\n"
                                          "2001-09-09T01:46:40.002000000Z two\n"
                                          "2001-09-09T01:46:40.002000000Z \n"
                                          "2001-09-09T01:46:40.003000000Z three\n"
                                          "2001-09-09T01:46:40.006000000Z no newline");
    expect_logs(LOGS(.details = true, TAIL(2)), " three\n no newline");
}

TEST_USING(fake, since_until)
{
    fake_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    add_plain_run("run");
    expect_logs(LOGS(.since = AT(5)), "ee\nno newline");
    expect_logs(LOGS(.until = AT(2)), "one\ntwo\n\n");
    expect_logs(LOGS(.since = AT(2), .until = AT(2)), "two\n\n");
    expect_logs(LOGS(.since = time_now_ns() + 1000 * (int64_t)MS), "");
    expect_logs(LOGS(.until = AT(0)), "");
    expect_logs(LOGS(TAIL(3), .since = AT(6)), "no newline");
    expect_logs(LOGS(TAIL(3), .until = AT(5)), "\nthree\n"); /* tail first, as dockerd */
}

TEST_USING(fake, tail)
{
    struct container *c = fake_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    fake_past_run(c, "earlier");
    add_plain_run("run");
    add_plain_run("earlier");
    static const char *const expected[] = {
        "",
        "no newline",
        "three\nno newline",
        "\nthree\nno newline",
        "two\n\nthree\nno newline",
        "one\ntwo\n\nthree\nno newline",
        "no newlineone\ntwo\n\nthree\nno newline",
        "three\nno newlineone\ntwo\n\nthree\nno newline",
    };
    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        expect_logs(LOGS(TAIL((int64_t)i)), expected[i]);
    expect_logs(LOGS(TAIL(1000000)), "one\ntwo\n\nthree\nno newlineone\ntwo\n\nthree\nno newline");
    fake.page_size = 100;
    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        expect_logs(LOGS(TAIL((int64_t)i)), expected[i]);
    expect_logs(LOGS(TAIL(2), .follow = true), expected[2]);
    expect_logs(LOGS(TAIL(0), .follow = true), "");
}

/* Many entries of one instant, across pages. */
TEST_USING(fake, tail_same_instant)
{
    fake_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    for (int i = 0; i < 10; i++)
        fake_add("run", AT(1), 0, "%d", i);
    expect_logs(LOGS(TAIL(1)), "9\n");
    expect_logs(LOGS(TAIL(5)), "5\n6\n7\n8\n9\n");
    expect_logs(LOGS(TAIL(10)), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
}

/* Of a long log no more is read than a short tail needs. */
TEST_USING(fake, tail_reads_little)
{
    fake_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    fake.page_size = 1000;
    for (int i = 0; i < 5000; i++)
        fake_add("run", AT(1 + i), 0, "%d", i);
    expect_logs(LOGS(TAIL(2)), "4998\n4999\n");
    assert_true(fake.delivered < 100);
    char expected[8 * 1024] = "";
    for (int i = 4500, at = 0; i < 5000; i++)
        at += snprintf(expected + at, sizeof expected - (size_t)at, "%d\n", i);
    fake.delivered = 0;
    expect_logs(LOGS(TAIL(500)), expected);
    assert_true(fake.delivered < 1500);
}

TEST_USING(fake, runs)
{
    struct container *c = fake_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    fake_past_run(c, "first");
    fake_past_run(c, "second");
    fake_add("first", AT(1), 0, "\001phalf");
    fake_add("first", AT(1), 0, "\001x0");
    fake_add("second", AT(2), 0, "b");
    fake_add("run", AT(3), 0, "c");
    expect_logs(LOGS(), "halfb\nc\n");
    expect_logs(LOGS(.timestamps = true), "2001-09-09T01:46:40.001000000Z half"
                                          "2001-09-09T01:46:40.002000000Z b\n"
                                          "2001-09-09T01:46:40.003000000Z c\n");
    c->has_run = false;
    expect_logs(LOGS(), "halfb\n");
}

TEST_USING(fake, never_started)
{
    struct container *c = fake_container(SOCKERLESS__CONTAINER_STATE__CREATED, 0);
    c->has_run = false;
    expect_logs(LOGS(), "");
    expect_logs(LOGS(.follow = true), "");
    expect_logs(LOGS(TAIL(5)), "");
    assert_int_equal(fake.calls, 0);
}

/* The run is over, its last entries are not there yet. */
TEST_USING(fake, late_end)
{
    fake_container(SOCKERLESS__CONTAINER_STATE__EXITED, time_now_ns());
    fake_add("run", time_now_ns(), 0, "early");
    fake_add("run", time_now_ns(), 200, "late");
    fake_add("run", time_now_ns(), 300, "\001x7");
    struct client tail;
    Sockerless__LogsOpen open = LOGS(TAIL(1));
    client_open(&tail, &open);
    expect_logs(LOGS(), "early\nlate\n");
    run_until(tail.closed);
    assert_string_equal(tail.both.data, "late\n");
    client_free(&tail);
}

TEST_USING(fake, since_is_later_than_the_end)
{
    fake.driver.caps.log_grace_ms = PATIENCE_MS * 2; /* only the exit record can end it */
    fake_container(SOCKERLESS__CONTAINER_STATE__EXITED, time_now_ns());
    fake_add("run", time_now_ns(), 0, "early");
    fake_add("run", time_now_ns(), 100, "\001x7");
    expect_logs(LOGS(.since = time_now_ns() + 1000 * (int64_t)MS), "");
}

TEST_USING(fake, no_exit_record)
{
    fake.driver.caps.log_grace_ms = 400;
    fake_container(SOCKERLESS__CONTAINER_STATE__EXITED, time_now_ns());
    fake_add("run", time_now_ns(), 200, "late");
    int64_t began = time_mono_ms();
    expect_logs(LOGS(), "late\n");
    assert_true(time_mono_ms() - began >= 395);
    unsigned calls = fake.calls;
    expect_logs(LOGS(), "late\n"); /* now long over: one question is enough */
    assert_int_equal(fake.calls - calls, 1);
}

TEST_USING(fake, running_mark)
{
    struct container *c = fake_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    fake_connect_agent(c);
    fake.mark_delay_ms = 250;
    fake_add("run", time_now_ns(), 0, "early");
    fake_add("run", time_now_ns(), 200, "late");
    expect_logs(LOGS(), "early\nlate\n");
    expect_logs(LOGS(TAIL(2)), "late\nafter the mark\n");
    expect_logs(LOGS(TAIL(0)), "");
    unsigned calls = fake.calls;
    fake.page_size = 100;
    fake.mark_delay_ms = 0;
    expect_logs(LOGS(.until = LONG_AGO), ""); /* settled: neither mark nor waiting */
    assert_int_equal(fake.calls - calls, 1);
}

TEST_USING(fake, running_without_link)
{
    fake_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    for (int i = 0; i < 8; i++)
        fake_add("run", AT(i), 0, "%d", i);
    fake_add("run", time_now_ns(), PATIENCE_MS, "much later");
    expect_logs(LOGS(), "0\n1\n2\n3\n4\n5\n6\n7\n");
    expect_logs(LOGS(TAIL(3)), "5\n6\n7\n");
}

static void follow(bool together)
{
    fake.driver.caps.log_batch_is_one = together;
    struct container *c = fake_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    fake.driver.caps.log_grace_ms = PATIENCE_MS * 2;
    struct client a, b;
    Sockerless__LogsOpen open = LOGS(.follow = true);
    fake_add("run", time_now_ns(), 0, "0");
    client_open(&a, &open);
    client_open(&b, &open);
    run_until(log_hub_followers(fake.backend.log_hub) == 2);
    assert_int_equal(c->log_readers, 2);
    for (int i = 1; i < 10; i++) {
        size_t had = b.both.len;
        fake_add("run", time_now_ns(), 5, "%d", i);
        run_until(a.both.len > had && b.both.len > had);
    }
    unsigned calls = fake.calls, queries = fake.queries;
    run_until(fake.calls - calls >= 3);
    assert_int_equal(fake.calls - calls, fake.queries - queries); /* two share one query */
    c->view->state = SOCKERLESS__CONTAINER_STATE__EXITED;
    c->run_finished_at = time_now_ns();
    fake_add("run", time_now_ns(), 100, "last");
    fake_add("run", time_now_ns(), 200, "\001x0");
    run_until(a.closed && b.closed);
    assert_string_equal(a.both.data, "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\nlast\n");
    assert_string_equal(b.both.data, a.both.data);
    assert_true(a.ended && b.ended);
    client_free(&a);
    client_free(&b);
    calls = fake.calls;
    run_for(150);
    assert_int_equal(fake.calls, calls); /* nobody follows, nobody asks */
}

TEST_USING(fake, follow)
{
    follow(false);
}

/* What was written before is asked for by the hub, too. */
TEST_USING(fake, follow_together)
{
    follow(true);
}

TEST_USING(fake, follow_ends_at_grace)
{
    struct container *c = fake_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    fake.driver.caps.log_grace_ms = 200;
    struct client a;
    Sockerless__LogsOpen open = LOGS(.follow = true);
    client_open(&a, &open);
    run_until(log_hub_followers(fake.backend.log_hub) == 1);
    c->removed = true; /* killed and taken away, no exit record */
    fake_add("run", time_now_ns(), 100, "last words");
    run_until(a.closed);
    assert_true(a.ended);
    assert_string_equal(a.both.data, "last words\n");
    client_free(&a);
    c->removed = false;
}

TEST_USING(fake, follow_client_gone)
{
    struct container *c = fake_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    struct client a, b;
    Sockerless__LogsOpen open = LOGS(.follow = true);
    client_open(&a, &open);
    client_open(&b, &open);
    run_until(log_hub_followers(fake.backend.log_hub) == 2);
    client_free(&a);
    run_until(log_hub_followers(fake.backend.log_hub) == 1 && c->log_readers == 1);
    client_free(&b);
    run_until(log_hub_followers(fake.backend.log_hub) == 0 && c->log_readers == 0);
}

/* The end of a daemon: everything waiting is cancelled before the followers' channels are closed.
 */
TEST_USING(fake, follow_cancelled)
{
    struct container *c = fake_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    struct client a;
    Sockerless__LogsOpen open = LOGS(.follow = true);
    client_open(&a, &open);
    run_until(log_hub_followers(fake.backend.log_hub) == 1);
    unsigned calls = fake.calls;
    channel_abort_all(&fake.loop);
    co_cancel_all(&fake.loop);
    run_until(co_live(&fake.loop) == 0);
    assert_true(fake.calls - calls <= 1);
    client_free(&a);
    run_until(c->log_readers == 0);
}

TEST_USING(fake, history_client_gone)
{
    struct container *c = fake_container(SOCKERLESS__CONTAINER_STATE__EXITED, time_now_ns());
    fake.driver.caps.log_grace_ms = PATIENCE_MS * 2;
    struct client a;
    Sockerless__LogsOpen open = LOGS();
    client_open(&a, &open);
    run_until(fake.calls > 2);
    client_free(&a);
    run_until(c->log_readers == 0);
}

TEST_USING(fake, follow_tail)
{
    struct container *c = fake_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    fake_connect_agent(c);
    fake.mark_delay_ms = 100;
    for (int i = 0; i < 20; i++)
        fake_add("run", time_now_ns(), 0, "%d", i);
    struct client a, b;
    Sockerless__LogsOpen open = LOGS(.follow = true, TAIL(2));
    client_open(&a, &open);
    run_until(a.both.len && strcmp(a.both.data, "18\n19\nafter the mark\n") == 0);
    Sockerless__LogsOpen none = LOGS(.follow = true, TAIL(0));
    client_open(&b, &none);
    run_until(b.both.len && strcmp(b.both.data, "after the mark\n") == 0);
    fake_add("run", time_now_ns(), 0, "new");
    fake_add("run", time_now_ns(), 0, "\001x0");
    run_until(a.closed && b.closed);
    assert_string_equal(a.both.data, "18\n19\nafter the mark\nafter the mark\nnew\n");
    assert_string_equal(b.both.data, "after the mark\nnew\n");
    client_free(&a);
    client_free(&b);
}

TEST_USING(fake, follow_until)
{
    fake_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    fake.driver.caps.log_grace_ms = 150;
    int64_t until = time_now_ns() + 200 * (int64_t)MS;
    struct client a;
    Sockerless__LogsOpen open = LOGS(.follow = true, .until = until);
    client_open(&a, &open);
    run_until(log_hub_followers(fake.backend.log_hub) == 1);
    fake_add("run", until, 300, "in time");
    run_until(a.closed);
    assert_true(a.ended && time_now_ns() > until);
    assert_string_equal(a.both.data, "in time\n");
    client_free(&a);
    expect_logs(LOGS(.follow = true, .until = AT(0)), "");
}

/* A client that does not read holds neither memory nor its neighbours. */
TEST_USING(fake, backpressure)
{
    enum { LINES = 100000 };
    struct container *c = fake_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(1));
    fake.page_size = 5000;
    for (int i = 0; i < LINES; i++)
        fake_add("run", AT(i), 0, "%s%d some words to make a line of it, %d", i % 3 ? "" : "\001e",
                 i, i);
    fake_add("run", AT(LINES), 0, "\001x0");
    struct client slow, quick;
    Sockerless__LogsOpen open = LOGS();
    client_open(&slow, &open);
    channel_pause(slow.channel);
    client_open(&quick, &open);
    run_until(quick.closed);
    run_until(c->log_readers == 1);
    assert_true(fake.calls < 2 * 20); /* the slow one was not read ahead for */
    channel_resume(slow.channel);
    run_until(slow.closed);
    assert_int_equal(quick.frames, LINES);
    assert_int_equal(slow.frames, LINES);
    assert_string_equal(slow.both.data, quick.both.data);
    char *line = slow.both.data;
    for (int i = 0; i < LINES; i++) {
        assert_int_equal(strtol(line, NULL, 10), i);
        line = strchr(line, '\n') + 1;
    }
    client_free(&slow);
    client_free(&quick);
    open = LOGS(TAIL(70000));
    client_open(&quick, &open);
    run_until(quick.closed);
    assert_int_equal(quick.frames, 70000);
    assert_int_equal(strtol(quick.both.data, NULL, 10), 30000);
    client_free(&quick);
}

static void expect_failure(Sockerless__LogsOpen open, Sockerless__ErrorCode code,
                           const char *message)
{
    struct client c;
    client_open(&c, &open);
    run_until(c.closed);
    assert_true(c.failed && !c.opened);
    assert_int_equal(c.code, code);
    assert_string_equal(c.message, message);
    client_free(&c);
}

TEST_USING(fake, failures)
{
    struct container *c = fake_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    expect_failure(LOGS(.ref = "nope"), SOCKERLESS__ERROR_CODE__NOT_FOUND,
                   "No such container: nope");
    expect_failure(LOGS(.no_stdout = true, .no_stderr = true),
                   SOCKERLESS__ERROR_CODE__INVALID_PARAMETER,
                   "Bad parameters: you must choose at least one stream");
    expect_failure(LOGS(.ref = "nope", .no_stdout = true, .no_stderr = true), /* comes first */
                   SOCKERLESS__ERROR_CODE__INVALID_PARAMETER,
                   "Bad parameters: you must choose at least one stream");
    fake.fail_code = ERROR_FORBIDDEN;
    fake.fail_calls = 1;
    expect_failure(LOGS(), SOCKERLESS__ERROR_CODE__FORBIDDEN,
                   "read the log: the log service is out");
    struct client a;
    Sockerless__LogsOpen open = LOGS(.follow = true);
    client_open(&a, &open);
    run_until(log_hub_followers(fake.backend.log_hub) == 1);
    fake.fail_code = ERROR_UNAVAILABLE;
    fake.fail_calls = 3; /* is survived */
    fake_add("run", time_now_ns(), 0, "still there");
    run_until(a.both.len > 0);
    fake.fail_calls = 1000;
    run_until(a.closed);
    run_until(c->log_readers == 0);
    assert_true(a.failed);
    client_free(&a);
    fake.fail_calls = 0;
}
