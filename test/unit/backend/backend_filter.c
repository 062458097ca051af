/* SPDX-License-Identifier: Apache-2.0
 *
 * Container list, its filters, inspect and info, asked through the RPC server. The expectations are
 * those of a recorded dockerd.
 */
#include "backend/container/container_ports.h"
#include "backend/container/name_generator.h"
#include "test/kit/ask.h"
#include "test/kit/test.h"

struct sample {
    const char *name, *image, *image_id, *network, *bind, *volume, *port, *health, *bindings;
    const char *label; /* key=value */
    Sockerless__ContainerState state;
    int exit_code;
    bool started;
};

#define BUSYBOX_ID "sha256:876e60f58c2a6914ec94ee141884264274399d328d030d3fae1fb733d01560a4"
#define FULL_ID "sha256:e6110593f1b7a5f9ecf360a7a5119aad087a7a73c9fc97083856fc15843d6c6d"

static const struct sample samples[] = {
    /* oldest first */
    {.name = "p_run",
     .image = "busybox:1",
     .image_id = BUSYBOX_ID,
     .network = "n37",
     .bind = "v37:/data:ro",
     .port = "80/tcp",
     .label = "a=1",
     .started = true,
     .bindings =
         "{\"Other\":1,\"PortBindings\":{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"18090\"}]}}",
     .state = SOCKERLESS__CONTAINER_STATE__RUNNING},
    {.name = "p_created", .image = "busybox:1", .image_id = BUSYBOX_ID, .label = "a=2"},
    {.name = "p_exit0",
     .image = "busybox:1",
     .image_id = BUSYBOX_ID,
     .started = true,
     .state = SOCKERLESS__CONTAINER_STATE__EXITED},
    {.name = "p_exit3",
     .image = "busybox:1",
     .image_id = BUSYBOX_ID,
     .started = true,
     .state = SOCKERLESS__CONTAINER_STATE__EXITED,
     .exit_code = 3},
    {.name = "p_pause",
     .image = "busybox:1",
     .image_id = BUSYBOX_ID,
     .network = "host",
     .started = true,
     .state = SOCKERLESS__CONTAINER_STATE__PAUSED},
    {.name = "p_full",
     .image = "oracle:full",
     .image_id = FULL_ID,
     .volume = "/data",
     .port = "443/udp",
     .health = "unhealthy",
     .started = true,
     .state = SOCKERLESS__CONTAINER_STATE__STOPPING},
    {.name = "p_starting",
     .image = "gone:1",
     .image_id = "sha256:00",
     .state = SOCKERLESS__CONTAINER_STATE__STARTING},
};

static struct container *add_sample(const struct sample *s, int64_t created)
{
    Sockerless__Container v = SOCKERLESS__CONTAINER__INIT;
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    Sockerless__HostOptions host = SOCKERLESS__HOST_OPTIONS__INIT;
    Sockerless__StringList env = SOCKERLESS__STRING_LIST__INIT;
    Sockerless__KeyValue label = SOCKERLESS__KEY_VALUE__INIT, *labels = &label;
    char id[ID_HEX_LEN + 1], key[2] = "";
    char *bind = (char *)s->bind, *volume = (char *)s->volume, *port = (char *)s->port;
    char *variable = (char *)"SECRET=1";
    id_new(id);
    v.id = id;
    v.name = (char *)s->name;
    v.created = created;
    v.image = config.image = (char *)s->image;
    v.image_id = (char *)s->image_id;
    v.state = s->state;
    v.exit_code = s->exit_code;
    v.started_at = s->started ? created + 1 : 0;
    if (s->health)
        v.health = (char *)s->health;
    v.config = &config;
    v.host = &host;
    env.n_items = 1;
    env.items = &variable;
    config.env = &env;
    if (s->label) {
        key[0] = s->label[0];
        label.key = key;
        label.value = (char *)s->label + 2;
        config.labels = &labels;
        config.n_labels = 1;
    }
    config.exposed_ports = &port;
    config.n_exposed_ports = port ? 1 : 0;
    config.volumes = &volume;
    config.n_volumes = volume ? 1 : 0;
    host.network_mode = (char *)(s->network ? s->network : "default");
    host.binds = &bind;
    host.n_binds = bind ? 1 : 0;
    if (s->bindings) {
        v.host_config_json.data = (uint8_t *)s->bindings;
        v.host_config_json.len = strlen(s->bindings);
    }
    struct container *c = container_new(&rig.backend, &v);
    container_table_add(&rig.backend.containers, c);
    return c;
}

static void open_samples(void)
{
    backend_rig_open(RIG_STORE);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++)
        add_sample(&samples[i], 1000 + (int64_t)i);
    RIG_IMAGE(.id = BUSYBOX_ID, .tags = {"busybox:1"});
    RIG_IMAGE(.id = FULL_ID, .tags = {"oracle:full"});
}

TEST_RIG(samples, open_samples(), backend_rig_close());

/* ---- asking ---- */

struct list_question {
    bool all;
    int32_t limit;
    ask_filters filters;
};

static void expect_names(const struct list_question *q, const char *expected)
{
    const Sockerless__Reply *reply = ask_list(q->all, q->limit, q->filters);
    char names[512] = "";
    if (!reply)
        fail_msg("%s: %s", q->filters[0], rig.err.message);
    for (size_t i = 0; i < reply->container_list->n_containers; i++) {
        strcat(names, i ? " " : "");
        strcat(names, reply->container_list->containers[i]->name + 2);
    }
    if (strcmp(names, expected) != 0)
        fail_msg("%s=%s: \"%s\" instead of \"%s\"", q->filters[0], q->filters[1], names, expected);
}

#define LIST(expected, ...) expect_names(&(struct list_question){__VA_ARGS__}, expected)
#define FILTER(expected, ...) LIST(expected, .all = true, .filters = {__VA_ARGS__})

static void expect_refusal(const char *key, const char *value, enum error_code code,
                           const char *message)
{
    assert_null(ask_list(false, 0, (ask_filters){key, value}));
    ask_expect_error(code, message);
}

/* ---- tests ---- */

TEST_USING(samples, list)
{
    LIST("full pause run");
    LIST("starting full pause exit3 exit0 created run", .all = true);
    LIST("starting full", .limit = 2);
    LIST("exit3 exit0", .filters = {"status", "exited"});
    LIST("exit3", .filters = {"exited", "3"});
    const Sockerless__Reply *reply = ask_list(false, 0, (ask_filters){"name", "p_run"});
    const Sockerless__Container *c = reply->container_list->containers[0];
    assert_null(c->config->env);
    assert_int_equal(c->host_config_json.len, 0);
    assert_string_equal(c->config->labels[0]->key, "a");
    assert_string_equal(c->config->exposed_ports[0], "80/tcp");
    assert_string_equal(c->host->network_mode, "n37");
    assert_string_equal(c->image, "busybox:1");
}

TEST_USING(samples, filters)
{
    char id[ID_HEX_LEN + 1];
    strcpy(id, rig.backend.containers.oldest->id);
    FILTER("run", "id", id);
    id[12] = '\0';
    FILTER("run", "id", id);
    FILTER("", "id", id + 1); /* not its beginning */
    FILTER("", "id", "");
    FILTER("", "id", "^");
    FILTER("run", "id", "", "id", id);
    FILTER("", "id", id, "name", "p_exit0");
    FILTER("run", "id", id, "name", "p_r");
    FILTER("", "name", "*p_run*");
    FILTER("run", "name", "(bad", "name", "(?i)P_RUN");
    FILTER("exit3 exit0", "name", "p_exit");
    FILTER("run", "name", "^p_run$");
    FILTER("run", "name", "^/p_run$");
    FILTER("run", "name", "/p_run");
    FILTER("pause run", "name", "^/?p_(run|pause)$");
    FILTER("pause run", "name", "p_run", "name", "p_pause");
    FILTER("", "name", "^run");
    FILTER("created run", "label", "a");
    FILTER("run", "label", "a=1");
    FILTER("", "label", "zz");
    FILTER("run", "label", "a", "label", "a=1");
    FILTER("", "label", "a=1", "label", "a=2");
    FILTER("full run", "status", "running");
    FILTER("starting created", "status", "created");
    FILTER("", "status", "restarting");
    FILTER("exit3 exit0 created", "status", "exited", "status", "created", "name", "p_[ec]");
    FILTER("exit0", "exited", "0");
    FILTER("pause exit3 exit0 created run", "ancestor", "busybox:1");
    FILTER("pause exit3 exit0 created run", "ancestor", "876e60f58c2a");
    FILTER("full", "ancestor", FULL_ID);
    FILTER("starting", "ancestor", "gone:1");
    FILTER("", "ancestor", "busybox");
    FILTER("created run", "before", "p_exit0");
    FILTER("starting full pause exit3", "since", "p_exit0");
    FILTER("run", "volume", "v37");
    FILTER("full run", "volume", "/data");
    FILTER("", "volume", "/dat");
    FILTER("run", "network", "n37");
    FILTER("starting full exit3 exit0 created", "network", "bridge");
    FILTER("pause", "network", "host");
    FILTER("run", "publish", "18090");
    FILTER("run", "publish", "18090/tcp");
    FILTER("run", "publish", "18000-18100");
    FILTER("", "publish", "80");
    FILTER("run", "expose", "80");
    FILTER("", "expose", "443");
    FILTER("full", "expose", "443/udp");
    FILTER("", "expose", "80/x");
    FILTER("full", "health", "unhealthy");
    FILTER("starting pause exit3 exit0 created run", "health", "none");
    FILTER("", "is-task", "true");
    FILTER("full", "is-task", "false", "name", "full");
}

static size_t count_listed(const char *key)
{
    Sockerless__Filter filter = SOCKERLESS__FILTER__INIT, *filters = &filter;
    Sockerless__ContainerListRequest list = SOCKERLESS__CONTAINER_LIST_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    filter.key = (char *)(uintptr_t)key;
    list.all = true;
    list.filters = &filters;
    list.n_filters = 1;
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_LIST;
    request.container_list = &list;
    const Sockerless__Reply *reply = ask(&request);
    if (!reply)
        fail_msg("%s: %s", key, rig.err.message);
    return reply->container_list->n_containers;
}

/* A key without a value finds nothing where dockerd looks for the key; else it is as if not given.
 */
TEST_USING(samples, keys_without_values)
{
    static const char *const nothing[] = {"ancestor", "volume", "network", "is-task"};
    static const char *const all[] = {"id",     "name",   "label",   "status", "exited",
                                      "health", "expose", "publish", "before", "since"};
    for (size_t i = 0; i < ARRAY_LEN(nothing); i++)
        assert_int_equal(count_listed(nothing[i]), 0);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        assert_int_equal(count_listed(all[i]), ARRAY_LEN(samples));
}

TEST_USING(samples, refusals)
{
    expect_refusal("bogus", "1", ERROR_INVALID_PARAMETER, "Invalid filter 'bogus'");
    expect_refusal("status", "bogus", ERROR_INVALID_PARAMETER, "Invalid filter 'status=bogus'");
    expect_refusal("health", "ill", ERROR_INVALID_PARAMETER,
                   "Unrecognised filter value for health: ill");
    expect_refusal("exited", "x", ERROR_INVALID_PARAMETER,
                   "strconv.Atoi: parsing \"x\": invalid syntax");
    expect_refusal("is-task", "x", ERROR_INVALID_PARAMETER, "Invalid filter 'is-task=[x]'");
    expect_refusal("publish", "80-70", ERROR_INVALID_PARAMETER,
                   "error while looking up for publish 80-70: not a port or a range of ports");
    expect_refusal("before", "nope", ERROR_SYSTEM, "no such container nope");
    FILTER("", "name", "a(b"); /* moby skips what it cannot compile */
    char *huge = xmalloc(100001);
    memset(huge, '(', 100000);
    huge[100000] = '\0';
    assert_null(ask_list(false, 0, (ask_filters){"name", huge}));
    assert_int_equal(rig.err.code, ERROR_INVALID_PARAMETER);
    free(huge);
}

/* {"health":{"none":false}}: given, and yet equal to nothing; what is compared by pattern or looked
 * up is as without the false. */
TEST_USING(samples, values_that_are_off)
{
    static const struct {
        const char *key, *value;
        size_t count;
    } cases[] = {{"name", "p_run", 1}, {"health", "none", 0}, {"since", "p_exit0", 4}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
        Sockerless__ContainerListRequest list = SOCKERLESS__CONTAINER_LIST_REQUEST__INIT;
        Sockerless__Filter filter = SOCKERLESS__FILTER__INIT, *filters[] = {&filter};
        char *value = (char *)(uintptr_t)cases[i].value;
        filter.key = (char *)(uintptr_t)cases[i].key;
        filter.values = filter.off = &value;
        filter.n_values = filter.n_off = 1;
        list.all = true;
        list.filters = filters;
        list.n_filters = 1;
        request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_LIST;
        request.container_list = &list;
        assert_int_equal(ask(&request)->container_list->n_containers, cases[i].count);
    }
}

TEST_USING(samples, ports)
{
    struct container_ports r;
    assert_true(container_ports_parse("65535/sctp", &r));
    static const char *const bad[] = {"",
                                      "x",
                                      "-1",
                                      "65536",
                                      "80-",
                                      "80/",
                                      "80/tcp/",
                                      "80-70",
                                      " 80",
                                      "80 ",
                                      "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(container_ports_parse(bad[i], &r));
}

TEST_USING(samples, inspect_info)
{
    const Sockerless__Container *c = ask_inspect("p_run")->container_inspect->container;
    assert_string_equal(c->config->env->items[0], "SECRET=1");
    assert_true(c->host_config_json.len > 0);
    assert_null(ask_inspect("nope"));
    assert_string_equal(rig.err.message, "No such container: nope");

    Sockerless__InfoRequest info = SOCKERLESS__INFO_REQUEST__INIT;
    const Sockerless__InfoReply *i = ask_with(SOCKERLESS__REQUEST__OP_INFO, &info)->info;
    assert_int_equal(i->containers, 7);
    assert_int_equal(i->containers_running, 2);
    assert_int_equal(i->containers_paused, 1);
    assert_int_equal(i->containers_stopped, 4);
    assert_int_equal(i->images, 2);
    assert_string_equal(i->architecture, "x86_64");
    assert_string_equal(i->operating_system, "a cloud of paper");
}

TEST_USING(samples, names)
{
    for (int i = 0; i < 2000; i++) {
        char name[CONTAINER_NAME_MAX + 1];
        struct error err;
        name_generate(&rig.backend.containers, name);
        assert_non_null(strchr(name, '_'));
        assert_null(container_find(&rig.backend.containers, name, &err));
        add_sample(&(struct sample){.name = name, .image = "i", .image_id = "i"}, 5000 + i);
    }
}
