/* SPDX-License-Identifier: Apache-2.0
 * What every cloud's driver has to do; see driver_suite.h. */
#include "test/kit/driver_suite.h"

#include "base/str.h"
#include "test/kit/test.h"

#include <string.h>

enum { LOG_PAGES_MAX = 20, LOG_TEXT_MAX = 256 };

static const struct driver_suite *suite;
static struct workload w; /* of the run */
static struct error problem;
static int result;

/* ---- scripts ---- */

static void play(struct harness *h, const struct suite_script *script)
{
    for (size_t i = 0; i < SUITE_RULES_MAX && script->rules[i].target; i++)
        h->rules[h->rule_count++] = script->rules[i];
}

static void expect_seen(struct harness *h, const struct suite_script *script)
{
    for (size_t i = 0; i < SUITE_SEEN_MAX && script->seen[i].text; i++) {
        int times = harness_seen(h, script->seen[i].text);
        if (times != script->seen[i].times)
            fail_msg("%d requests with %s, not %d", times, script->seen[i].text,
                     script->seen[i].times);
    }
}

static void expect_success(void)
{
    if (result)
        fail_msg("%s", problem.message);
}

static void expect_refusal(const struct suite_refusal *r)
{
    assert_int_equal(result, -1);
    if (problem.code != r->code)
        fail_msg("%s: %s", error_code_name(problem.code), problem.message);
    for (size_t i = 0; i < SUITE_WORDS_MAX && r->words[i]; i++)
        if (!strstr(problem.message, r->words[i]))
            fail_msg("\"%s\" is not in: %s", r->words[i], problem.message);
}

/* Once, after what the script says already. */
static void play_refusal(struct harness *h, const struct suite_refusal *r)
{
    h->rules[h->rule_count] = r->answer;
    h->rules[h->rule_count++].times = 1;
}

/* ---- calls ---- */

static void co_prepare(struct harness *h)
{
    (void)h;
    result = suite->driver->workload->co_prepare(suite->driver->self, suite->spec, &w, &problem);
}

static void co_begin(struct harness *h)
{
    (void)h;
    result = suite->driver->workload->co_run(suite->driver->self, suite->spec, &w, &problem);
}

static void co_fault(struct harness *h)
{
    if (suite->faults_at_run)
        co_begin(h);
    else
        co_prepare(h);
}

static void co_stop(struct harness *h)
{
    (void)h;
    result =
        suite->driver->workload->co_stop(suite->driver->self, &w, "stopped by \"user\"", &problem);
}

static void co_remove_run(struct harness *h)
{
    (void)h;
    result = suite->driver->workload->co_remove_run(suite->driver->self, &w, &problem);
}

static int suite_setup(void **state)
{
    w = (struct workload){0};
    problem = (struct error){0};
    result = 0;
    return suite->setup(state);
}

static int suite_teardown(void **state)
{
    return suite->teardown(state);
}

/* ---- preparing and running ---- */

static void expect_prepared(void)
{
    expect_success();
    assert_string_equal(w.definition, suite->run.definition);
    assert_string_equal(w.resource, "");
}

static void expect_begun(void)
{
    expect_success();
    assert_string_equal(w.definition, suite->run.definition);
    assert_string_equal(w.resource, suite->run.resource);
    assert_string_equal(w.log_ref, suite->run.log_ref);
}

static void set_prepared(void)
{
    memcpy(w.definition, suite->run.definition, sizeof w.definition);
}

static void prepare_is_idempotent(void **state)
{
    struct harness *h = *state;
    play(h, &suite->prepare);
    for (int i = 0; i < 2; i++) {
        w = (struct workload){0};
        harness_run(h, co_prepare);
        expect_prepared();
    }
    expect_seen(h, &suite->prepare);
}

static void prepare_with_a_lost_answer(void **state)
{
    struct harness *h = *state;
    play(h, &suite->prepare_lost);
    harness_run(h, co_prepare);
    expect_prepared();
    expect_seen(h, &suite->prepare_lost);
}

static void run_names_what_began(void **state)
{
    struct harness *h = *state;
    play(h, &suite->begin);
    set_prepared();
    harness_run(h, co_begin);
    expect_begun();
    expect_seen(h, &suite->begin);
}

static void run_with_a_lost_answer_is_not_begun_twice(void **state)
{
    struct harness *h = *state;
    play(h, &suite->begin_lost);
    set_prepared();
    harness_run(h, co_begin);
    expect_begun();
    expect_seen(h, &suite->begin_lost);
}

static void run_of_an_earlier_life_is_not_begun_twice(void **state)
{
    struct harness *h = *state;
    play(h, &suite->begun_before);
    set_prepared();
    harness_run(h, co_begin);
    expect_begun();
    expect_seen(h, &suite->begun_before);
}

/* ---- faults ---- */

static void fault_start(struct harness *h, const struct suite_script *script)
{
    play(h, script);
    if (suite->faults_at_run)
        set_prepared();
}

static void expect_served(void)
{
    if (suite->faults_at_run)
        expect_begun();
    else
        expect_prepared();
}

static void throttling_is_waited_for(void **state)
{
    struct harness *h = *state;
    int64_t began_ms = time_mono_ms();
    fault_start(h, &suite->throttled);
    harness_run(h, co_fault);
    expect_served();
    assert_true(time_mono_ms() - began_ms >= suite->throttled_ms);
    expect_seen(h, &suite->throttled);
}

static void expired_credentials_are_renewed_once(void **state)
{
    struct harness *h = *state;
    fault_start(h, &suite->expired);
    harness_run(h, co_fault);
    expect_served();
    harness_run(h, co_fault);
    expect_refusal(&suite->locked_out);
    expect_seen(h, &suite->expired);
}

static void refusals_carry_the_cloud_s_words(void **state)
{
    struct harness *h = *state;
    play(h, &suite->refused);
    for (size_t i = 0; i < SUITE_REFUSALS_MAX && suite->refusals[i].answer.target; i++) {
        play_refusal(h, &suite->refusals[i]);
        harness_run(h, co_prepare);
        expect_refusal(&suite->refusals[i]);
        assert_string_equal(w.resource, "");
        assert_string_equal(w.definition, suite->refused_definition);
    }
    expect_seen(h, &suite->refused);
}

/* ---- state ---- */

static const struct workload *described[3];
static size_t described_count;
static struct workload_status status[3];

static void co_describe(struct harness *h)
{
    (void)h;
    memset(status, 0xff, sizeof status);
    result = suite->driver->workload->co_describe(suite->driver->self, described, described_count,
                                                  status, &problem);
}

static void describe(struct harness *h, const struct workload *second, const struct workload *third)
{
    described[0] = &suite->run;
    described[1] = second;
    described[2] = third;
    described_count = third ? 3 : second ? 2 : 1;
    harness_run(h, co_describe);
}

static void what_runs_and_what_is_missing(void **state)
{
    static const struct workload none;
    struct harness *h = *state;
    play(h, &suite->running);
    describe(h, &none, &suite->other);
    expect_success();
    assert_int_equal(status[0].phase, WORKLOAD_RUNNING);
    assert_false(status[0].has_exit_code);
    assert_int_equal(status[1].phase, WORKLOAD_MISSING);
    assert_int_equal(status[2].phase, WORKLOAD_MISSING);
    expect_seen(h, &suite->running);
}

static void an_end_is_described(void **state)
{
    struct harness *h = *state;
    play(h, &suite->ended);
    describe(h, NULL, NULL);
    expect_success();
    assert_int_equal(status[0].phase, WORKLOAD_STOPPED);
    assert_true(status[0].has_exit_code);
    assert_int_equal(status[0].exit_code, suite->exit_code);
    assert_false(status[0].start_failed);
    assert_true(status[0].stopped_ns >= status[0].started_ns && status[0].started_ns > 0);
    expect_seen(h, &suite->ended);
}

static void one_unknown_spoils_no_other_s_answer(void **state)
{
    struct harness *h = *state;
    play(h, &suite->one_unknown);
    describe(h, &suite->other, NULL);
    expect_success();
    assert_int_equal(status[0].phase, WORKLOAD_UNKNOWN);
    if (!strstr(status[0].reason, suite->unknown_reason))
        fail_msg("%s", status[0].reason);
    assert_int_equal(status[1].phase, WORKLOAD_MISSING);
    expect_seen(h, &suite->one_unknown);
}

static void nothing_known_is_a_failure(void **state)
{
    struct harness *h = *state;
    play(h, &suite->none_known);
    play_refusal(h, &suite->none_known_why);
    describe(h, NULL, NULL);
    expect_refusal(&suite->none_known_why);
    expect_seen(h, &suite->none_known);
}

/* ---- ends ---- */

static void stopping_what_is_over_or_gone_is_no_failure(void **state)
{
    struct harness *h = *state;
    if (!suite->driver->workload->co_stop)
        return; /* runs end through their agents */
    play(h, &suite->stop);
    w = suite->run;
    for (int i = 0; i < suite->stops; i++) {
        harness_run(h, co_stop);
        expect_success();
    }
    play_refusal(h, &suite->stop_refused);
    harness_run(h, co_stop);
    expect_refusal(&suite->stop_refused);
    expect_seen(h, &suite->stop);
}

static void removing_what_is_gone_is_no_failure(void **state)
{
    static const struct workload none;
    struct harness *h = *state;
    play(h, &suite->removal);
    w = suite->run;
    for (int i = 0; i < 2; i++) {
        harness_run(h, co_remove_run);
        expect_success();
    }
    expect_seen(h, &suite->removal);
    w = none; /* a run of which nothing was made: costs no call */
    harness_run(h, co_remove_run);
    expect_success();
    expect_seen(h, &suite->removal);
}

/* ---- list ---- */

static struct arena arena;
static struct workload_found *found;
static size_t found_count;

static void co_list(struct harness *h)
{
    (void)h;
    result = suite->driver->workload->co_list(suite->driver->self, &arena, &found, &found_count,
                                              &problem);
}

static void list_finds_ours_on_all_pages(void **state)
{
    struct harness *h = *state;
    arena_init(&arena);
    play(h, &suite->list);
    harness_run(h, co_list);
    expect_success();
    assert_int_equal(found_count, suite->listed_count);
    for (size_t i = 0; i < found_count; i++) {
        const struct workload_found *expected = &suite->listed[i];
        assert_string_equal(found[i].container_id, expected->container_id);
        assert_string_equal(found[i].container_name, expected->container_name);
        assert_string_equal(found[i].workload.definition, expected->workload.definition);
        assert_string_equal(found[i].workload.resource, expected->workload.resource);
        assert_string_equal(found[i].workload.log_ref, expected->workload.log_ref);
        assert_string_equal(found[i].workload.owned, expected->workload.owned);
    }
    expect_seen(h, &suite->list);
    arena_fini(&arena);
}

/* ---- logs ---- */

/* Two readers of two logs, and what they have got. */
static struct {
    char text[LOG_TEXT_MAX];
    char *token;
    bool at_end;
    int64_t last_ns;
} readers[2];

static void take_page(size_t i, const struct log_page *page)
{
    for (size_t k = 0; k < page->count; k++) {
        size_t len = strlen(readers[i].text);
        snprintf(readers[i].text + len, LOG_TEXT_MAX - len, "%s ", page->events[k].text);
        if (page->events[k].timestamp_ns < readers[i].last_ns)
            result = error_set(&problem, ERROR_SYSTEM, "events come out of order");
        readers[i].last_ns = page->events[k].timestamp_ns;
    }
    if (page->next_token) {
        free(readers[i].token);
        readers[i].token = xstrdup(page->next_token);
    }
    readers[i].at_end = page->at_end;
}

static void co_read_once(void)
{
    struct log_page pages[2] = {0};
    struct log_query queries[2];
    for (size_t i = 0; i < 2; i++) {
        queries[i] = (struct log_query){.workload = i ? &suite->other : &suite->run,
                                        .token = readers[i].token,
                                        .since_ns = i ? 0 : suite->log_since_ns};
        arena_init(&pages[i].arena);
    }
    result = suite->driver->logs->co_pages(suite->driver->self, queries, 2, pages, &problem);
    for (size_t i = 0; i < 2; i++) {
        if (result == 0)
            take_page(i, &pages[i]);
        arena_fini(&pages[i].arena);
    }
}

static void co_read_to_the_end(struct harness *h)
{
    (void)h;
    for (int i = 0; i < LOG_PAGES_MAX; i++) {
        co_read_once();
        if (result || (readers[0].at_end && readers[1].at_end))
            return;
    }
    result = error_set(&problem, ERROR_SYSTEM, "the log has no end");
}

/* Several rounds of a follower: nothing is lost, nothing comes twice. */
static void logs_go_on_exactly_where_they_were(void **state)
{
    static const char *const expected[] = {"one ", "one two three ", "one two three "};
    struct harness *h = *state;
    memset(readers, 0, sizeof readers);
    play(h, &suite->log);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        harness_run(h, co_read_to_the_end);
        expect_success();
        assert_string_equal(readers[0].text, expected[i]);
        assert_string_equal(readers[1].text, "");
    }
    expect_seen(h, &suite->log);
    free(readers[0].token);
    free(readers[1].token);
}

/* ---- registry ---- */

static struct registry_credentials login;
static const char *login_host;

static void co_login(struct harness *h)
{
    (void)h;
    login = (struct registry_credentials){0};
    result =
        suite->driver->registry->co_credentials(suite->driver->self, login_host, &login, &problem);
}

static void login_free(void)
{
    free(login.username);
    free(login.password);
    free(login.identity_token);
}

static void credentials_of_our_own_registry(void **state)
{
    struct harness *h = *state;
    play(h, &suite->login);
    login_host = suite->registry_host;
    for (int i = 0; i < 2; i++) { /* kept after the first time */
        harness_run(h, co_login);
        expect_success();
        assert_true(login.found);
        assert_string_equal(login.username, suite->username);
        assert_string_equal(login.password, suite->password);
        login_free();
    }
    login_host = "registry.example";
    harness_run(h, co_login);
    expect_success();
    assert_false(login.found);
    login_free();
    expect_seen(h, &suite->login);
}

/* ---- registration ---- */

static void add(const char *name, CMUnitTestFunction run)
{
    test_register(name, run, suite_setup, suite_teardown);
}

#define ADD(name) add("driver: " #name, name)

void driver_suite_register(const struct driver_suite *of)
{
    suite = of;
    ADD(prepare_is_idempotent);
    ADD(prepare_with_a_lost_answer);
    ADD(run_names_what_began);
    ADD(run_with_a_lost_answer_is_not_begun_twice);
    ADD(run_of_an_earlier_life_is_not_begun_twice);
    ADD(throttling_is_waited_for);
    ADD(expired_credentials_are_renewed_once);
    ADD(refusals_carry_the_cloud_s_words);
    ADD(what_runs_and_what_is_missing);
    ADD(an_end_is_described);
    ADD(nothing_known_is_a_failure);
    if (of->unknown_reason)
        ADD(one_unknown_spoils_no_other_s_answer);
    ADD(stopping_what_is_over_or_gone_is_no_failure);
    ADD(removing_what_is_gone_is_no_failure);
    ADD(list_finds_ours_on_all_pages);
    ADD(logs_go_on_exactly_where_they_were);
    ADD(credentials_of_our_own_registry);
}
