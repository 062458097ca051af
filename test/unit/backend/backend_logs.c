/* SPDX-License-Identifier: Apache-2.0
 *
 * `docker logs`: everything, exactly once, whatever the log service's delay and pages; in what
 * order and with what options dockerd shows it.
 */
#include "test/kit/log_rig.h"

#include "backend/logs/log_hub.h"
#include "base/timefmt.h"
#include "test/kit/test.h"

#define LONG_AGO INT64_C(1000000000000000000) /* 2001-09-09T01:46:40Z */
#define AT(n) (LONG_AGO + (int64_t)(n)*MS)

static void expect_logs(struct logs open, const char *expected)
{
    AUTO(rig_client) struct rig_client c;
    logs_open(&c, open);
    run_until(c.closed);
    assert_true(c.ended);
    assert_string_equal(c.both.len ? c.both.data : "", expected);
}

static void add_plain_run(const char *ref)
{
    log_rig_add(ref, AT(1), 0, "one");
    log_rig_add(ref, AT(2), 0, "\001etwo");
    log_rig_add(ref, AT(2), 0, "\001o");
    log_rig_add(ref, AT(3), 0, "\001pthr");
    log_rig_add(ref, AT(4), 0, "\001mlogs-someone-else");
    log_rig_add(ref, AT(5), 0, "ee");
    log_rig_add(ref, AT(6), 0, "\001qno newline");
    log_rig_add(ref, AT(7), 0, "\001x0");
}

TEST_USING(log_rig, history)
{
    log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    add_plain_run("run");
    struct rig_client c;
    logs_open(&c, LOGS());
    run_until(c.closed);
    assert_string_equal(c.out.data, "one\n\nthree\n");
    assert_string_equal(c.errs.data, "two\nno newline");
    assert_int_equal(c.frames, 6);
    rig_client_free(&c);
    expect_logs(LOGS(.no_stderr = true), "one\n\nthree\n");
    expect_logs(LOGS(.no_stdout = true), "two\nno newline");
    expect_logs(LOGS(.follow = true), "one\ntwo\n\nthree\nno newline");
}

TEST_USING(log_rig, a_cloud_without_a_log_service)
{
    AUTO(rig_client) struct rig_client c;
    log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    rig.backend.driver->logs = NULL;
    logs_open(&c, LOGS(.follow = true));
    run_until(c.closed);
    assert_true(c.failed);
    assert_int_equal(c.err.code, ERROR_NOT_IMPLEMENTED);
    assert_string_equal(c.err.message,
                        "docker logs needs a log service, which the backend fake does not have");
}

TEST_USING(log_rig, timestamps_details)
{
    log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    add_plain_run("run");
    expect_logs(LOGS(.timestamps = true), "2001-09-09T01:46:40.001000000Z one\n"
                                          "2001-09-09T01:46:40.002000000Z two\n"
                                          "2001-09-09T01:46:40.002000000Z \n"
                                          "2001-09-09T01:46:40.003000000Z three\n"
                                          "2001-09-09T01:46:40.006000000Z no newline");
    expect_logs(LOGS(.details = true, TAIL(2)), " three\n no newline");
}

/* As dockerd's json-file driver chooses, sorts and escapes them. */
TEST_USING(log_rig, details_of_the_log_options)
{
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    Sockerless__ContainerConfig *config = c->view->config;
    Sockerless__KeyValue words[] = {
        {.key = (char *)"labels", .value = (char *)"zz,a,a-b,a,none"},
        {.key = (char *)"env", .value = (char *)"E,EMPTY,UNSET"},
        {.key = (char *)"tag", .value = (char *)"{{.Name}}/{{ .ImageID }}-{{"},
        {.key = (char *)"max-size", .value = (char *)"1m"},
        {.key = (char *)"a-b", .value = (char *)"x=y,z~"},
        {.key = (char *)"a", .value = (char *)"1 2+3"},
        {.key = (char *)"zz", .value = (char *)"\"\xc3\xa9\""},
    };
    Sockerless__KeyValue *pointers[ARRAY_LEN(words)];
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        words[i].base.descriptor = &sockerless__key_value__descriptor;
        pointers[i] = &words[i];
    }
    char *variables[] = {(char *)"E=old", (char *)"EMPTY=", (char *)"UNSET", (char *)"E=new=er"};
    Sockerless__StringList env = SOCKERLESS__STRING_LIST__INIT;
    env.items = variables;
    env.n_items = ARRAY_LEN(variables);
    c->view->host->log_options = pointers;
    c->view->host->n_log_options = 4;
    config->labels = pointers + 4;
    config->n_labels = 3;
    config->env = &env;
    c->view->image_id = (char *)"sha256:0123456789abcdef0123";
    log_rig_add("run", AT(1), 0, "one");
    log_rig_add("run", AT(2), 0, "\001x0");
    expect_logs(LOGS(.details = true),
                "E=new%3Der,EMPTY=,a=1+2%2B3,a-b=x%3Dy%2Cz~,tag=web%2F0123456789ab-%7B%7B,"
                "zz=%22%C3%A9%22 one\n");
    c->view->host->n_log_options = 0;
    expect_logs(LOGS(.details = true), " one\n");
}

TEST_USING(log_rig, since_until)
{
    log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    add_plain_run("run");
    expect_logs(LOGS(.since = AT(5)), "ee\nno newline");
    expect_logs(LOGS(.until = AT(2)), "one\ntwo\n\n");
    expect_logs(LOGS(.since = AT(2), .until = AT(2)), "two\n\n");
    expect_logs(LOGS(.since = time_now_ns() + 1000 * (int64_t)MS), "");
    expect_logs(LOGS(.until = AT(0)), "");
    expect_logs(LOGS(TAIL(3), .since = AT(6)), "no newline");
    expect_logs(LOGS(TAIL(3), .until = AT(5)), "\nthree\n"); /* tail first, as dockerd */
}

TEST_USING(log_rig, tail)
{
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    log_rig_past_run(c, "earlier");
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
    log_rig.page_size = 100;
    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        expect_logs(LOGS(TAIL((int64_t)i)), expected[i]);
    expect_logs(LOGS(TAIL(2), .follow = true), expected[2]);
    expect_logs(LOGS(TAIL(0), .follow = true), "");
}

/* Many entries of one instant, across pages. */
TEST_USING(log_rig, tail_same_instant)
{
    log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    for (int i = 0; i < 10; i++)
        log_rig_add("run", AT(1), 0, "%d", i);
    expect_logs(LOGS(TAIL(1)), "9\n");
    expect_logs(LOGS(TAIL(5)), "5\n6\n7\n8\n9\n");
    expect_logs(LOGS(TAIL(10)), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
}

/* Of a long log no more is read than a short tail needs. */
TEST_USING(log_rig, tail_reads_little)
{
    log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    log_rig.page_size = 1000;
    for (int i = 0; i < 5000; i++)
        log_rig_add("run", AT(1 + i), 0, "%d", i);
    expect_logs(LOGS(TAIL(2)), "4998\n4999\n");
    assert_true(log_rig.delivered < 100);
    char expected[8 * 1024] = "";
    for (int i = 4500, at = 0; i < 5000; i++)
        at += snprintf(expected + at, sizeof expected - (size_t)at, "%d\n", i);
    log_rig.delivered = 0;
    expect_logs(LOGS(TAIL(500)), expected);
    assert_true(log_rig.delivered < 1500);
}

TEST_USING(log_rig, runs)
{
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(7));
    log_rig_past_run(c, "first");
    log_rig_past_run(c, "second");
    log_rig_add("first", AT(1), 0, "\001phalf");
    log_rig_add("first", AT(1), 0, "\001x0");
    log_rig_add("second", AT(2), 0, "b");
    log_rig_add("run", AT(3), 0, "c");
    expect_logs(LOGS(), "halfb\nc\n");
    expect_logs(LOGS(.timestamps = true), "2001-09-09T01:46:40.001000000Z half"
                                          "2001-09-09T01:46:40.002000000Z b\n"
                                          "2001-09-09T01:46:40.003000000Z c\n");
    c->has_run = false;
    expect_logs(LOGS(), "halfb\n");
}

TEST_USING(log_rig, never_started)
{
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__CREATED, 0);
    c->has_run = false;
    expect_logs(LOGS(), "");
    expect_logs(LOGS(.follow = true), "");
    expect_logs(LOGS(TAIL(5)), "");
    assert_int_equal(log_rig.calls, 0);
}

/* The run is over, its last entries are not there yet. */
TEST_USING(log_rig, late_end)
{
    log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, time_now_ns());
    log_rig_add("run", time_now_ns(), 0, "early");
    log_rig_add("run", time_now_ns(), 200, "late");
    log_rig_add("run", time_now_ns(), 300, "\001x7");
    AUTO(rig_client) struct rig_client tail;
    logs_open(&tail, LOGS(TAIL(1)));
    expect_logs(LOGS(), "early\nlate\n");
    run_until(tail.closed);
    assert_string_equal(tail.both.data, "late\n");
}

TEST_USING(log_rig, since_is_later_than_the_end)
{
    fake_driver.caps->log_grace_ms = PATIENCE_MS * 2; /* only the exit record can end it */
    log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, time_now_ns());
    log_rig_add("run", time_now_ns(), 0, "early");
    log_rig_add("run", time_now_ns(), 100, "\001x7");
    expect_logs(LOGS(.since = time_now_ns() + 1000 * (int64_t)MS), "");
}

TEST_USING(log_rig, no_exit_record)
{
    fake_driver.caps->log_grace_ms = 400;
    log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, time_now_ns());
    log_rig_add("run", time_now_ns(), 200, "late");
    int64_t began = time_mono_ms();
    expect_logs(LOGS(), "late\n");
    assert_true(time_mono_ms() - began >= 395);
    unsigned calls = log_rig.calls;
    expect_logs(LOGS(), "late\n"); /* now long over: one question is enough */
    assert_int_equal(log_rig.calls - calls, 1);
}

TEST_USING(log_rig, running_mark)
{
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    log_rig_connect_agent(c);
    log_rig.mark_delay_ms = 250;
    log_rig_add("run", time_now_ns(), 0, "early");
    log_rig_add("run", time_now_ns(), 200, "late");
    expect_logs(LOGS(), "early\nlate\n");
    expect_logs(LOGS(TAIL(2)), "late\nafter the mark\n");
    expect_logs(LOGS(TAIL(0)), "");
    unsigned calls = log_rig.calls;
    log_rig.page_size = 100;
    log_rig.mark_delay_ms = 0;
    expect_logs(LOGS(.until = LONG_AGO), ""); /* settled: neither mark nor waiting */
    assert_int_equal(log_rig.calls - calls, 1);
}

TEST_USING(log_rig, running_without_link)
{
    log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    for (int i = 0; i < 8; i++)
        log_rig_add("run", AT(i), 0, "%d", i);
    log_rig_add("run", time_now_ns(), PATIENCE_MS, "much later");
    expect_logs(LOGS(), "0\n1\n2\n3\n4\n5\n6\n7\n");
    expect_logs(LOGS(TAIL(3)), "5\n6\n7\n");
}

static void follow(bool together)
{
    fake_driver.caps->log_batch_is_one = together;
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    fake_driver.caps->log_grace_ms = PATIENCE_MS * 2;
    struct rig_client a, b;
    log_rig_add("run", time_now_ns(), 0, "0");
    logs_open(&a, LOGS(.follow = true));
    logs_open(&b, LOGS(.follow = true));
    run_until(log_hub_followers(rig.backend.log_hub) == 2);
    assert_int_equal(c->log_readers, 2);
    for (int i = 1; i < 10; i++) {
        size_t had = b.both.len;
        log_rig_add("run", time_now_ns(), 5, "%d", i);
        run_until(a.both.len > had && b.both.len > had);
    }
    unsigned calls = log_rig.calls, queries = log_rig.queries;
    run_until(log_rig.calls - calls >= 3);
    assert_int_equal(log_rig.calls - calls, log_rig.queries - queries); /* two share one query */
    c->view->state = SOCKERLESS__CONTAINER_STATE__EXITED;
    c->run_finished_at = time_now_ns();
    log_rig_add("run", time_now_ns(), 100, "last");
    log_rig_add("run", time_now_ns(), 200, "\001x0");
    run_until(a.closed && b.closed);
    assert_string_equal(a.both.data, "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\nlast\n");
    assert_string_equal(b.both.data, a.both.data);
    assert_true(a.ended && b.ended);
    rig_client_free(&a);
    rig_client_free(&b);
    calls = log_rig.calls;
    backend_rig_run_for(150);
    assert_int_equal(log_rig.calls, calls); /* nobody follows, nobody asks */
}

TEST_USING(log_rig, follow)
{
    follow(false);
}

/* What was written before is asked for by the hub, too. */
TEST_USING(log_rig, follow_together)
{
    follow(true);
}

/* ---- turns ---- */

enum { TURNS = 40, FOLLOWERS = 4 };

static struct turns {
    struct workload
        workloads[FOLLOWERS]; /* "A", "B": never read to the end; "c", "d": at the end */
    struct log_follower followers[FOLLOWERS];
    char calls[TURNS][8]; /* which were asked for together */
    size_t count;
} turns;

static int co_turn_pages(const struct log_query *queries, size_t count, struct log_page *pages,
                         struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *ref = queries[i].workload->log_ref;
        bool flood = ref[0] < 'a';
        if (turns.count < TURNS)
            strcat(turns.calls[turns.count], ref);
        pages[i].at_end = !flood;
        pages[i].count = flood ? 500 : 0;
        pages[i].events =
            arena_calloc(&pages[i].arena, pages[i].count + 1, sizeof *pages[i].events);
    }
    turns.count += turns.count < TURNS;
    return co_sleep(1, err);
}

static bool turn_ready(void *owner)
{
    (void)owner;
    return true;
}

static void turn_page(void *owner, const struct log_page *page, int64_t asked_ms)
{
    (void)owner;
    (void)page;
    (void)asked_ms;
}

/* Who is far behind is asked for alone, in turn; all others together after each of these. */
TEST_USING(log_rig, followers_take_turns)
{
    static const struct log_follower_events events = {.ready = turn_ready, .page = turn_page};
    static const char *const wanted[] = {"A", "cd", "B", "cd"};
    struct error err;
    turns = (struct turns){.count = 0};
    fake_driver.co_log_pages = co_turn_pages;
    fake_driver.caps->log_poll_interval_ms = 0; /* always due */
    for (int i = 0; i < FOLLOWERS; i++) {
        turns.workloads[i].log_ref[0] = "ABcd"[i];
        turns.followers[i] =
            (struct log_follower){.workload = &turns.workloads[i], .events = &events};
        assert_int_equal(log_hub_join(rig.backend.log_hub, &turns.followers[i], NULL, &err), 0);
    }
    run_until(turns.count == TURNS);
    size_t first = 2; /* until then it is not known who is behind */
    while (first < 8 && strcmp(turns.calls[first], "A") != 0)
        first++;
    for (size_t i = first; i < TURNS; i++)
        assert_string_equal(turns.calls[i], wanted[(i - first) % ARRAY_LEN(wanted)]);
    for (int i = 0; i < FOLLOWERS; i++)
        log_hub_leave(&turns.followers[i]);
}

TEST_USING(log_rig, follow_ends_at_grace)
{
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    fake_driver.caps->log_grace_ms = 200;
    struct rig_client a;
    logs_open(&a, LOGS(.follow = true));
    run_until(log_hub_followers(rig.backend.log_hub) == 1);
    c->removed = true; /* killed and taken away, no exit record */
    log_rig_add("run", time_now_ns(), 100, "last words");
    run_until(a.closed);
    assert_true(a.ended);
    assert_string_equal(a.both.data, "last words\n");
    rig_client_free(&a);
    c->removed = false;
}

TEST_USING(log_rig, follow_client_gone)
{
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    struct rig_client a, b;
    logs_open(&a, LOGS(.follow = true));
    logs_open(&b, LOGS(.follow = true));
    run_until(log_hub_followers(rig.backend.log_hub) == 2);
    rig_client_free(&a);
    run_until(log_hub_followers(rig.backend.log_hub) == 1 && c->log_readers == 1);
    rig_client_free(&b);
    run_until(log_hub_followers(rig.backend.log_hub) == 0 && c->log_readers == 0);
}

/* The end of a daemon: everything waiting is cancelled before the followers' channels are closed.
 */
TEST_USING(log_rig, follow_cancelled)
{
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    struct rig_client a;
    logs_open(&a, LOGS(.follow = true));
    run_until(log_hub_followers(rig.backend.log_hub) == 1);
    unsigned calls = log_rig.calls;
    channel_abort_all(&rig.loop);
    co_cancel_all(&rig.loop);
    run_until(co_live(&rig.loop) == 0);
    assert_true(log_rig.calls - calls <= 1);
    rig_client_free(&a);
    run_until(c->log_readers == 0);
}

TEST_USING(log_rig, history_client_gone)
{
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, time_now_ns());
    fake_driver.caps->log_grace_ms = PATIENCE_MS * 2;
    struct rig_client a;
    logs_open(&a, LOGS());
    run_until(log_rig.calls > 2);
    rig_client_free(&a);
    run_until(c->log_readers == 0);
}

TEST_USING(log_rig, follow_tail)
{
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    log_rig_connect_agent(c);
    log_rig.mark_delay_ms = 100;
    for (int i = 0; i < 20; i++)
        log_rig_add("run", time_now_ns(), 0, "%d", i);
    AUTO(rig_client) struct rig_client a, b;
    logs_open(&a, LOGS(.follow = true, TAIL(2)));
    run_until(a.both.len && strcmp(a.both.data, "18\n19\nafter the mark\n") == 0);
    logs_open(&b, LOGS(.follow = true, TAIL(0)));
    run_until(b.both.len && strcmp(b.both.data, "after the mark\n") == 0);
    log_rig_add("run", time_now_ns(), 0, "new");
    log_rig_add("run", time_now_ns(), 0, "\001x0");
    run_until(a.closed && b.closed);
    assert_string_equal(a.both.data, "18\n19\nafter the mark\nafter the mark\nnew\n");
    assert_string_equal(b.both.data, "after the mark\nnew\n");
}

TEST_USING(log_rig, follow_until)
{
    log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    fake_driver.caps->log_grace_ms = 150;
    int64_t until = time_now_ns() + 200 * (int64_t)MS;
    struct rig_client a;
    logs_open(&a, LOGS(.follow = true, .until = until));
    run_until(log_hub_followers(rig.backend.log_hub) == 1);
    log_rig_add("run", until, 300, "in time");
    run_until(a.closed);
    assert_true(a.ended && time_now_ns() > until);
    assert_string_equal(a.both.data, "in time\n");
    rig_client_free(&a);
    expect_logs(LOGS(.follow = true, .until = AT(0)), "");
}

/* A client that does not read holds neither memory nor its neighbours. */
TEST_USING(log_rig, backpressure)
{
    enum { LINES = 100000 };
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, AT(1));
    log_rig.page_size = 5000;
    for (int i = 0; i < LINES; i++)
        log_rig_add("run", AT(i), 0, "%s%d some words to make a line of it, %d",
                    i % 3 ? "" : "\001e", i, i);
    log_rig_add("run", AT(LINES), 0, "\001x0");
    struct rig_client slow, quick;
    logs_open(&slow, LOGS());
    channel_pause(slow.channel);
    logs_open(&quick, LOGS());
    run_until(quick.closed);
    run_until(c->log_readers == 1);
    assert_true(log_rig.calls < 2 * 20); /* the slow one was not read ahead for */
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
    rig_client_free(&slow);
    rig_client_free(&quick);
    logs_open(&quick, LOGS(TAIL(70000)));
    run_until(quick.closed);
    assert_int_equal(quick.frames, 70000);
    assert_int_equal(strtol(quick.both.data, NULL, 10), 30000);
    rig_client_free(&quick);
}

static void expect_failure(struct logs open, Sockerless__ErrorCode code, const char *message)
{
    AUTO(rig_client) struct rig_client c;
    logs_open(&c, open);
    run_until(c.closed);
    assert_true(c.failed && !c.opened);
    assert_int_equal(c.err.code, code);
    assert_string_equal(c.err.message, message);
}

TEST_USING(log_rig, failures)
{
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    expect_failure(LOGS(.ref = "nope"), SOCKERLESS__ERROR_CODE__NOT_FOUND,
                   "No such container: nope");
    expect_failure(LOGS(.no_stdout = true, .no_stderr = true),
                   SOCKERLESS__ERROR_CODE__INVALID_PARAMETER,
                   "Bad parameters: you must choose at least one stream");
    expect_failure(LOGS(.ref = "nope", .no_stdout = true, .no_stderr = true), /* comes first */
                   SOCKERLESS__ERROR_CODE__INVALID_PARAMETER,
                   "Bad parameters: you must choose at least one stream");
    log_rig.fail_code = ERROR_FORBIDDEN;
    log_rig.fail_calls = 1;
    expect_failure(LOGS(), SOCKERLESS__ERROR_CODE__FORBIDDEN,
                   "read the log: the log service is out");
    struct rig_client a;
    logs_open(&a, LOGS(.follow = true));
    run_until(log_hub_followers(rig.backend.log_hub) == 1);
    log_rig.fail_code = ERROR_UNAVAILABLE;
    log_rig.fail_calls = 3; /* is survived */
    log_rig_add("run", time_now_ns(), 0, "still there");
    run_until(a.both.len > 0);
    log_rig.fail_calls = 1000;
    run_until(a.closed);
    run_until(c->log_readers == 0);
    assert_true(a.failed);
    rig_client_free(&a);
    log_rig.fail_calls = 0;
}

/* The agent has said that it wrote the last record: it is waited for beyond the grace time. */
TEST_USING(log_rig, late_end_that_was_reported)
{
    fake_driver.caps->log_grace_ms = 50;
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, time_now_ns());
    c->exit_reported = true;
    log_rig_add("run", time_now_ns(), 400, "late");
    log_rig_add("run", time_now_ns(), 500, "\001x7");
    AUTO(rig_client) struct rig_client tail;
    logs_open(&tail, LOGS(TAIL(1)));
    expect_logs(LOGS(), "late\n");
    expect_logs(LOGS(.follow = true), "late\n");
    run_until(tail.closed);
    assert_string_equal(tail.both.data, "late\n");
}

/* So is a mark that it has written. */
TEST_USING(log_rig, late_mark)
{
    fake_driver.caps->log_grace_ms = 50;
    struct container *c = log_rig_container(SOCKERLESS__CONTAINER_STATE__RUNNING, 0);
    log_rig_connect_agent(c);
    log_rig.mark_delay_ms = 500;
    log_rig_add("run", time_now_ns(), 400, "late");
    expect_logs(LOGS(), "late\n");
}

/* The exit record came before others, which it counts. */
TEST_USING(log_rig, entries_behind_the_exit_record)
{
    log_rig_container(SOCKERLESS__CONTAINER_STATE__EXITED, time_now_ns());
    log_rig_add("run", time_now_ns(), 0, "one");
    log_rig_add("run", time_now_ns(), 0, "\001x7 4");
    log_rig_add("run", time_now_ns(), 200, "two");
    log_rig_add("run", time_now_ns(), 300, "three");
    expect_logs(LOGS(), "one\ntwo\nthree\n");
    log_rig_cut_after("run", "\001x7 4");
    log_rig_add("run", time_now_ns(), 300, "two");
    log_rig_add("run", time_now_ns(), 400, "three");
    expect_logs(LOGS(.follow = true), "one\ntwo\nthree\n");
}
