/* SPDX-License-Identifier: Apache-2.0
 *
 * Docker's JSON to typed messages and back, query parameters, filters, the router's table.
 */
#include "base/alloc.h"
#include "frontend/json/docker_json.h"
#include "frontend/http/query.h"
#include "frontend/routes/router.h"
#include "test/kit/arena_rig.h"
#include "test/kit/test.h"
#include "frontend/json/version.h"
#include <string.h>

TEST_GROUP(arena_setup, arena_teardown);

static struct error err; /* of the last call */

/* ---- query ---- */

TEST(query)
{
    struct query q;
    int64_t n;
    query_parse(&q, &arena, "a=1&b=x%20y+z&flag&bad=%zz&c=&d=no&e=True&&f=%2Fp");
    assert_string_equal(query_get(&q, "a"), "1");
    assert_string_equal(query_get(&q, "b"), "x y z");
    assert_string_equal(query_get(&q, "f"), "/p");
    assert_null(query_get(&q, "bad"));
    assert_null(query_get(&q, "missing"));
    assert_false(query_bool(&q, "flag", true));
    assert_false(query_bool(&q, "d", true));
    assert_true(query_bool(&q, "e", false));
    assert_true(query_bool(&q, "missing", true));
    assert_int_equal(query_int(&q, "a", 9, 0, 10, &n, &err), 0);
    assert_int_equal(n, 1);
    assert_int_equal(query_int(&q, "c", 9, 0, 10, &n, &err), 0);
    assert_int_equal(n, 9);
    assert_int_equal(query_int(&q, "b", 9, 0, 10, &n, &err), -1);
    assert_string_equal(err.message, "strconv.Atoi: parsing \"x y z\": invalid syntax");
    query_parse(&q, &arena, NULL);
    assert_int_equal(q.count, 0);
    assert_null(q.broken);
}

/* In Go's words; a request is not carried out without what could not be read. */
TEST(broken_query)
{
    static const struct {
        const char *text, *broken;
    } cases[] = {
        {"a=1&bad=%zz", "invalid URL escape \"%zz\""},
        {"bad=x%4&all=1", "invalid URL escape \"%4\""},
        {"%=1", "invalid URL escape \"%\""},
        {"a=%41%2", "invalid URL escape \"%2\""},
        {"all=1;limit=1", "invalid semicolon separator in query"},
        {"a=%3B", NULL},
    };
    struct query q;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        query_parse(&q, &arena, cases[i].text);
        if (!cases[i].broken)
            assert_null(q.broken);
        else
            assert_string_equal(q.broken, cases[i].broken);
    }
    char many[QUERY_PAIRS_MAX * 2 + 8];
    for (size_t i = 0; i <= QUERY_PAIRS_MAX; i++)
        memcpy(many + 2 * i, "a&", 3);
    query_parse(&q, &arena, many);
    assert_string_equal(q.broken, "too many parameters in the query");
}

TEST(nul_in_a_query)
{
    struct query q;
    size_t len;
    query_parse(&q, &arena, "a=%00x%00%00&b=%00");
    assert_string_equal(query_get(&q, "a"), "\xC0\x80x\xC0\x80\xC0\x80");
    assert_string_equal(query_get(&q, "b"), "\xC0\x80");
    assert_string_equal(query_decode(&arena, "web%00", 6, false, &len), "web\xC0\x80");
    assert_int_equal(len, 5);
}

static int filters(const char *json, Sockerless__Filter ***out, size_t *count)
{
    return docker_json_filters(json, &arena, out, count, &err);
}

TEST(filters)
{
    Sockerless__Filter **f;
    size_t count;
    assert_int_equal(
        filters("{\"label\":[\"a\",\"b=c\",null,\"a\",\"n\\u0000\"],\"x\":null}", &f, &count), 0);
    assert_int_equal(count, 2);
    assert_string_equal(f[0]->key, "label");
    assert_int_equal(f[0]->n_values, 4);
    assert_string_equal(f[0]->values[1], "b=c");
    assert_string_equal(f[0]->values[2], "");
    assert_string_equal(f[0]->values[3], "n\xC0\x80");
    assert_int_equal(f[1]->n_values, 0);
    assert_int_equal(
        filters("{\"status\":{\"running\":true,\"x\":false,\"y\":null},\"z\":{}}", &f, &count), 0);
    assert_int_equal(f[0]->n_values, 3);
    assert_string_equal(f[0]->values[0], "running");
    assert_int_equal(f[0]->n_off, 2);
    assert_string_equal(f[0]->off[0], "x");
    assert_string_equal(f[0]->off[1], "y");
    static const char *const none[] = {"", "{}", "null", " null "};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        assert_int_equal(filters(none[i], &f, &count), 0);
        assert_int_equal(count, 0);
    }
}

/* dockerd 20.10's words, behind those of newer ones. */
TEST(filters_refused)
{
    static const struct {
        const char *json, *words;
    } bad[] = {
        {"nope", "invalid character 'o' in literal null (expecting 'u')"},
        {"{\"a\":", "unexpected end of JSON input"},
        {" ", "unexpected end of JSON input"},
        {"{} x", "invalid character 'x' after top-level value"},
        {"[]", "json: cannot unmarshal array into Go value of type map[string]map[string]bool"},
        {"3", "json: cannot unmarshal number into Go value of type map[string]map[string]bool"},
        {"{\"a\":\"b\"}", "json: cannot unmarshal string into Go value of type map[string]bool"},
        {"{\"a\":[1]}", "json: cannot unmarshal array into Go value of type map[string]bool"},
        {"{\"a\":{\"b\":1}}", "json: cannot unmarshal number into Go value of type bool"},
        {"{\"a\":[\"b\"],\"c\":{\"d\":true}}",
         "json: cannot unmarshal array into Go value of type map[string]bool"},
    };
    Sockerless__Filter **f;
    size_t count;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char want[256];
        snprintf(want, sizeof want, "invalid filter: %s", bad[i].words);
        assert_int_equal(filters(bad[i].json, &f, &count), -1);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        assert_string_equal(err.message, want);
    }
}

/* ---- router ---- */

static const struct http_handler *resolve(struct exchange *x, uint8_t method, const char *target)
{
    *x = (struct exchange){.method = method, .target = target};
    x->arena = arena; /* shares the block list; only the copy grows from here */
    x->handler = router_resolve(x);
    arena = x->arena;
    arena.protobuf.allocator_data = &arena;
    return x->handler;
}

TEST(router)
{
    struct exchange x, y;
    const struct http_handler *inspect =
        resolve(&x, HTTP_GET, "/v1.41/containers/a%2Fb/json?size=1");
    assert_string_equal(x.arg, "a/b");
    assert_int_equal(x.api, 41);
    assert_true(query_bool(&x.query, "size", false));
    assert_ptr_equal(resolve(&x, HTTP_GET, "/containers/web/json"), inspect);
    assert_int_equal(x.api, API_MINOR_MAX);
    assert_ptr_not_equal(resolve(&x, HTTP_GET, "/containers/json"), inspect);
    const struct http_handler *missing = resolve(&x, HTTP_GET, "/nope");
    static const char *const unknown[] = {
        "/",       "/containers",      "/containers/nope", "/1.41/version", "/vabc/version",
        "/_ping/", "/containers/json/"};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        assert_ptr_equal(resolve(&x, HTTP_GET, unknown[i]), missing);
    assert_ptr_equal(resolve(&x, HTTP_POST, "/_ping"), missing);
    assert_ptr_equal(resolve(&x, HTTP_HEAD, "/version"), missing);
    assert_ptr_equal(resolve(&x, HTTP_GET, "/v9.9/nope"), missing);
    resolve(&x, HTTP_GET, "/images/reg:5000/a/b:c@sha256:0/json");
    assert_string_equal(x.arg, "reg:5000/a/b:c@sha256:0");
    assert_ptr_equal(resolve(&x, HTTP_GET, "/v1.45/info"), resolve(&y, HTTP_GET, "/v2/info"));
    assert_ptr_equal(resolve(&x, HTTP_GET, "/v1.44.1/info"), x.handler);
    assert_string_equal(x.arg, "1.44.1");
    assert_ptr_equal(resolve(&x, HTTP_GET, "/v1.23/info"), resolve(&y, HTTP_GET, "/v1/info"));
    resolve(&x, HTTP_GET, "//containers/./x/../json/?a=b");
    assert_string_equal(x.arg, "/containers/json/?a=b");
    resolve(&x, HTTP_GET, "/../version");
    assert_string_equal(x.arg, "/version");
    assert_null(resolve(&x, HTTP_GET, "nope"));
    assert_null(resolve(&x, HTTP_GET, "/%zz"));
}

/* ---- create ---- */

static Sockerless__ContainerCreateRequest request; /* the last one that was read */

static int create(const char *json)
{
    sockerless__container_create_request__init(&request);
    json_t *root = docker_json_load(json, strlen(json), &err);
    if (!root)
        return -1;
    int rc = docker_json_create(root, &arena, &request, &err);
    json_decref(root);
    return rc;
}

TEST(create_fields)
{
    const char *body =
        "{\"image\":\"busybox:1\",\"Cmd\":\"true\",\"Entrypoint\":[\"sh\",\"-c\"],\"Env\":[\"A=1\","
        "\"B\"],\"ExposedPorts\":{\"80/tcp\":{}},\"Labels\":{\"a\":\"b\"},\"StopTimeout\":5,"
        "\"Tty\":true,\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"],\"Interval\":1000000000},"
        "\"Bogus\":[1],\"OnBuild\":null,\"Volumes\":{\"/data\":{}},"
        "\"HostConfig\":{\"Memory\":67108864,\"Binds\":[\"/a:/b\"],\"RestartPolicy\":{\"Name\":"
        "\"on-failure\",\"MaximumRetryCount\":3},\"AutoRemove\":true,\"Custom\":{\"x\":[1,2]}},"
        "\"NetworkingConfig\":{\"EndpointsConfig\":{\"net\":{\"Aliases\":[\"x\"]}}}} trailing";
    assert_int_equal(create(body), 0);
    assert_string_equal(request.config->image, "busybox:1");
    assert_int_equal(request.config->cmd->n_items, 1);
    assert_string_equal(request.config->cmd->items[0], "true");
    assert_int_equal(request.config->entrypoint->n_items, 2);
    assert_string_equal(request.config->env->items[1], "B");
    assert_string_equal(request.config->exposed_ports[0], "80/tcp");
    assert_string_equal(request.config->labels[0]->value, "b");
    assert_true(request.config->has_stop_timeout);
    assert_int_equal(request.config->stop_timeout_s, 5);
    assert_true(request.config->tty);
    assert_string_equal(request.config->healthcheck->test[0], "CMD");
    assert_int_equal(request.host->memory, 67108864);
    assert_string_equal(request.host->binds[0], "/a:/b");
    assert_string_equal(request.host->restart_policy, "on-failure");
    assert_int_equal(request.host->restart_max, 3);
    assert_true(request.host->auto_remove);
    assert_string_equal(request.host->network_mode, "default");
    assert_non_null(strstr((char *)request.networking_config_json.data, "{\"net\":"));
    const char *host = (char *)request.host_config_json.data;
    assert_non_null(strstr(host, "\"Custom\":{\"x\":[1,2]}"));
    assert_non_null(strstr(host, "\"MemorySwap\":134217728"));
    assert_non_null(strstr(host, "\"Binds\":[\"/a:/b\"]"));
}

TEST(create_refused)
{
    static const struct {
        const char *body, *text;
    } cases[] = {
        {"", "EOF"},
        {"[]", "cannot unmarshal array into Go value of type runconfig.ContainerConfigWrapper"},
        {"\"x\"", "cannot unmarshal string"},
        {"{\"Image\":7}", "cannot unmarshal number into Go struct field"},
        {"{\"Image\":\"x\",\"Cmd\":3}", "cannot unmarshal number"},
        {"{\"Image\":\"x\",\"Env\":{}}", "ContainerConfigWrapper.Env of type []string"},
        {"{\"Image\":\"x\",\"Env\":[1]}", "cannot unmarshal number"},
        {"{\"Image\":\"x\",\"Labels\":[]}", "of type map[string]string"},
        {"{\"Image\":\"x\",\"StopTimeout\":99999999999}", "of type int"},
        {"{\"Image\":\"x\",\"HostConfig\":[]}", "HostConfig"},
        {"{\"Image\":\"x\",\"HostConfig\":{\"Memory\":\"1g\"}}", "Memory of type int64"},
        {"{\"Image\":\"x\",\"HostConfig\":{\"Memory\":1.5}}", "number 1.5"},
        {"{\"Image\":\"x\",\"HostConfig\":{\"CapAdd\":7}}", "CapAdd"},
        {"{\"Image\":\"x\",\"NetworkingConfig\":3}", "NetworkingConfig"},
        {"{\"Image\":\"x\",\"Healthcheck\":3}", "Healthcheck"},
        {"\xef\xbb\xbf{}", "invalid JSON"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(create(cases[i].body), -1);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        if (!strstr(err.message, cases[i].text))
            fail_msg("%s: %s", cases[i].body, err.message);
    }
}

/* Whether a value makes sense is the backend's question. */
TEST(create_without_config)
{
    static const char *const bodies[] = {"{}", "null", "{\"HostConfig\":{}}", "{\"Unknown\":1}"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        assert_int_equal(create(bodies[i]), 0);
        assert_null(request.config);
    }
    assert_int_equal(create("{\"Image\":\"x\",\"HostConfig\":{\"Memory\":-5,\"ShmSize\":-1}}"), 0);
    assert_int_equal(request.host->memory, -5);
    assert_int_equal(request.host->shm_size, -1);
}

TEST(create_large)
{
    AUTO(buf) struct buf body = BUF_INIT;
    buf_puts(&body, "{\"Image\":\"x\",\"Env\":[\"A=0\"");
    for (int i = 1; i < 10000; i++)
        buf_printf(&body, ",\"A%d=%d\"", i, i);
    buf_puts(&body, "],\"Cmd\":[\"");
    for (int i = 0; i < 300 * 1024; i++)
        buf_putc(&body, 'x');
    buf_puts(&body, "\"]}");
    assert_int_equal(create(body.data), 0);
    assert_int_equal(request.config->env->n_items, 10000);
    assert_int_equal(strlen(request.config->cmd->items[0]), 300 * 1024);
}

/* ---- answers: shapes, checked through a JSON parser ---- */

static json_t *inspect_of(const char *create_body, unsigned api)
{
    Sockerless__Container c = SOCKERLESS__CONTAINER__INIT;
    AUTO(buf) struct buf out = BUF_INIT;
    assert_int_equal(create(create_body), 0);
    c.id = (char *)(uintptr_t) "1234";
    c.name = (char *)(uintptr_t) "web";
    c.config = request.config;
    c.host = request.host;
    c.host_config_json = request.host_config_json;
    docker_json_put_container(&out, &c, api, false);
    json_t *root = json_loads(out.data, 0, NULL);
    assert_non_null(root);
    return root;
}

static json_t *at(json_t *root, const char *a, const char *b)
{
    return json_object_get(json_object_get(root, a), b);
}

TEST(inspect_shape)
{
    json_t *root = inspect_of("{\"Image\":\"x\",\"HostConfig\":{\"MemorySwappiness\":-1,"
                              "\"PidsLimit\":0,\"NetworkMode\":\"\",\"LogConfig\":{\"Type\":\"\","
                              "\"Config\":{}},\"ShmSize\":0}}",
                              44);
    assert_null(at(root, "Config", "Healthcheck"));
    assert_true(json_is_null(at(root, "Config", "Env")));
    assert_true(json_is_null(at(root, "Config", "Cmd")));
    assert_true(json_is_null(at(root, "Config", "Entrypoint")));
    assert_true(json_is_null(at(root, "Config", "Volumes")));
    assert_true(json_is_object(at(root, "Config", "Labels")));
    assert_null(at(root, "Config", "StopSignal"));
    assert_string_equal(json_string_value(at(root, "State", "Status")), "created");
    assert_string_equal(json_string_value(at(root, "State", "StartedAt")), "0001-01-01T00:00:00Z");
    assert_string_equal(json_string_value(json_object_get(root, "Name")), "/web");
    assert_true(json_is_null(json_object_get(root, "ExecIDs")));
    assert_true(json_is_array(json_object_get(root, "Args")));
    assert_true(json_is_array(json_object_get(root, "Mounts")));
    assert_true(json_is_null(at(root, "HostConfig", "MemorySwappiness")));
    assert_true(json_is_null(at(root, "HostConfig", "PidsLimit")));
    assert_string_equal(json_string_value(at(root, "HostConfig", "NetworkMode")), "default");
    assert_int_equal(json_integer_value(at(root, "HostConfig", "ShmSize")), 67108864);
    json_t *log = at(root, "HostConfig", "LogConfig");
    assert_string_equal(json_string_value(json_object_get(log, "Type")), "json-file");
    assert_true(json_is_array(at(root, "HostConfig", "MaskedPaths")));
    json_t *networks = at(root, "NetworkSettings", "Networks");
    assert_true(json_is_null(at(networks, "bridge", "IPAMConfig")));
    assert_non_null(json_object_get(json_object_get(networks, "bridge"), "DNSNames"));
    json_decref(root);
}

TEST(status_words)
{
    const int64_t s = 1000000000;
    static const struct {
        int64_t seconds;
        const char *text;
    } durations[] = {{0, "Less than a second"}, {1, "1 second"},         {59, "59 seconds"},
                     {60, "About a minute"},    {150, "2 minutes"},      {3600, "About an hour"},
                     {7200, "2 hours"},         {3 * 86400, "3 days"},   {21 * 86400, "3 weeks"},
                     {90 * 86400, "3 months"},  {800 * 86400, "2 years"}};
    char text[64];
    for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
        docker_json_human_duration(durations[i].seconds * s, text, sizeof(text));
        assert_string_equal(text, durations[i].text);
    }
    Sockerless__Container c = SOCKERLESS__CONTAINER__INIT;
    docker_json_status_text(&c, 10 * s, text, sizeof(text));
    assert_string_equal(text, "Created");
    c.state = SOCKERLESS__CONTAINER_STATE__RUNNING;
    c.started_at = 8 * s;
    c.health = (char *)(uintptr_t) "starting";
    docker_json_status_text(&c, 10 * s, text, sizeof(text));
    assert_string_equal(text, "Up 2 seconds (health: starting)");
    c.state = SOCKERLESS__CONTAINER_STATE__EXITED;
    c.exit_code = 137;
    c.finished_at = 10 * s - 180 * s;
    docker_json_status_text(&c, 10 * s, text, sizeof(text));
    assert_string_equal(text, "Exited (137) 3 minutes ago");
}

TEST(list_and_images)
{
    char *args[] = {(char *)(uintptr_t) "-c", (char *)(uintptr_t) "sleep 1; exit"};
    Sockerless__Container c = SOCKERLESS__CONTAINER__INIT, *list[] = {&c};
    Sockerless__ContainerListReply r = SOCKERLESS__CONTAINER_LIST_REPLY__INIT;
    Sockerless__Image image = SOCKERLESS__IMAGE__INIT;
    AUTO(buf) struct buf out = BUF_INIT;
    c.path = (char *)(uintptr_t) "sh";
    c.args = args;
    c.n_args = 2;
    r.containers = list;
    r.n_containers = 1;
    docker_json_put_container_list(&out, &r, 44, 0);
    assert_non_null(strstr(out.data, "\"Command\":\"sh -c 'sleep 1; exit'\""));
    assert_non_null(strstr(out.data, "\"Labels\":{}"));
    assert_non_null(strstr(out.data, "\"Ports\":[]"));
    buf_clear(&out);
    docker_json_put_image(&out, &image, 43);
    assert_non_null(strstr(out.data, "\"VirtualSize\":0"));
    assert_non_null(strstr(out.data, "\"RepoTags\":[]"));
    buf_clear(&out);
    docker_json_put_image(&out, &image, 44);
    assert_null(strstr(out.data, "VirtualSize"));
}

TEST(exec_shapes)
{
    Sockerless__ExecCreateRequest create_request = SOCKERLESS__EXEC_CREATE_REQUEST__INIT;
    Sockerless__ExecInspectReply r = SOCKERLESS__EXEC_INSPECT_REPLY__INIT;
    Sockerless__ExecStartOpen start = SOCKERLESS__EXEC_START_OPEN__INIT;
    AUTO(buf) struct buf out = BUF_INIT;
    json_t *root = docker_json_load("{\"Cmd\":[\"sh\",\"-c\"],\"Tty\":true}", 31, &err);
    assert_non_null(root);
    assert_int_equal(docker_json_exec_create(root, &arena, &create_request, &err), 0);
    json_decref(root);
    r.config = &create_request;
    docker_json_put_exec(&out, &r);
    assert_non_null(strstr(out.data, "\"ExitCode\":null"));
    assert_non_null(strstr(out.data, "\"entrypoint\":\"sh\",\"arguments\":[\"-c\"]"));
    sockerless__exec_create_request__init(&create_request);
    root = docker_json_load("{\"Cmd\":[]}", 10, &err);
    assert_int_equal(docker_json_exec_create(root, &arena, &create_request, &err), 0);
    assert_int_equal(create_request.n_cmd, 0); /* the backend refuses it */
    json_decref(root);
    root = docker_json_load("{\"ConsoleSize\":[24,80],\"Detach\":true}", 37, &err);
    assert_int_equal(docker_json_exec_start(root, &start, &err), 0);
    json_decref(root);
    assert_int_equal(start.height, 24);
    assert_int_equal(start.width, 80);
    assert_true(start.detach);
}

static void check_progress(const Sockerless__Progress *p, const char *want)
{
    AUTO(buf) struct buf out = BUF_INIT;
    docker_json_put_progress(&out, p);
    assert_string_equal(out.data, want);
}

#define PUSHING(current_, total_, want)                                                            \
    do {                                                                                           \
        Sockerless__Progress p_ = SOCKERLESS__PROGRESS__INIT;                                      \
        p_.status = (char *)(uintptr_t) "Pushing";                                                 \
        p_.id = (char *)(uintptr_t) "a";                                                           \
        p_.current = (current_);                                                                   \
        p_.total = (total_);                                                                       \
        check_progress(&p_,                                                                        \
                       "{\"status\":\"Pushing\",\"progressDetail\":" want ",\"id\":\"a\"}\r\n");   \
    } while (0)
#define BAR_50 "=================================================="
#define GAP_50 "                                                  "

/* As recorded from dockerd. */
TEST(progress)
{
    PUSHING(19968, 1984348,
            "{\"current\":19968,\"total\":1984348},\"progress\":\"[>" GAP_50
            "]  19.97kB/1.984MB\"");
    PUSHING(1646080, 1984348,
            "{\"current\":1646080,\"total\":1984348},\"progress\":"
            "\"[=========================================>         ]  1.646MB/1.984MB\"");
    PUSHING(2129920, 1984348,
            "{\"current\":2129920,\"total\":1984348},\"progress\":\"[" BAR_50 ">]   2.13MB\"");
    PUSHING(512, 6, "{\"current\":512,\"total\":6},\"progress\":\"[" BAR_50 ">]     512B\"");
    PUSHING(97, 97, "{\"current\":97,\"total\":97},\"progress\":\"[" BAR_50 ">]      97B/97B\"");
    PUSHING(1536, 0, "{\"current\":1536},\"progress\":\" 1.536kB\"");
    PUSHING(0, 3000000, "{\"total\":3000000},\"progress\":\"[>" GAP_50 "]       0B/3MB\"");
    PUSHING(0, 0, "{}");
    PUSHING(-1, -1, "{}");
    PUSHING(INT64_MAX, INT64_MAX,
            "{\"current\":9223372036854775807,\"total\":9223372036854775807},\"progress\":"
            "\"[" BAR_50 ">]  9.223EB/9.223EB\"");
    PUSHING(INT64_MAX, 1,
            "{\"current\":9223372036854775807,\"total\":1},\"progress\":"
            "\"[" BAR_50 ">]  9.223EB\"");
}

TEST(progress_words)
{
    Sockerless__Progress p = SOCKERLESS__PROGRESS__INIT;
    Sockerless__PushedImage pushed = SOCKERLESS__PUSHED_IMAGE__INIT;
    p.stream = (char *)(uintptr_t) "Loaded image: oracle:full\n";
    check_progress(&p, "{\"stream\":\"Loaded image: oracle:full\\n\"}\r\n");
    p.stream = (char *)(uintptr_t) "";
    p.status = (char *)(uintptr_t) "Pulling from full";
    p.id = (char *)(uintptr_t) "1";
    check_progress(&p, "{\"status\":\"Pulling from full\",\"id\":\"1\"}\r\n");
    p.id = (char *)(uintptr_t) "";
    p.status = (char *)(uintptr_t) "sha256:aa";
    check_progress(&p, "{\"status\":\"sha256:aa\"}\r\n");
    p.status = (char *)(uintptr_t) "";
    pushed.tag = (char *)(uintptr_t) "1";
    pushed.digest = (char *)(uintptr_t) "sha256:aa";
    pushed.size = 527;
    p.aux = &pushed;
    check_progress(&p, "{\"progressDetail\":{},\"aux\":{\"Tag\":\"1\",\"Digest\":\"sha256:aa\","
                       "\"Size\":527}}\r\n");
}
