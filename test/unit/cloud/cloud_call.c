/* SPDX-License-Identifier: Apache-2.0
 *
 * The call loop under every cloud's client, with a vendor made up for the test and a scripted
 * server: what is repeated and what is not, how long it pauses, what the deadline ends, and what
 * the caller learns.
 */
#include "cloud/cloud_call.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "loop/co.h"
#include "test/kit/cloud_harness.h"
#include "test/kit/test.h"

enum { ATTEMPTS = 4, THROTTLED_ATTEMPTS = 8, BASE_MS = 8, THROTTLED_BASE_MS = 16, CAP_MS = 40 };

static struct harness *harness;
static struct cloud_vendor vendor;
static struct cloud_call call;
static struct token_bucket bucket;
static struct cloud_error why;
static struct error problem;
static int result, authorised, renewed, taken, refusals;
static unsigned generation;
static bool cancel_at_refusal;
static const char *unusable; /* what co_take says */
static const char *no_credentials;
static char first_url[64]; /* of the first attempt; "": the server's */
static int64_t took_ms;

static char sent[32][16]; /* what was asked for, in the order of the attempts */

static int co_authorise(void *arg, struct cloud_attempt *attempt, struct error *err)
{
    bool elsewhere = *first_url && authorised == 0;
    if (authorised < (int)ARRAY_LEN(sent))
        snprintf(sent[authorised], sizeof sent[0], "%s", (const char *)arg);
    authorised++;
    if (no_credentials)
        return error_set(err, ERROR_FORBIDDEN, "%s", no_credentials);
    attempt->generation = generation;
    attempt->request.method = "POST";
    attempt->request.url = cloud_attempt_keep(
        attempt, xasprintf("%s/%s", elsewhere ? first_url : harness->url, (const char *)arg));
    cloud_attempt_header(attempt, xasprintf("Authorization: Bearer secret-%u", generation));
    return 0;
}

static void renew(void *arg, unsigned refused)
{
    (void)arg;
    assert_int_equal(refused, generation);
    renewed++;
    generation++;
}

static void refusal(void *arg, struct http_response *res, struct cloud_error *e)
{
    long http = res->status;
    (void)arg;
    refusals++;
    e->verdict = http == 429   ? CLOUD_THROTTLED
                 : http == 409 ? CLOUD_BUSY
                 : http == 401 ? CLOUD_EXPIRED
                 : http >= 500 ? CLOUD_FAILED
                               : CLOUD_REFUSED;
    e->error = http == 404 ? ERROR_NOT_FOUND : http == 401 ? ERROR_FORBIDDEN : ERROR_UNAVAILABLE;
    e->hint = http == 404 ? "create it" : NULL;
    snprintf(e->code, sizeof e->code, "Code%ld", http);
    cloud_error_copy(e->message, sizeof e->message, res->body.data);
    cloud_error_copy(e->request_id, sizeof e->request_id,
                     http_response_header(res, "x-request-id"));
    if (cancel_at_refusal)
        co_cancel(co_current());
}

static int co_take(void *arg, struct http_response *res, struct error *err)
{
    (void)arg;
    taken++;
    assert_in_range(res->status, 200, 299);
    return unusable ? error_set(err, ERROR_SYSTEM, "%s", unusable) : 0;
}

static int setup(void **state)
{
    if (harness_setup(state))
        return -1;
    harness = *state;
    vendor = (struct cloud_vendor){.name = "Test",
                                   .policy = {.attempts = ATTEMPTS,
                                              .throttled_attempts = THROTTLED_ATTEMPTS,
                                              .base_ms = BASE_MS,
                                              .throttled_base_ms = THROTTLED_BASE_MS,
                                              .cap_ms = CAP_MS,
                                              .attempt_ms = 20000,
                                              .total_ms = 60000},
                                   .co_authorise = co_authorise,
                                   .renew = renew,
                                   .refusal = refusal,
                                   .co_take = co_take};
    call = (struct cloud_call){.vendor = &vendor,
                               .arg = "thing",
                               .http = harness->http,
                               .service = "svc",
                               .what = "get thing",
                               .repeatable = true};
    authorised = renewed = taken = refusals = 0;
    generation = 1;
    cancel_at_refusal = false;
    unusable = no_credentials = NULL;
    *first_url = '\0';
    problem = (struct error){0};
    return 0;
}

static void co_once(struct harness *h)
{
    int64_t began_ms = time_mono_ms();
    (void)h;
    result = co_cloud_call(&call, &why, &problem);
    took_ms = time_mono_ms() - began_ms;
}

static void rule(int status, const char *body, const char *headers, int times)
{
    harness_rule(harness, "POST /thing", status, body, times);
    harness->rules[harness->rule_count - 1].headers = headers;
}

static void run(void)
{
    harness_run(harness, co_once);
}

static void expect_success(int requests)
{
    if (result)
        fail_msg("%s", problem.message);
    assert_int_equal(taken, 1);
    assert_int_equal(harness_seen(harness, "POST /thing"), requests);
}

static void expect_problem(enum error_code code, const char *message, int requests)
{
    assert_int_equal(result, -1);
    if (problem.code != code || !strstr(problem.message, message))
        fail_msg("%s: %s", error_code_name(problem.code), problem.message);
    assert_int_equal(harness_seen(harness, "POST /thing"), requests);
}

/* ---- what is repeated ---- */

TEST_CASE(an_answer_is_taken, setup, harness_teardown)
{
    rule(201, "{}", NULL, 0);
    run();
    expect_success(1);
    assert_int_equal(harness_seen(harness, "Authorization: Bearer secret-1"), 1);
    assert_int_equal(why.http, 201);
}

TEST_CASE(a_lost_answer_is_asked_for_again, setup, harness_teardown)
{
    rule(0, NULL, NULL, 2);
    rule(200, "", NULL, 0);
    run();
    expect_success(3);
    assert_int_equal(authorised, 3);
}

TEST_CASE(failures_are_repeated_so_many_times, setup, harness_teardown)
{
    rule(500, "oops", "x-request-id: r-7\r\n", 0);
    run();
    expect_problem(ERROR_UNAVAILABLE, "svc: get thing: Code500: oops (request id r-7)", ATTEMPTS);
    assert_true(why.ambiguous);
    assert_int_equal(why.http, 500);
}

TEST_CASE(throttling_is_repeated_so_many_times, setup, harness_teardown)
{
    call.repeatable = false; /* it was not carried out */
    rule(429, "slow down", NULL, 0);
    run();
    expect_problem(ERROR_UNAVAILABLE, "Code429: slow down", THROTTLED_ATTEMPTS);
    assert_false(why.ambiguous);
}

TEST_CASE(a_refusal_is_final, setup, harness_teardown)
{
    rule(404, "no such thing", "x-request-id: r-9\r\n", 0);
    run();
    expect_problem(ERROR_NOT_FOUND,
                   "svc: get thing: Code404: no such thing; create it (request id r-9)", 1);
    assert_true(cloud_error_is(&why, "Code404"));
    assert_false(why.ambiguous);
    call.service = NULL;
    run();
    expect_problem(ERROR_NOT_FOUND, "get thing: Code404", 2);
    assert_true(str_starts(problem.message, "get thing: "));
}

TEST_CASE(an_answer_that_cannot_be_read_is_final, setup, harness_teardown)
{
    unusable = "not a thing";
    rule(200, "?", NULL, 0);
    run();
    expect_problem(ERROR_SYSTEM, "svc: get thing: not a thing", 1);
    assert_true(why.ambiguous);
}

/* ---- what must not be carried out twice ---- */

TEST_CASE(not_repeatable_and_lost, setup, harness_teardown)
{
    call.repeatable = false;
    rule(0, NULL, NULL, 0);
    run();
    expect_problem(ERROR_UNAVAILABLE, "svc: get thing: ", 1);
    assert_true(why.ambiguous);
    assert_int_equal(why.http, 0);
}

TEST_CASE(not_repeatable_and_failed, setup, harness_teardown)
{
    call.repeatable = false;
    rule(503, "away", NULL, 1);
    rule(200, "", NULL, 0);
    run();
    expect_problem(ERROR_UNAVAILABLE, "Code503: away", 1);
    assert_true(why.ambiguous);
}

TEST_CASE(not_repeatable_and_turned_away, setup, harness_teardown)
{
    call.repeatable = false;
    rule(503, "away", "Retry-After: 0\r\n", 1);
    rule(409, "locked", NULL, 1);
    rule(429, "slow down", NULL, 1);
    rule(200, "", NULL, 0);
    run();
    expect_success(4);
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

TEST_CASE(not_repeatable_and_never_sent, setup, harness_teardown)
{
    int fd;
    call.repeatable = false;
    snprintf(first_url, sizeof first_url, "http://127.0.0.1:%d", refusing_port(&fd));
    rule(200, "", NULL, 0);
    run();
    expect_success(1);
    assert_int_equal(authorised, 2);
    strcpy(harness->url, first_url);
    authorised = 0;
    run();
    expect_problem(ERROR_UNAVAILABLE, "connection refused", 1);
    assert_int_equal(authorised, ATTEMPTS);
    assert_false(why.ambiguous);
    close(fd);
}

TEST_CASE(an_early_attempt_may_have_been_carried_out, setup, harness_teardown)
{
    rule(0, NULL, NULL, 1);
    rule(404, "gone", NULL, 0);
    run();
    expect_problem(ERROR_NOT_FOUND, "gone", 2);
    assert_true(why.ambiguous);
}

TEST_CASE(where_nobody_may_be, setup, harness_teardown)
{
    call.answered_only = true;
    rule(0, NULL, NULL, 1);
    rule(500, "", NULL, 1);
    rule(200, "", NULL, 0);
    run();
    expect_problem(ERROR_UNAVAILABLE, "svc: get thing: ", 1);
    run(); /* somebody is there */
    expect_success(3);
}

/* ---- credentials ---- */

TEST_CASE(refused_credentials_are_renewed_once, setup, harness_teardown)
{
    call.repeatable = false;
    harness_rule(harness, "Bearer secret-1", 401, "expired", 0);
    harness_rule(harness, "Bearer secret-2", 200, "", 1);
    harness_rule(harness, "Bearer secret-2", 401, "still not", 0);
    harness_rule(harness, "Bearer secret-3", 401, "never", 0);
    run();
    expect_success(2);
    assert_int_equal(renewed, 1);
    run(); /* secret-2, then secret-3 */
    expect_problem(ERROR_FORBIDDEN, "Code401: never", 4);
    assert_int_equal(renewed, 2);
    assert_false(why.ambiguous);
}

TEST_CASE(credentials_that_cannot_be_renewed, setup, harness_teardown)
{
    vendor.renew = NULL;
    rule(401, "expired", NULL, 0);
    run();
    expect_problem(ERROR_FORBIDDEN, "Code401: expired", 1);
}

TEST_CASE(no_credentials_at_all, setup, harness_teardown)
{
    no_credentials = "looked everywhere";
    run();
    expect_problem(ERROR_FORBIDDEN, "svc: get thing: looked everywhere", 0);
    assert_int_equal(authorised, 1);
    assert_false(why.ambiguous);
}

/* ---- pauses ---- */

TEST_CASE(retry_after_in_seconds, setup, harness_teardown)
{
    rule(429, "", "Retry-After: 1\r\n", 1); /* longer than the cap of what nobody asked for */
    rule(200, "", NULL, 0);
    run();
    expect_success(2);
    assert_in_range(took_ms, 1000, 10000);
}

TEST_CASE(retry_after_as_a_date, setup, harness_teardown)
{
    static char header[80];
    time_t then = time(NULL) + 2; /* one to two seconds from now */
    struct tm tm;
    gmtime_r(&then, &tm);
    strftime(header, sizeof header, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    rule(503, "", header, 1);
    rule(200, "", NULL, 0);
    run();
    expect_success(2);
    assert_in_range(time(NULL), then, then + 10);
}

TEST_CASE(retry_after_the_deadline, setup, harness_teardown)
{
    rule(429, "come back tomorrow", "Retry-After: 3600\r\n", 0);
    run();
    expect_problem(ERROR_UNAVAILABLE, "Code429: come back tomorrow", 1);
    assert_in_range(took_ms, 0, 10000);
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
    run();
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

TEST_CASE(pauses_grow_with_full_jitter, setup, harness_teardown)
{
    int differ = 0;
    struct pauses first = {0};
    rule(429, "slow down", NULL, 0);
    for (int i = 0; i < 5; i++) {
        struct pauses pauses = logged_pauses();
        check_pauses(&pauses, THROTTLED_ATTEMPTS - 1, THROTTLED_BASE_MS);
        if (i == 0)
            first = pauses;
        differ += memcmp(&first, &pauses, sizeof first) != 0;
    }
    assert_int_equal(differ, 4); /* chance of an accident: below 1e-9 */
}

TEST_CASE(failures_pause_by_their_own_base, setup, harness_teardown)
{
    rule(500, "oops", NULL, 0);
    for (int i = 0; i < 20; i++) {
        struct pauses pauses = logged_pauses();
        check_pauses(&pauses, ATTEMPTS - 1, BASE_MS);
    }
}

/* ---- the deadline ---- */

TEST_CASE(the_deadline_ends_repetitions, setup, harness_teardown)
{
    vendor.policy.total_ms = 300;
    vendor.policy.throttled_attempts = 1000000;
    rule(429, "slow down", NULL, 0);
    run();
    assert_int_equal(result, -1);
    assert_non_null(strstr(problem.message, "svc: get thing: Code429: slow down"));
    assert_in_range(took_ms, 200, 300 + 2000);
    assert_in_range(refusals, 2, 300);
}

static bool silent(void *arg, struct mock_request *m)
{
    (void)arg;
    return mock_stall(m);
}

TEST_CASE(the_deadline_ends_an_attempt, setup, harness_teardown)
{
    struct mock *mock = mock_start(silent, NULL);
    call.deadline_ms = time_mono_ms() + 250;
    snprintf(harness->url, sizeof harness->url, "http://127.0.0.1:%d", mock->port);
    run();
    assert_int_equal(result, -1);
    assert_int_equal(problem.code, ERROR_DEADLINE);
    assert_true(why.ambiguous);
    assert_in_range(took_ms, 200, 250 + 5000);
    assert_int_equal(authorised, 1);
    mock_stop(mock);
}

static bool silent_after_a_refusal(void *arg, struct mock_request *m)
{
    int *answers = arg;
    if ((*answers)++)
        mock_stall(m);
    return *answers == 1 && mock_text(m, 429, "", "slow down");
}

TEST_CASE(the_deadline_leaves_the_services_words, setup, harness_teardown)
{
    int answers = 0;
    struct mock *mock = mock_start(silent_after_a_refusal, &answers);
    vendor.policy.total_ms = 1000;
    snprintf(harness->url, sizeof harness->url, "http://127.0.0.1:%d", mock->port);
    run();
    mock_stop(mock);
    expect_problem(ERROR_UNAVAILABLE, "svc: get thing: Code429: slow down", 0);
    assert_int_equal(why.http, 429);
    assert_true(why.ambiguous); /* the second attempt was sent */
    assert_int_equal(authorised, 2);
    assert_in_range(took_ms, 900, 1000 + 5000);
}

TEST_CASE(a_cancelled_pause_ends_the_call, setup, harness_teardown)
{
    cancel_at_refusal = true;
    rule(429, "", "Retry-After: 30\r\n", 0);
    run();
    expect_problem(ERROR_CANCELLED, "", 1);
    assert_in_range(took_ms, 0, 10000);
}

/* ---- pacing ---- */

enum { CALLERS = 8 };
static int next_caller;

static void co_numbered(struct harness *h)
{
    char path[16];
    struct cloud_call mine = call;
    struct cloud_error e;
    struct error err;
    (void)h;
    snprintf(path, sizeof path, "thing/%d", next_caller++);
    mine.arg = path;
    result |= co_cloud_call(&mine, &e, &err);
}

TEST_CASE(calls_go_out_in_their_order_and_not_faster, setup, harness_teardown)
{
    char expected[16];
    int64_t began_ms = time_mono_ms();
    token_bucket_init(&bucket, 50, 1, began_ms);
    call.bucket = &bucket;
    next_caller = result = 0;
    rule(200, "", NULL, 0);
    harness_run_many(harness, co_numbered, CALLERS);
    assert_int_equal(result, 0);
    assert_true(time_mono_ms() - began_ms >= (CALLERS - 1) * 1000 / 50);
    assert_int_equal(harness->seen_count, CALLERS);
    for (int i = 0; i < CALLERS; i++) {
        snprintf(expected, sizeof expected, "thing/%d", i);
        assert_string_equal(sent[i], expected);
    }
}

TEST_CASE(a_queue_that_is_too_long, setup, harness_teardown)
{
    token_bucket_init(&bucket, 0.001, 1, time_mono_ms());
    call.bucket = &bucket;
    rule(200, "", NULL, 0);
    run();
    expect_success(1);
    run();
    expect_problem(ERROR_UNAVAILABLE, "svc: get thing: too many calls are waiting", 1);
    assert_int_equal(authorised, 1);
}

TEST_CASE(after_throttling_the_queue_is_as_long_as_without_tokens, setup, harness_teardown)
{
    token_bucket_init(&bucket, 0.001, 100, time_mono_ms());
    call.bucket = &bucket;
    rule(409, "locked", NULL, 1);
    rule(429, "slow down", NULL, 0);
    run(); /* what is locked leaves the tokens; throttling takes them away */
    expect_problem(ERROR_UNAVAILABLE, "svc: get thing: Code429: slow down", 2);
    assert_false(token_bucket_has_spare(&bucket, time_mono_ms()));
}
