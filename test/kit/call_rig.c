/* SPDX-License-Identifier: Apache-2.0
 * The call loop with a vendor made up for tests; see call_rig.h. */
#include "test/kit/call_rig.h"

#include "test/kit/test.h"

struct call_rig call_rig;
static struct call_rig *const rig = &call_rig;

static int co_authorise(void *arg, struct cloud_attempt *attempt, struct error *err)
{
    bool elsewhere = *rig->first_url && rig->authorised == 0;
    if (rig->authorised < (int)ARRAY_LEN(rig->sent))
        snprintf(rig->sent[rig->authorised], sizeof rig->sent[0], "%s", (const char *)arg);
    rig->authorised++;
    if (rig->no_credentials)
        return error_set(err, ERROR_FORBIDDEN, "%s", rig->no_credentials);
    attempt->generation = rig->generation;
    attempt->request.method = "POST";
    attempt->request.url = cloud_attempt_keep(
        attempt, xasprintf("%s/%s", elsewhere ? rig->first_url : rig->h->url, (const char *)arg));
    cloud_attempt_header(attempt, xasprintf("Authorization: Bearer secret-%u", rig->generation));
    return 0;
}

static void renew(void *arg, unsigned refused)
{
    (void)arg;
    assert_int_equal(refused, rig->generation);
    rig->renewed++;
    rig->generation++;
}

static void refusal(void *arg, struct http_response *res, struct cloud_error *e)
{
    long http = res->status;
    (void)arg;
    rig->refusals++;
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
    if (rig->cancel_at_refusal)
        co_cancel(co_current());
}

static int co_take(void *arg, struct http_response *res, struct error *err)
{
    (void)arg;
    rig->taken++;
    assert_in_range(res->status, 200, 299);
    return rig->unusable ? error_set(err, ERROR_SYSTEM, "%s", rig->unusable) : 0;
}

int call_rig_setup(void **state)
{
    if (harness_setup(state))
        return -1;
    *rig = (struct call_rig){.h = *state, .generation = 1};
    rig->vendor = (struct cloud_vendor){.name = "Test",
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
    rig->call = (struct cloud_call){.vendor = &rig->vendor,
                                    .arg = "thing",
                                    .http = rig->h->http,
                                    .service = "svc",
                                    .what = "get thing",
                                    .repeatable = true};
    return 0;
}

static void co_once(struct harness *h)
{
    int64_t began_ms = time_mono_ms();
    (void)h;
    rig->result = co_cloud_call(&rig->call, &rig->why, &rig->err);
    rig->took_ms = time_mono_ms() - began_ms;
}

void call_rig_rule(int status, const char *body, const char *headers, int times)
{
    harness_rule(rig->h, "POST /thing", status, body, times);
    rig->h->rules[rig->h->rule_count - 1].headers = headers;
}

void call_rig_run(void)
{
    harness_run(rig->h, co_once);
}

void call_rig_run_ok(int requests)
{
    call_rig_run();
    if (rig->result)
        fail_msg("%s", rig->err.message);
    assert_int_equal(rig->taken, 1);
    assert_int_equal(harness_seen(rig->h, "POST /thing"), requests);
}

void call_rig_run_error(enum error_code code, const char *message, int requests)
{
    call_rig_run();
    assert_int_equal(rig->result, -1);
    if (rig->err.code != code || !strstr(rig->err.message, message))
        fail_msg("%s: %s", error_code_name(rig->err.code), rig->err.message);
    assert_int_equal(harness_seen(rig->h, "POST /thing"), requests);
}

int call_rig_teardown(void **state)
{
    return harness_teardown(state);
}
