/* SPDX-License-Identifier: Apache-2.0
 *
 * Paging through a log with canned GetLogEvents answers: where it ends, where it goes on, what an
 * expired token does.
 */
#include "backend-ecs/ecs_logs.h"

#include "base/alloc.h"
#include "test/kit/test.h"

#include <string.h>

#define MS INT64_C(1000000)

/* What the next call must ask, and what it is answered. */
struct step {
    const char *token; /* expected; NULL: none */
    int64_t start_ms, end_ms;
    const char *reply; /* NULL: see result */
    enum ecs_log_result result;
};
struct script {
    const struct step *steps;
    size_t count, done;
    bool from_head;
    int limit;
};

static int co_canned(void *arg, const struct ecs_log_request *request, json_t **reply,
                     enum ecs_log_result *result, struct error *err)
{
    struct script *s = arg;
    assert_true(s->done < s->count);
    const struct step *step = &s->steps[s->done++];
    assert_string_equal(request->group, "/g");
    assert_string_equal(request->stream, "sockerless/main/t1");
    assert_int_equal(request->from_head, s->from_head);
    assert_int_equal(request->limit, s->limit);
    assert_int_equal(request->start_ms, step->start_ms);
    assert_int_equal(request->end_ms, step->end_ms);
    if (step->token)
        assert_string_equal(request->token, step->token);
    else
        assert_null(request->token);
    *result = step->result;
    if (step->result == ECS_LOG_PAGE && !step->reply)
        return error_set(err, ERROR_UNAVAILABLE, "canned");
    if (step->reply)
        *reply = json_loads(step->reply, JSON_ALLOW_NUL, NULL);
    return 0;
}

static struct workload workload_of(void)
{
    struct workload w = {0};
    assert_true(ecs_log_ref("/g", "t1", w.log_ref, sizeof w.log_ref));
    return w;
}

#define RUN(script_, query_, page_)                                                                \
    do {                                                                                           \
        struct error err_ = {0};                                                                   \
        arena_init(&(page_)->arena);                                                               \
        if (co_ecs_log_page(co_canned, (script_), (query_), (page_), &err_))                       \
            fail_msg("%s", err_.message);                                                          \
        assert_int_equal((script_)->done, (script_)->count);                                       \
    } while (0)

#define EVENT(ms, text) "{\"timestamp\":" #ms ",\"message\":\"" text "\"}"

TEST(forward_from_the_start)
{
    static const struct step steps[] = {{NULL, -1, -1,
                                         "{\"events\":[" EVENT(5, "a") "," EVENT(
                                             7, "b\\u0000c\\n") "],\"nextForwardToken\":\"f/1\"}",
                                         ECS_LOG_PAGE}};
    struct script s = {steps, 1, 0, true, 0};
    struct workload w = workload_of();
    struct log_page page;
    RUN(&s, (&(struct log_query){.workload = &w}), &page);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.events[0].timestamp_ns, 5 * MS);
    assert_string_equal(page.events[0].text, "a");
    assert_int_equal(page.events[1].len, 3);
    assert_memory_equal(page.events[1].text, "b\0c", 3);
    assert_string_equal(page.next_token, "7 1 f/1");
    assert_false(page.at_end);
    arena_fini(&page.arena);
}

TEST(the_end_is_where_the_token_stays)
{
    static const struct step steps[] = {
        {"f/1", -1, -1, "{\"events\":[],\"nextForwardToken\":\"f/1\"}", ECS_LOG_PAGE}};
    struct script s = {steps, 1, 0, true, 0};
    struct workload w = workload_of();
    struct log_page page;
    RUN(&s, (&(struct log_query){.workload = &w, .token = "7 1 f/1"}), &page);
    assert_int_equal(page.count, 0);
    assert_true(page.at_end);
    assert_string_equal(page.next_token, "7 1 f/1");
    arena_fini(&page.arena);
}

TEST(empty_pages_are_not_the_end)
{
    static const struct step steps[] = {
        {NULL, 4, 10, "{\"events\":[],\"nextForwardToken\":\"f/1\"}", ECS_LOG_PAGE},
        {"f/1", 4, 10, "{\"nextForwardToken\":\"f/2\"}", ECS_LOG_PAGE},
        {"f/2", 4, 10,
         "{\"events\":[" EVENT(9, "x") "," EVENT(9, "y") "],\"nextForwardToken\":\"f/3\"}",
         ECS_LOG_PAGE}};
    struct script s = {steps, 3, 0, true, 0};
    struct workload w = workload_of();
    struct log_page page;
    RUN(&s, (&(struct log_query){.workload = &w, .since_ns = 4 * MS + 5, .until_ns = 9 * MS + 1}),
        &page);
    assert_int_equal(page.count, 2);
    assert_string_equal(page.next_token, "9 2 f/3");
    assert_false(page.at_end);
    arena_fini(&page.arena);
}

TEST(asking_again_is_bounded)
{
    static const struct step steps[] = {
        {NULL, -1, -1, "{\"nextForwardToken\":\"0\"}", ECS_LOG_PAGE},
        {"0", -1, -1, "{\"nextForwardToken\":\"1\"}", ECS_LOG_PAGE},
        {"1", -1, -1, "{\"nextForwardToken\":\"2\"}", ECS_LOG_PAGE},
        {"2", -1, -1, "{\"nextForwardToken\":\"3\"}", ECS_LOG_PAGE},
        {"3", -1, -1, "{\"nextForwardToken\":\"4\"}", ECS_LOG_PAGE},
        {"4", -1, -1, "{\"nextForwardToken\":\"5\"}", ECS_LOG_PAGE},
        {"5", -1, -1, "{\"nextForwardToken\":\"6\"}", ECS_LOG_PAGE},
        {"6", -1, -1, "{\"nextForwardToken\":\"7\"}", ECS_LOG_PAGE}};
    struct script s = {steps, 8, 0, true, 0};
    struct workload w = workload_of();
    struct log_page page;
    RUN(&s, (&(struct log_query){.workload = &w}), &page);
    assert_false(page.at_end);
    assert_string_equal(page.next_token, "-1 0 7");
    arena_fini(&page.arena);
}

TEST(no_stream_yet)
{
    static const struct step steps[] = {{NULL, -1, -1, NULL, ECS_LOG_NO_STREAM}};
    struct script s = {steps, 1, 0, true, 0}, none = {NULL, 0, 0, true, 0};
    struct workload w = workload_of(), never = {0};
    struct log_page page;
    RUN(&s, (&(struct log_query){.workload = &w}), &page);
    assert_true(page.at_end);
    assert_null(page.next_token);
    assert_int_equal(page.count, 0);
    arena_fini(&page.arena);
    RUN(&none, (&(struct log_query){.workload = &never}), &page);
    assert_true(page.at_end);
    arena_fini(&page.arena);
}

TEST(backward)
{
    static const struct step first[] = {
        {NULL, -1, -1,
         "{\"events\":[" EVENT(5, "a") "," EVENT(6, "b") "," EVENT(
             6, "c") "],\"nextForwardToken\":\"f/9\",\"nextBackwardToken\":\"b/1\"}",
         ECS_LOG_PAGE}};
    static const struct step last[] = {
        {"b/1", -1, -1,
         "{\"events\":[],\"nextForwardToken\":\"f/1\",\"nextBackwardToken\":\"b/1\"}",
         ECS_LOG_PAGE}};
    struct script s = {first, 1, 0, false, 7}, t = {last, 1, 0, false, 10000};
    struct workload w = workload_of();
    struct log_page page, end;
    RUN(&s, (&(struct log_query){.workload = &w, .backward = true, .limit = 7}), &page);
    assert_int_equal(page.count, 3);
    assert_string_equal(page.events[0].text, "a");
    assert_string_equal(page.forward_token, "6 2 f/9");
    assert_false(page.at_end);
    RUN(&t,
        (&(struct log_query){
            .workload = &w, .backward = true, .token = page.next_token, .limit = 1 << 20}),
        &end);
    assert_true(end.at_end);
    assert_null(end.forward_token);
    arena_fini(&page.arena);
    arena_fini(&end.arena);
}

TEST(an_expired_token_resumes_by_time)
{
    static const struct step steps[] = {
        {"f/old", 3, -1, NULL, ECS_LOG_BAD_TOKEN},
        {NULL, 8, -1,
         "{\"events\":[" EVENT(8, "seen") "," EVENT(8,
                                                    "seen too") "],\"nextForwardToken\":\"f/a\"}",
         ECS_LOG_PAGE},
        {"f/a", 8, -1,
         "{\"events\":[" EVENT(8, "new") "," EVENT(12, "newer") "],\"nextForwardToken\":\"f/b\"}",
         ECS_LOG_PAGE}};
    struct script s = {steps, 3, 0, true, 0};
    struct workload w = workload_of();
    struct log_page page;
    RUN(&s, (&(struct log_query){.workload = &w, .token = "8 2 f/old", .since_ns = 3 * MS}), &page);
    assert_int_equal(page.count, 2);
    assert_string_equal(page.events[0].text, "new");
    assert_string_equal(page.events[1].text, "newer");
    assert_string_equal(page.next_token, "12 1 f/b");
    arena_fini(&page.arena);
}

TEST(bad_queries)
{
    static const char *const tokens[] = {"", "f/1", "1 f/1", "1 2 ", "x 1 f", "1 -2 f", "1 2"};
    struct script s = {NULL, 0, 0, true, 0};
    struct workload w = workload_of();
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        struct log_query query = {.workload = &w, .token = tokens[i]};
        struct log_page page;
        struct error err = {0};
        arena_init(&page.arena);
        assert_int_equal(co_ecs_log_page(co_canned, &s, &query, &page, &err), -1);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        arena_fini(&page.arena);
    }
    char small[16];
    assert_false(ecs_log_ref("/group", "task", small, sizeof small));
}
