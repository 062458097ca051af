/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of Google's APIs against a scripted service: what is repeated and what is not, how long is
 * waited, when a token is renewed, and what the shapes of a refusal become.
 */
#include "cloud/gcp/gcp_client.h"

#include "base/log.h"
#include "base/timefmt.h"
#include "loop/http_url.h"
#include "test/kit/google_rig.h"
#include "test/kit/test.h"

#define REFUSED(code, status, text)                                                                \
    "{\"error\":{\"code\":" #code ",\"status\":\"" status "\",\"message\":\"" text "\"}}"

static struct gcp_credential_chain *credentials;
static struct gcp_client *client;
static struct gcp_call call;
static struct token_bucket bucket;
static struct buf body;
static json_t *reply;
static struct cloud_error why;
static struct error problem;
static int result;
static int64_t took_ms;
static char *key_path;

static void open_client(struct harness *h, int64_t timeout_ms)
{
    const struct gcp_client_options options = {.loop = &h->loop,
                                               .http = h->http,
                                               .credentials = credentials,
                                               .endpoint_url = h->url,
                                               .timeout_ms = timeout_ms};
    gcp_client_free(client);
    client = gcp_client_new(&options);
}

static int fixture_setup(void **state)
{
    if (harness_setup(state))
        return -1;
    struct harness *h = *state;
    key_path = google_rig_federate(h);
    harness_rule(h, "POST /token", 200, GOOGLE_TOKEN("ya29.one"), 1);
    harness_rule(h, "POST /token", 200, GOOGLE_TOKEN("ya29.two"), 0);
    credentials = gcp_credential_chain_new(h->http, NULL);
    client = NULL;
    open_client(h, 0);
    buf_puts(&body, "{\"a\":1}");
    call = (struct gcp_call){.service = "run",
                             .what = "get job",
                             .method = "GET",
                             .path = "v2/thing?x=%20y",
                             .repeatable = true};
    problem = (struct error){0};
    return 0;
}

static int fixture_teardown(void **state)
{
    gcp_client_free(client);
    gcp_credential_chain_free(credentials);
    json_decref(reply);
    reply = NULL;
    buf_free(&body);
    remove(key_path);
    free(key_path);
    return harness_teardown(state);
}

static void co_once(struct harness *h)
{
    int64_t began = time_mono_ms();
    (void)h;
    json_decref(reply);
    result = co_gcp_call(client, &call, &reply, &why, &problem);
    took_ms = time_mono_ms() - began;
}

static void call_ok(struct harness *h)
{
    harness_run(h, co_once);
    if (result)
        fail_msg("%s", problem.message);
    assert_true(json_is_object(reply));
}

static void call_error(struct harness *h, enum error_code code, const char *text)
{
    harness_run(h, co_once);
    assert_int_equal(result, -1);
    assert_null(reply);
    if (problem.code != code || !strstr(problem.message, text))
        fail_msg("%s: %s", error_code_name(problem.code), problem.message);
}

TEST_WITH(fixture, struct harness *h, the_request_as_it_is_sent)
{
    harness_rule(h, "GET /v2/thing?x=%20y", 200, "{\"b\":2}", 1);
    harness_rule(h, "POST /v2/thing?x=%20y", 200, "", 0);
    call_ok(h);
    assert_int_equal(json_integer_value(json_object_get(reply, "b")), 2);
    assert_int_equal(harness_seen(h, "Content-Type"), 1); /* the token's */
    call.method = "POST";
    call.body = &body;
    call_ok(h);
    assert_int_equal(json_object_size(reply), 0); /* an empty answer is an empty object */
    assert_int_equal(harness_seen(h, "{\"a\":1}"), 1);
    assert_int_equal(harness_seen(h, "Authorization: Bearer ya29.one"), 2);
    assert_int_equal(harness_seen(h, "POST /token"), 1);
    AUTO_FREE char *encoded = http_url_encode("a/b c~\xc3\xa9");
    assert_string_equal(encoded, "a%2Fb%20c~%C3%A9");
}

/* ---- repetitions ---- */

TEST_WITH(fixture, struct harness *h, servers_that_fail_are_asked_again)
{
    harness_rule(h, "GET /v2/", 500, REFUSED(500, "INTERNAL", "oops"), 1);
    harness_rule(h, "GET /v2/", 503, "<html>busy</html>", 1);
    harness_rule(h, "GET /v2/", 502, "", 1);
    harness_rule(h, "GET /v2/", 0, NULL, 1); /* no answer at all */
    harness_rule(h, "GET /v2/", 200, "{}", 0);
    call_ok(h);
    assert_int_equal(harness_seen(h, "GET /v2/"), 5);
}

TEST_WITH(fixture, struct harness *h, but_not_for_ever)
{
    harness_rule(h, "GET /v2/", 500, REFUSED(500, "INTERNAL", "oops"), 0);
    call_error(h, ERROR_UNAVAILABLE, "run: get job: INTERNAL: oops");
    assert_true(why.ambiguous);
    assert_int_equal(why.http, 500);
    assert_int_equal(harness_seen(h, "GET /v2/"), 5);
}

/* What must not be carried out twice is asked for once, unless the service did not act. */
TEST_WITH(fixture, struct harness *h, not_what_may_be_done_once_only)
{
    harness_rule(h, "POST /v2/", 429, REFUSED(429, "RESOURCE_EXHAUSTED", "slow"), 1);
    harness_rule(h, "POST /v2/", 0, NULL, 1);
    harness_rule(h, "POST /v2/", 503, REFUSED(503, "UNAVAILABLE", "away"), 1);
    call.method = "POST";
    call.body = &body;
    call.repeatable = false;
    call_error(h, ERROR_UNAVAILABLE, "run: get job: ");
    assert_true(why.ambiguous);
    assert_int_equal(why.http, 0);
    assert_int_equal(harness_seen(h, "POST /v2/"), 2);
    call_error(h, ERROR_UNAVAILABLE, "UNAVAILABLE: away");
    assert_true(why.ambiguous);
    assert_int_equal(harness_seen(h, "POST /v2/"), 3);
}

TEST_WITH(fixture, struct harness *h, retry_after_is_kept)
{
    harness_rule(h, "GET /v2/", 429, REFUSED(429, "RESOURCE_EXHAUSTED", "slow"), 1);
    h->rules[h->rule_count - 1].headers = "Retry-After: 1\r\n";
    harness_rule(h, "GET /v2/", 429, "", 2); /* nor does it say when */
    harness_rule(h, "GET /v2/", 200, "{}", 0);
    call_ok(h);
    assert_in_range(took_ms, 1000, 1000 + 500 + 1000 + 2000);
    assert_int_equal(harness_seen(h, "GET /v2/"), 4);
}

TEST_WITH(fixture, struct harness *h, throttling_empties_the_bucket)
{
    token_bucket_init(&bucket, 1000, 1000, time_mono_ms());
    call.bucket = &bucket;
    harness_rule(h, "GET /v2/", 429, "", 1);
    harness_rule(h, "GET /v2/", 200, "{}", 0);
    call_ok(h);
    assert_true(bucket.tokens < 1000);
    token_bucket_init(&bucket, 0.001, 1, time_mono_ms());
    call_ok(h);
    call_error(h, ERROR_UNAVAILABLE, "too many calls are waiting");
    assert_int_equal(harness_seen(h, "GET /v2/"), 3);
}

/* ---- a service that does not answer ---- */

struct silence {
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool is_over;
    int asked;
};

static bool silent(void *arg, struct mock_request *m)
{
    struct silence *s = arg;
    if (strstr(m->path, "/token"))
        return mock_text(m, 200, "", GOOGLE_TOKEN("ya29.one"));
    pthread_mutex_lock(&s->lock);
    bool answer = ++s->asked > 2;
    while (!answer && !s->is_over)
        pthread_cond_wait(&s->over, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return answer && mock_text(m, 200, "", "{}");
}

TEST_WITH(fixture, struct harness *h, silence_is_waited_for_so_long)
{
    struct silence s = {.lock = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER};
    struct mock *mock = mock_start(silent, &s);
    char real[sizeof h->url];
    strcpy(real, h->url);
    harness_rule(h, "POST /token", 200, GOOGLE_TOKEN("ya29.one"), 0);
    snprintf(h->url, sizeof h->url, "http://127.0.0.1:%d", mock->port);
    open_client(h, 100);
    call_ok(h);
    assert_true(took_ms >= 200);
    s.asked = 0;
    call.repeatable = false;
    call_error(h, ERROR_DEADLINE, "run: get job: ");
    assert_true(why.ambiguous);
    strcpy(h->url, real);
    pthread_mutex_lock(&s.lock);
    s.is_over = true;
    pthread_cond_broadcast(&s.over);
    pthread_mutex_unlock(&s.lock);
    mock_stop(mock);
}

/* ---- tokens ---- */

TEST_WITH(fixture, struct harness *h, a_refused_token_is_renewed_once)
{
    harness_rule(h, "Bearer ya29.one", 401, REFUSED(401, "UNAUTHENTICATED", "expired"), 0);
    harness_rule(h, "Bearer ya29.two", 200, "{}", 1);
    harness_rule(h, "Bearer ya29.two", 401, REFUSED(401, "UNAUTHENTICATED", "no"), 0);
    call.repeatable = false; /* a refused call was not carried out */
    call_ok(h);
    assert_int_equal(harness_seen(h, "POST /token"), 2);
    assert_int_equal(harness_seen(h, "GET /v2/"), 2);
    call_error(h, ERROR_FORBIDDEN, "run: get job: UNAUTHENTICATED: no; check the Google");
    assert_false(why.ambiguous);
    assert_int_equal(harness_seen(h, "GET /v2/"), 4);
}

/* ---- what refusals look like ---- */

TEST_WITH(fixture, struct harness *h, refusals_in_all_shapes)
{
    static const struct {
        int status;
        const char *body;
        enum error_code code;
        const char *says;
    } cases[] = {
        {404, REFUSED(404, "NOT_FOUND", "no job"), ERROR_NOT_FOUND, "NOT_FOUND: no job"},
        {409, REFUSED(409, "ALREADY_EXISTS", "x"), ERROR_CONFLICT, "ALREADY_EXISTS: x"},
        {400, REFUSED(400, "FAILED_PRECONDITION", "x"), ERROR_INVALID_PARAMETER, "FAILED_PRE"},
        {403, REFUSED(403, "PERMISSION_DENIED", "x"), ERROR_FORBIDDEN, "lacks a role"},
        {404, "{\"error\":\"not an object\"}", ERROR_NOT_FOUND,
         "not have the form of a Google API error"},
        {404, "", ERROR_NOT_FOUND, "HTTP 404"},
        {418, "<html>", ERROR_SYSTEM,
         "HTTP 418: the answer does not have the form of a Google API error"},
        {400, REFUSED(400, "INVALID_ARGUMENT", "two\\nlines"), ERROR_INVALID_PARAMETER,
         "two lines"},
        {403,
         "{\"error\":{\"status\":\"PERMISSION_DENIED\",\"message\":\"x\",\"details\":[1,{"
         "\"requestId\":\"req-9\"}]}}",
         ERROR_FORBIDDEN, "(request id req-9)"},
        {200, "[1]", ERROR_UNAVAILABLE, "the answer cannot be read"},
        {200, "{\"a\":", ERROR_UNAVAILABLE, "the answer cannot be read"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        harness_rule(h, "GET /v2/", cases[i].status, cases[i].body, 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        call_error(h, cases[i].code, cases[i].says);
        assert_int_equal(why.ambiguous, cases[i].status == 200);
    }
    assert_int_equal(harness_seen(h, "GET /v2/"), ARRAY_LEN(cases));
}
