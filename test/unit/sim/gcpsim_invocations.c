/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests to services of the simulated Google Cloud: who may, the container that answers them, how
 * long it lives, what it logs.
 */
#include "test/kit/gcpsim_rig.h"
#include "test/kit/sim_call.h"

#include <pthread.h>

#define SERVICES GCPSIM_PARENT "/services"
#define answer(status, method, path, body) gcpsim_rig_answer(__LINE__, status, method, path, body)
#define expect(status, method, path, body) json_decref(answer(status, method, path, body))

TEST_GROUP(gcpsim_rig_setup, gcpsim_rig_teardown);

/* A function whose service answers with what the script prints. */
static void serve(const char *id, const char *script, const char *more)
{
    gcpsim_rig_create_function(id);
    json_auto_t *operation = gcpsim_rig_await(gcpsim_rig_patch_service(id, script, more));
    if (json_object_get(operation, "error"))
        fail_msg("%s", value_string(json_object_get(operation, "error"), "message"));
}

static void invoke(const char *id, const char *body, long status, const char *text)
{
    AUTO_FREE char *out = NULL;
    long got = gcpsim_rig_invoke(id, body, &out);
    if (got != status || !strstr(out, text))
        fail_msg("%ld, \"%s\" instead of %ld, \"%s\"", got, out, status, text);
}

static size_t alive(const char *what)
{
    json_auto_t *all = gcpsim_rig_resources();
    return json_array_size(json_object_get(all, what));
}

static void await_alive(const char *what, size_t count)
{
    for (int i = 0; i < 5000; i++)
        if (alive(what) == count)
            return;
    fail_msg("not %zu %s, but %zu", count, what, alive(what));
}

TEST(a_request_reaches_the_container)
{
    serve("echo", "echo; busybox cat; echo \" for $K_SERVICE on $PORT\"", "");
    invoke("echo", "hello", 200, "hello for echo on 8080");
    invoke("echo", "again", 200, "again for echo on 8080");
    gcpsim_rig_delete_function("echo");
    await_alive("instances", 0);
}

/* What the build has made answers until somebody patches it. */
TEST(the_stub_answers_by_itself)
{
    gcpsim_rig_create_function("stub");
    invoke("stub", "x", 200, "Hello, World!");
    gcpsim_rig_delete_function("stub");
}

static long call_with(const char *token, const char *url)
{
    return gcpsim_rig_call_as(token, "POST", url, "{}", NULL);
}

TEST(who_may_invoke)
{
    gcpsim_rig_create_function("guarded");
    AUTO_FREE char *uri = gcpsim_rig_uri("guarded");
    AUTO_FREE char *slash = xasprintf("%s/", uri);
    AUTO_FREE char *good = gcpsim_rig_id_token(uri);
    AUTO_FREE char *good_too = gcpsim_rig_id_token(slash);
    AUTO_FREE char *foreign = gcpsim_rig_id_token("https://example.com");
    AUTO_FREE char *longer = xasprintf("%sx", uri);
    AUTO_FREE char *other = gcpsim_rig_id_token(longer);
    AUTO_FREE char *forged = xstrdup(good);
    forged[strlen(forged) - 20] ^= 1;
    assert_int_equal(call_with("", uri), 403);
    assert_int_equal(call_with(gcpsim_rig_token, uri), 401); /* an access token */
    assert_int_equal(call_with(foreign, uri), 401);
    assert_int_equal(call_with(other, uri), 401);
    assert_int_equal(call_with(forged, uri), 401);
    assert_int_equal(call_with(good, uri), 200);
    assert_int_equal(call_with(good_too, uri), 200);
    gcpsim_rig_configure("{\"token_ttl_s\":0}");
    AUTO_FREE char *expired = gcpsim_rig_id_token(uri);
    gcpsim_rig_configure("{\"token_ttl_s\":3600}");
    assert_int_equal(call_with(expired, uri), 401);
    expect(200, "DELETE", "/_sim/tokens", NULL);
    assert_int_equal(call_with(good, uri), 401);
    gcpsim_rig_take_token();
    gcpsim_rig_delete_function("guarded");
    assert_int_equal(call_with(good, uri), 404);
}

/* The function's own URL is a good audience, and leads to the same container. */
TEST(the_functions_url)
{
    gcpsim_rig_create_function("named");
    json_auto_t *function = answer(200, "GET", GCPSIM_PARENT "/functions/named", NULL);
    const char *url = value_string(function, "url");
    AUTO_FREE char *token = gcpsim_rig_id_token(url);
    assert_int_equal(call_with(token, url), 200);
    gcpsim_rig_delete_function("named");
}

TEST(other_ways_to_an_id_token)
{
    gcpsim_rig_create_function("metadata");
    AUTO_FREE char *uri = gcpsim_rig_uri("metadata");
    AUTO_FREE char *path = xasprintf("/computeMetadata/v1/instance/service-accounts/default/"
                                     "identity?format=full&audience=%s",
                                     uri);
    struct sim_answer got;
    const struct sim_call call = {NULL, "GET", path, NULL, {"Metadata-Flavor: Google"}};
    sim_call(&call, &got);
    assert_int_equal(got.status, 200);
    AUTO_FREE char *token = xstrndup(got.body.data, got.body.len);
    sim_answer_fini(&got);
    assert_int_equal(call_with(token, uri), 200);
    expect(400, "POST",
           "/v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:generateIdToken", "{}");
    gcpsim_rig_delete_function("metadata");
}

/* Headers of the answer come back, and the token's signature stays outside. */
TEST(headers)
{
    serve("heads", "printf 'X-Own: one\\r\\n\\r\\n'; echo \"$HTTP_AUTHORIZATION\"", "");
    AUTO_FREE char *uri = gcpsim_rig_uri("heads");
    AUTO_FREE char *token = gcpsim_rig_id_token(uri);
    AUTO_FREE char *url = xasprintf("%s/cgi-bin/run?a=b", uri);
    struct sim_answer got;
    const struct sim_call call = {token, "POST", url, "x", {NULL}};
    sim_call(&call, &got);
    assert_int_equal(got.status, 200);
    AUTO_FREE char *own = sim_answer_header(&got, "X-Own");
    assert_string_equal(own, "one");
    sim_answer_fini(&got);
    gcpsim_rig_delete_function("heads");
}

TEST(a_container_that_does_not_listen)
{
    gcpsim_rig_create_function("deaf");
    json_auto_t *operation = gcpsim_rig_await(
        answer(200, "PATCH", SERVICES "/deaf",
               "{\"template\":{\"containers\":[{\"image\":\"docker.io/library/tool:1\","
               "\"command\":[\"/bin/true\"]}]}}"));
    const char *message = value_string(json_object_get(operation, "error"), "message");
    assert_non_null(strstr(message, "failed to start and listen on the port"));
    gcpsim_rig_configure("{\"startup_timeout_ms\":200}");
    json_auto_t *silent = gcpsim_rig_await(
        answer(200, "PATCH", SERVICES "/deaf",
               "{\"template\":{\"containers\":[{\"image\":\"docker.io/library/tool:1\","
               "\"command\":[\"/bin/sleep\",\"600\"]}]}}"));
    assert_non_null(json_object_get(silent, "error"));
    gcpsim_rig_configure("{\"startup_timeout_ms\":240000}");
    json_auto_t *lost = gcpsim_rig_await(
        answer(200, "PATCH", SERVICES "/deaf",
               "{\"template\":{\"containers\":[{\"image\":\"docker.io/library/none:1\"}]}}"));
    assert_non_null(strstr(value_string(json_object_get(lost, "error"), "message"), "none:1"));
    invoke("deaf", "x", 200, "Hello, World!"); /* what served before */
    gcpsim_rig_delete_function("deaf");
}

TEST(a_request_is_held_open_until_its_timeout)
{
    serve("slow", "sleep 600", ",\"timeout\":\"1s\"");
    invoke("slow", "x", 504, "upstream request timeout");
    gcpsim_rig_delete_function("slow");
    await_alive("instances", 0);
}

TEST(a_container_that_ends_while_it_answers)
{
    serve("dies", "busybox kill 1; sleep 600", "");
    invoke("dies", "x", 503, "connection termination");
    await_alive("instances", 0);
    gcpsim_rig_delete_function("dies");
}

struct request {
    const char *id;
    long status;
    char *text;
};

static void *send_request(void *arg)
{
    struct request *r = arg;
    r->status = gcpsim_rig_invoke(r->id, "x", &r->text);
    return NULL;
}

/* Of two at once each has an instance of its own; with the bound reached a request waits, then not.
 */
TEST(one_request_an_instance)
{
    struct request requests[2] = {{.id = "single"}, {.id = "single"}};
    pthread_t threads[2];
    serve("single", "echo; sleep 0.5; echo $RANDOM", "");
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, send_request, &requests[i]);
    await_alive("invocations", 2);
    assert_int_equal(alive("instances"), 2);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(requests[i].status, 200);
        free(requests[i].text);
    }
    gcpsim_rig_delete_function("single");
}

TEST(no_instance_is_left)
{
    struct request first = {.id = "bounded"};
    pthread_t thread;
    serve("bounded", "sleep 1; echo; echo done", ",\"scaling\":{\"maxInstanceCount\":1}");
    gcpsim_rig_configure("{\"queue_ms\":100}");
    pthread_create(&thread, NULL, send_request, &first);
    await_alive("invocations", 1);
    invoke("bounded", "x", 429, "no available instance");
    gcpsim_rig_configure("{\"queue_ms\":10000}");
    invoke("bounded", "x", 200, "done"); /* waits for the first */
    pthread_join(thread, NULL);
    assert_int_equal(first.status, 200);
    free(first.text);
    gcpsim_rig_delete_function("bounded");
}

/* An instance stays for the next request, then ends; the next one starts cold. */
TEST(scale_to_zero)
{
    serve("idle", "echo; echo $$ >>/seen; cat /seen | busybox wc -l", "");
    invoke("idle", "x", 200, "1");
    invoke("idle", "x", 200, "2");
    gcpsim_rig_configure("{\"idle_ms\":1}");
    await_alive("instances", 0);
    gcpsim_rig_configure("{\"idle_ms\":1000,\"provision_ms\":10}");
    invoke("idle", "x", 200, "1");
    gcpsim_rig_delete_function("idle");
}

TEST(delivered_twice)
{
    serve("twice", "echo; echo ran >&2; sleep 0.2", "");
    gcpsim_rig_configure("{\"invoke_twice\":1}");
    invoke("twice", "x", 200, "");
    await_alive("invocations", 0);
    gcpsim_rig_delete_function("twice");
    await_alive("instances", 0);
    json_auto_t *page = answer(
        200, "POST", "/v2/entries:list",
        "{\"resourceNames\":[\"projects/sockerless-sim\"],\"filter\":\"resource.type=\\\"cloud_run_"
        "revision\\\" AND resource.labels.service_name=\\\"twice\\\" AND "
        "textPayload=\\\"ran\\\"\"}");
    assert_int_equal(gcpsim_rig_count(page), 2);
}

TEST(logs_of_a_service)
{
    serve("talks", "echo; echo spoken >&2; echo done", "");
    invoke("talks", "x", 200, "done");
    gcpsim_rig_delete_function("talks");
    await_alive("instances", 0);
    json_auto_t *page = answer(
        200, "POST", "/v2/entries:list",
        "{\"resourceNames\":[\"projects/sockerless-sim\"],\"filter\":\"resource.type=\\\"cloud_run_"
        "revision\\\" AND resource.labels.service_name=\\\"talks\\\" AND log_id(\\\"run.googleapis."
        "com/stderr\\\")\"}");
    assert_int_equal(gcpsim_rig_count(page), 1);
    const json_t *entry = gcpsim_rig_entry(page, 0);
    const json_t *labels = json_object_get(json_object_get(entry, "resource"), "labels");
    assert_string_equal(gcpsim_rig_text(page, 0), "spoken");
    assert_true(str_starts(value_string(labels, "revision_name"), "talks-"));
    assert_int_equal(strlen(value_string(json_object_get(entry, "labels"), "instanceId")), 32);
    json_auto_t *of_jobs = answer(
        200, "POST", "/v2/entries:list",
        "{\"resourceNames\":[\"projects/sockerless-sim\"],\"filter\":\"resource.labels.job_name="
        "\\\"talks\\\"\"}");
    assert_int_equal(gcpsim_rig_count(of_jobs), 0);
}

TEST(faults)
{
    gcpsim_rig_create_function("faulty");
    expect(200, "POST", "/_sim/faults",
           "[{\"operation\":\"run.invoke\",\"kind\":\"throttle\"},"
           "{\"operation\":\"run.invoke\",\"kind\":\"access_denied\"},"
           "{\"operation\":\"run.invoke\",\"kind\":\"error\",\"status\":503,\"message\":\"own "
           "words\"},"
           "{\"operation\":\"run.invoke\",\"kind\":\"lost_answer\"},"
           "{\"operation\":\"run.invoke\",\"kind\":\"drop_connection\"}]");
    invoke("faulty", "x", 429, "Rate exceeded");
    invoke("faulty", "x", 403, "permission");
    invoke("faulty", "x", 503, "own words");
    invoke("faulty", "x", 0, "");
    invoke("faulty", "x", 0, "");
    invoke("faulty", "x", 200, "Hello");
    gcpsim_rig_delete_function("faulty");
}

/* Revisions, which check-models has no schema of. */
TEST(revisions_are_listed)
{
    serve("listed", "echo", "");
    json_auto_t *list = answer(200, "GET", SERVICES "/listed/revisions", NULL);
    const json_t *newest = json_array_get(json_object_get(list, "revisions"), 0);
    assert_int_equal(json_array_size(json_object_get(list, "revisions")), 2);
    AUTO_FREE char *path = xasprintf("/v2/%s", value_string(newest, "name"));
    expect(200, "GET", path, NULL);
    expect(404, "GET", SERVICES "/listed/revisions/none", NULL);
    gcpsim_rig_delete_function("listed");
}
