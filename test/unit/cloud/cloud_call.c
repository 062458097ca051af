/* SPDX-License-Identifier: Apache-2.0
 *
 * The call loop under every cloud's client: what is repeated and what is not, how long it pauses,
 * what the deadline ends, and what the caller learns.
 */
#include "base/log.h"
#include "test/kit/call_rig.h"
#include "test/kit/test.h"

static struct call_rig *const rig = &call_rig;
static struct token_bucket bucket;

/* ---- what is repeated ---- */

TEST_USING(call_rig, an_answer_is_taken)
{
    call_rig_rule(201, "{}", NULL, 0);
    call_rig_run_ok(1);
    assert_int_equal(harness_seen(rig->h, "Authorization: Bearer secret-1"), 1);
    assert_int_equal(rig->why.http, 201);
}

TEST_USING(call_rig, a_lost_answer_is_asked_for_again)
{
    call_rig_rule(0, NULL, NULL, 2);
    call_rig_rule(200, "", NULL, 0);
    call_rig_run_ok(3);
    assert_int_equal(rig->authorised, 3);
}

TEST_USING(call_rig, failures_are_repeated_so_many_times)
{
    call_rig_rule(500, "oops", "x-request-id: r-7\r\n", 0);
    call_rig_run_error(ERROR_UNAVAILABLE, "svc: get thing: Code500: oops (request id r-7)",
                       ATTEMPTS);
    assert_true(rig->why.ambiguous);
    assert_int_equal(rig->why.http, 500);
}

TEST_USING(call_rig, throttling_is_repeated_so_many_times)
{
    rig->call.repeatable = false; /* it was not carried out */
    call_rig_rule(429, "slow down", NULL, 0);
    call_rig_run_error(ERROR_UNAVAILABLE, "Code429: slow down", THROTTLED_ATTEMPTS);
    assert_false(rig->why.ambiguous);
}

TEST_USING(call_rig, a_refusal_is_final)
{
    call_rig_rule(404, "no such thing", "x-request-id: r-9\r\n", 0);
    call_rig_run_error(ERROR_NOT_FOUND,
                       "svc: get thing: Code404: no such thing; create it (request id r-9)", 1);
    assert_true(cloud_error_is(&rig->why, "Code404"));
    assert_false(rig->why.ambiguous);
    rig->call.service = NULL;
    call_rig_run_error(ERROR_NOT_FOUND, "get thing: Code404", 2);
    assert_true(str_starts(rig->err.message, "get thing: "));
}

TEST_USING(call_rig, an_answer_that_cannot_be_read_is_final)
{
    rig->unusable = "not a thing";
    call_rig_rule(200, "?", NULL, 0);
    call_rig_run_error(ERROR_SYSTEM, "svc: get thing: not a thing", 1);
    assert_true(rig->why.ambiguous);
}

/* ---- what must not be carried out twice ---- */

TEST_USING(call_rig, not_repeatable_and_lost)
{
    rig->call.repeatable = false;
    call_rig_rule(0, NULL, NULL, 0);
    call_rig_run_error(ERROR_UNAVAILABLE, "svc: get thing: ", 1);
    assert_true(rig->why.ambiguous);
    assert_int_equal(rig->why.http, 0);
}

TEST_USING(call_rig, not_repeatable_and_failed)
{
    rig->call.repeatable = false;
    call_rig_rule(503, "away", NULL, 1);
    call_rig_rule(200, "", NULL, 0);
    call_rig_run_error(ERROR_UNAVAILABLE, "Code503: away", 1);
    assert_true(rig->why.ambiguous);
}

TEST_USING(call_rig, not_repeatable_and_turned_away)
{
    rig->call.repeatable = false;
    call_rig_rule(503, "away", "Retry-After: 0\r\n", 1);
    call_rig_rule(409, "locked", NULL, 1);
    call_rig_rule(429, "slow down", NULL, 1);
    call_rig_rule(200, "", NULL, 0);
    call_rig_run_ok(4);
}

/* A port that nobody listens at. */
static int refusing_port(int *fd)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof addr;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*fd, (struct sockaddr *)&addr, size), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *)&addr, &size), 0);
    return ntohs(addr.sin_port);
}

TEST_USING(call_rig, not_repeatable_and_never_sent)
{
    int fd;
    rig->call.repeatable = false;
    snprintf(rig->first_url, sizeof rig->first_url, "http://127.0.0.1:%d", refusing_port(&fd));
    call_rig_rule(200, "", NULL, 0);
    call_rig_run_ok(1);
    assert_int_equal(rig->authorised, 2);
    strcpy(rig->h->url, rig->first_url);
    rig->authorised = 0;
    call_rig_run_error(ERROR_UNAVAILABLE, "connection refused", 1);
    assert_int_equal(rig->authorised, ATTEMPTS);
    assert_false(rig->why.ambiguous);
    close(fd);
}

TEST_USING(call_rig, an_early_attempt_may_have_been_carried_out)
{
    call_rig_rule(0, NULL, NULL, 1);
    call_rig_rule(404, "gone", NULL, 0);
    call_rig_run_error(ERROR_NOT_FOUND, "gone", 2);
    assert_true(rig->why.ambiguous);
}

TEST_USING(call_rig, where_nobody_may_be)
{
    rig->call.answered_only = true;
    call_rig_rule(0, NULL, NULL, 1);
    call_rig_rule(500, "", NULL, 1);
    call_rig_rule(200, "", NULL, 0);
    call_rig_run_error(ERROR_UNAVAILABLE, "svc: get thing: ", 1);
    call_rig_run_ok(3); /* somebody is there */
}

/* ---- credentials ---- */

TEST_USING(call_rig, refused_credentials_are_renewed_once)
{
    rig->call.repeatable = false;
    harness_rule(rig->h, "Bearer secret-1", 401, "expired", 0);
    harness_rule(rig->h, "Bearer secret-2", 200, "", 1);
    harness_rule(rig->h, "Bearer secret-2", 401, "still not", 0);
    harness_rule(rig->h, "Bearer secret-3", 401, "never", 0);
    call_rig_run_ok(2);
    assert_int_equal(rig->renewed, 1);
    call_rig_run_error(ERROR_FORBIDDEN, "Code401: never", 4); /* secret-2, then secret-3 */
    assert_int_equal(rig->renewed, 2);
    assert_false(rig->why.ambiguous);
}

TEST_USING(call_rig, credentials_that_cannot_be_renewed)
{
    rig->vendor.renew = NULL;
    call_rig_rule(401, "expired", NULL, 0);
    call_rig_run_error(ERROR_FORBIDDEN, "Code401: expired", 1);
}

TEST_USING(call_rig, no_credentials_at_all)
{
    rig->no_credentials = "looked everywhere";
    call_rig_run_error(ERROR_FORBIDDEN, "svc: get thing: looked everywhere", 0);
    assert_int_equal(rig->authorised, 1);
    assert_false(rig->why.ambiguous);
}

/* ---- pauses ---- */

TEST_USING(call_rig, retry_after_in_seconds)
{
    call_rig_rule(429, "", "Retry-After: 1\r\n",
                  1); /* longer than the cap of what nobody asked for */
    call_rig_rule(200, "", NULL, 0);
    call_rig_run_ok(2);
    assert_in_range(rig->took_ms, 1000, 10000);
}

TEST_USING(call_rig, retry_after_as_a_date)
{
    static char header[80];
    time_t then = time(NULL) + 2; /* one to two seconds from now */
    struct tm tm;
    gmtime_r(&then, &tm);
    strftime(header, sizeof header, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    call_rig_rule(503, "", header, 1);
    call_rig_rule(200, "", NULL, 0);
    call_rig_run_ok(2);
    assert_in_range(time(NULL), then, then + 10);
}

TEST_USING(call_rig, retry_after_the_deadline)
{
    call_rig_rule(429, "come back tomorrow", "Retry-After: 3600\r\n", 0);
    call_rig_run_error(ERROR_UNAVAILABLE, "Code429: come back tomorrow", 1);
    assert_in_range(rig->took_ms, 0, 10000);
}

/* What the log says of each pause, in its order. */
struct pauses {
    int64_t wait_ms[16];
    int count, info_lines;
};

static struct pauses logged_pauses(void)
{
    struct pauses found = {0};
    char line[4096];
    FILE *file = tmpfile();
    int stderr_copy = dup(2);
    dup2(fileno(file), 2);
    log_open("test", LOG_DEBUG);
    call_rig_run();
    log_open("test", LOG_ERROR);
    dup2(stderr_copy, 2);
    close(stderr_copy);
    rewind(file);
    while (fgets(line, sizeof line, file)) {
        const char *wait = strstr(line, "\"wait_ms\":");
        if (!wait || found.count == (int)ARRAY_LEN(found.wait_ms))
            continue;
        found.wait_ms[found.count++] = strtoll(wait + strlen("\"wait_ms\":"), NULL, 10);
        found.info_lines += strstr(line, "\"level\":\"info\"") != NULL;
        assert_non_null(strstr(line, "svc: get thing: Code"));
        assert_null(strstr(line, "secret-"));
    }
    fclose(file);
    return found;
}

static void check_pauses(const struct pauses *pauses, int count, int64_t base_ms)
{
    assert_int_equal(pauses->count, count);
    assert_int_equal(pauses->info_lines, 1);
    for (int i = 0; i < count; i++) {
        int64_t most = base_ms << i < CAP_MS ? base_ms << i : CAP_MS;
        assert_in_range(pauses->wait_ms[i], 1, most);
    }
}

TEST_USING(call_rig, pauses_grow_with_full_jitter)
{
    int differ = 0;
    struct pauses first = {0};
    call_rig_rule(429, "slow down", NULL, 0);
    for (int i = 0; i < 5; i++) {
        struct pauses pauses = logged_pauses();
        check_pauses(&pauses, THROTTLED_ATTEMPTS - 1, THROTTLED_BASE_MS);
        if (i == 0)
            first = pauses;
        differ += memcmp(&first, &pauses, sizeof first) != 0;
    }
    assert_int_equal(differ, 4); /* chance of an accident: below 1e-9 */
}

TEST_USING(call_rig, failures_pause_by_their_own_base)
{
    call_rig_rule(500, "oops", NULL, 0);
    for (int i = 0; i < 20; i++) {
        struct pauses pauses = logged_pauses();
        check_pauses(&pauses, ATTEMPTS - 1, BASE_MS);
    }
}

/* ---- the deadline ---- */

TEST_USING(call_rig, the_deadline_ends_repetitions)
{
    rig->vendor.policy.total_ms = 300;
    rig->vendor.policy.throttled_attempts = 1000000;
    call_rig_rule(429, "slow down", NULL, 0);
    call_rig_run();
    assert_int_equal(rig->result, -1);
    assert_non_null(strstr(rig->err.message, "svc: get thing: Code429: slow down"));
    assert_in_range(rig->took_ms, 200, 300 + 2000);
    assert_in_range(rig->refusals, 2, 300);
}

static bool silent(void *arg, struct mock_request *m)
{
    (void)arg;
    return mock_stall(m);
}

TEST_USING(call_rig, the_deadline_ends_an_attempt)
{
    struct mock *mock = mock_start(silent, NULL);
    rig->call.deadline_ms = time_mono_ms() + 250;
    snprintf(rig->h->url, sizeof rig->h->url, "http://127.0.0.1:%d", mock->port);
    call_rig_run();
    assert_int_equal(rig->result, -1);
    assert_int_equal(rig->err.code, ERROR_DEADLINE);
    assert_true(rig->why.ambiguous);
    assert_in_range(rig->took_ms, 200, 250 + 5000);
    assert_int_equal(rig->authorised, 1);
    mock_stop(mock);
}

static bool silent_after_a_refusal(void *arg, struct mock_request *m)
{
    int *answers = arg;
    if ((*answers)++)
        mock_stall(m);
    return *answers == 1 && mock_text(m, 429, "", "slow down");
}

TEST_USING(call_rig, the_deadline_leaves_the_services_words)
{
    int answers = 0;
    struct mock *mock = mock_start(silent_after_a_refusal, &answers);
    rig->vendor.policy.total_ms = 1000;
    snprintf(rig->h->url, sizeof rig->h->url, "http://127.0.0.1:%d", mock->port);
    call_rig_run_error(ERROR_UNAVAILABLE, "svc: get thing: Code429: slow down", 0);
    mock_stop(mock);
    assert_int_equal(rig->why.http, 429);
    assert_true(rig->why.ambiguous); /* the second attempt was sent */
    assert_int_equal(rig->authorised, 2);
    assert_in_range(rig->took_ms, 900, 1000 + 5000);
}

TEST_USING(call_rig, a_cancelled_pause_ends_the_call)
{
    rig->cancel_at_refusal = true;
    call_rig_rule(429, "", "Retry-After: 30\r\n", 0);
    call_rig_run_error(ERROR_CANCELLED, "", 1);
    assert_in_range(rig->took_ms, 0, 10000);
}

/* ---- pacing ---- */

enum { CALLERS = 8 };
static int next_caller;

static void co_numbered(struct harness *h)
{
    char path[16];
    struct cloud_call mine = rig->call;
    struct cloud_error e;
    struct error err;
    (void)h;
    snprintf(path, sizeof path, "thing/%d", next_caller++);
    mine.arg = path;
    rig->result |= co_cloud_call(&mine, &e, &err);
}

TEST_USING(call_rig, calls_go_out_in_their_order_and_not_faster)
{
    char expected[16];
    int64_t began_ms = time_mono_ms();
    token_bucket_init(&bucket, 50, 1, began_ms);
    rig->call.bucket = &bucket;
    next_caller = rig->result = 0;
    call_rig_rule(200, "", NULL, 0);
    harness_run_many(rig->h, co_numbered, CALLERS);
    assert_int_equal(rig->result, 0);
    assert_true(time_mono_ms() - began_ms >= (CALLERS - 1) * 1000 / 50);
    assert_int_equal(rig->h->seen_count, CALLERS);
    for (int i = 0; i < CALLERS; i++) {
        snprintf(expected, sizeof expected, "thing/%d", i);
        assert_string_equal(rig->sent[i], expected);
    }
}

TEST_USING(call_rig, a_queue_that_is_too_long)
{
    token_bucket_init(&bucket, 0.001, 1, time_mono_ms());
    rig->call.bucket = &bucket;
    call_rig_rule(200, "", NULL, 0);
    call_rig_run_ok(1);
    call_rig_run_error(ERROR_UNAVAILABLE, "svc: get thing: too many calls are waiting", 1);
    assert_int_equal(rig->authorised, 1);
}

TEST_USING(call_rig, after_throttling_the_queue_is_as_long_as_without_tokens)
{
    token_bucket_init(&bucket, 0.001, 100, time_mono_ms());
    rig->call.bucket = &bucket;
    call_rig_rule(409, "locked", NULL, 1);
    call_rig_rule(429, "slow down", NULL, 0);
    call_rig_run_error(ERROR_UNAVAILABLE, "svc: get thing: Code429: slow down",
                       2); /* what is locked leaves the tokens; throttling takes them away */
    assert_false(token_bucket_has_spare(&bucket, time_mono_ms()));
}
