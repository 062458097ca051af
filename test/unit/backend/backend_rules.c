/* SPDX-License-Identifier: Apache-2.0
 *
 * What dockerd refuses in requests whose values are of the right types: its words, its codes, and
 * which of several faults it names. The expectations are those of dockerd 20.10.
 */
#include "test/kit/ask.h"
#include "test/kit/rig_client.h"
#include "test/kit/test.h"

#define ID "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NAME_RULE(name)                                                                            \
    "Invalid container name (" name "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"

static int rules_setup(void **state)
{
    backend_rig_setup(state);
    rig_image_put(&(struct rig_image){.id = ID, .tags = {"here:1"}, .no_command = true});
    return 0;
}

static int rules_teardown(void **state)
{
    return backend_rig_teardown(state);
}

static Sockerless__Request request;

/* ---- create ---- */

static Sockerless__ContainerConfig config;
static Sockerless__HostOptions host;
static Sockerless__StringList command;
static char *command_words[] = {(char *)"true"};

/* A good request, for a case to spoil. */
static void reset(void)
{
    sockerless__container_config__init(&config);
    sockerless__host_options__init(&host);
    sockerless__string_list__init(&command);
    command.items = command_words;
    command.n_items = 1;
    config.image = (char *)"here:1";
    config.cmd = &command;
}

static bool create_with(const char *name, bool with_config)
{
    return ask_create(name, with_config ? &config : NULL, &host) != NULL;
}

static void create_refused(const char *name, enum error_code code, const char *message)
{
    assert_false(create_with(name, true));
    ask_expect_error(code, message);
    reset();
}

TEST_USING(rules, names)
{
    reset();
    create_refused("a", ERROR_INVALID_PARAMETER, NAME_RULE("a"));
    create_refused("-web", ERROR_INVALID_PARAMETER, NAME_RULE("-web"));
    create_refused("/-a", ERROR_INVALID_PARAMETER, NAME_RULE("/-a"));
    create_refused("/", ERROR_INVALID_PARAMETER, NAME_RULE("/"));
    create_refused("we b", ERROR_INVALID_PARAMETER, NAME_RULE("we b"));
    create_refused("w\xc3\xa9", ERROR_INVALID_PARAMETER, NAME_RULE("w\xc3\xa9"));
    assert_true(create_with("web-1_x.y", true));
    assert_true(create_with("/web", true));
    assert_true(create_with("", true));
    char message[256];
    snprintf(
        message, sizeof message,
        "Conflict. The container name \"/web\" is already in use by container \"%s\". You have "
        "to remove (or rename) that container to be able to reuse that name.",
        rig.backend.containers.newest->older->id);
    create_refused("web", ERROR_CONFLICT, message);
}

TEST_USING(rules, host_sizes)
{
    static const struct {
        int64_t memory, nano_cpus, cpu_period, cpu_quota, shm_size;
        const char *message; /* NULL: accepted */
    } cases[] = {
        {.memory = 4096, .message = "Minimum memory limit allowed is 6MB"},
        {.memory = -5, .message = "Minimum memory limit allowed is 6MB"},
        {.memory = 6 * 1024 * 1024, .message = NULL},
        {.nano_cpus = -5, .message = "Range of CPUs begins at 0.01"},
        {.cpu_period = -1,
         .message = "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. "
                    "1000000)"},
        {.cpu_period = 1000001,
         .message = "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. "
                    "1000000)"},
        {.cpu_quota = 999, .message = "CPU cfs quota can not be less than 1ms (i.e. 1000)"},
        {.cpu_period = 1000, .cpu_quota = 1000, .message = NULL},
        {.cpu_quota = -1, .message = NULL},
        {.shm_size = -1, .message = "SHM size can not be less than 0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        reset();
        host.memory = cases[i].memory;
        host.nano_cpus = cases[i].nano_cpus;
        host.cpu_period = cases[i].cpu_period;
        host.cpu_quota = cases[i].cpu_quota;
        host.shm_size = cases[i].shm_size;
        assert_int_equal(create_with("", true), cases[i].message == NULL);
        if (cases[i].message)
            ask_expect_error(ERROR_INVALID_PARAMETER, cases[i].message);
    }
}

#define MIB (1024 * 1024)

TEST_USING(rules, host_values)
{
    static const struct {
        Sockerless__HostOptions with;
        const char *message; /* NULL: accepted */
    } cases[] = {
        {{.memory_swap = 1},
         "You should always set the Memory limit when using Memoryswap limit, see usage"},
        {{.memory = 16 * MIB, .memory_swap = 1},
         "Minimum memoryswap limit should be larger than memory limit, see usage"},
        {{.memory = 16 * MIB, .memory_swap = -1}, NULL},
        {{.memory_reservation = 1}, "Minimum memory reservation allowed is 6MB"},
        {{.memory = 16 * MIB, .memory_reservation = 17 * MIB},
         "Minimum memory limit can not be less than memory reservation limit, see usage"},
        {{.kernel_memory = 1}, "Minimum kernel memory limit allowed is 6MB"},
        {{.kernel_memory = -1, .memory_reservation = -1}, NULL},
        {{.has_memory_swappiness = true, .memory_swappiness = 101},
         "Invalid value: 101, valid memory swappiness range is 0-100"},
        {{.has_memory_swappiness = true, .memory_swappiness = -1}, NULL},
        {{.oom_score_adj = -1001}, "Invalid value -1001, range for oom score adj is [-1000, 1000]"},
        {{.nano_cpus = 5, .cpu_period = 5000},
         "Conflicting options: Nano CPUs and CPU Period cannot both be set"},
        {{.nano_cpus = 5, .cpu_quota = 5000},
         "Conflicting options: Nano CPUs and CPU Quota cannot both be set"},
        {{.cgroupns_mode = (char *)"bogus"}, "invalid cgroup namespace mode: bogus"},
        {{.cgroupns_mode = (char *)"host", .isolation = (char *)"default"}, NULL},
        {{.isolation = (char *)"bogus"},
         "Invalid isolation: \"bogus\" - linux only supports 'default'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        reset();
        ProtobufCMessage base = host.base;
        char *none = host.network_mode;
        host = cases[i].with;
        host.base = base;
        host.network_mode = host.restart_policy = none;
        host.isolation = host.isolation ? host.isolation : none;
        host.cgroupns_mode = host.cgroupns_mode ? host.cgroupns_mode : none;
        assert_int_equal(create_with("", true), cases[i].message == NULL);
        if (cases[i].message)
            ask_expect_error(ERROR_INVALID_PARAMETER, cases[i].message);
    }
}

TEST_USING(rules, capabilities)
{
    char *names[] = {(char *)"ALL", (char *)"net_admin", (char *)"CAP_SYS_TIME", (char *)"bogus"};
    reset();
    host.cap_add = host.cap_drop = names;
    host.n_cap_add = host.n_cap_drop = 3;
    assert_true(create_with("", true));
    host.n_cap_drop = 4;
    create_refused("", ERROR_INVALID_PARAMETER,
                   "invalid CapDrop: unknown capability: \"CAP_BOGUS\"");
}

TEST_USING(rules, config_values)
{
    Sockerless__Healthcheck health = SOCKERLESS__HEALTHCHECK__INIT;
    Sockerless__StringList env = SOCKERLESS__STRING_LIST__INIT;
    char *entries[] = {(char *)"=x"};
    static const char *const bad[] = {"BOGUS",       "0",           "SIGBOGUS", " ",
                                      "SIGRTMIN+99", "SIGRTMIN+16", "RTMAX-15", "1.5"};
    static const char *const good[] = {"SIGTERM",     "15",   "sigterm", "rtmin+1",
                                       "SIGRTMAX-14", "Usr1", "65",      "-1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char message[64];
        reset();
        config.stop_signal = (char *)bad[i];
        snprintf(message, sizeof message, "Invalid signal: %s", bad[i]);
        create_refused("", ERROR_INVALID_PARAMETER, message);
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        config.stop_signal = (char *)good[i];
        assert_true(create_with("", true));
    }
    reset();
    config.working_dir = (char *)"rel";
    create_refused("", ERROR_INVALID_PARAMETER,
                   "the working directory 'rel' is invalid, it needs to be an absolute path");
    env.items = entries;
    env.n_items = 1;
    config.env = &env;
    create_refused("", ERROR_INVALID_PARAMETER, "invalid environment variable: =x");
    config.healthcheck = &health;
    health.start_period_ns = 999999;
    create_refused("", ERROR_INVALID_PARAMETER,
                   "StartPeriod in Healthcheck cannot be less than 1ms");
    config.healthcheck = &health;
    health.retries = -1;
    create_refused("", ERROR_INVALID_PARAMETER, "Retries in Healthcheck cannot be negative");
}

TEST_USING(rules, restart_policies)
{
    static const struct {
        const char *name;
        int32_t most;
        bool auto_remove;
        const char *message; /* NULL: accepted */
    } cases[] = {
        {"", 0, true, NULL},
        {"no", 0, true, NULL},
        {"always", 0, false, NULL},
        {"unless-stopped", 0, false, NULL},
        {"on-failure", 3, false, NULL},
        {"always", 0, true, "can't create 'AutoRemove' container with restart policy"},
        {"bogus", 0, true, "can't create 'AutoRemove' container with restart policy"},
        {"bogus", 0, false, "invalid restart policy 'bogus'"},
        {"always", 3, false, "maximum retry count cannot be used with restart policy 'always'"},
        {"no", -1, false, "maximum retry count cannot be used with restart policy 'no'"},
        {"on-failure", -3, false, "maximum retry count cannot be negative"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        reset();
        host.restart_policy = (char *)cases[i].name;
        host.restart_max = cases[i].most;
        host.auto_remove = cases[i].auto_remove;
        assert_int_equal(create_with("", true), cases[i].message == NULL);
        if (cases[i].message)
            ask_expect_error(ERROR_INVALID_PARAMETER, cases[i].message);
    }
}

/* Configuration, host settings, image, command, name. */
TEST_USING(rules, create_order)
{
    reset();
    host.memory = 4096;
    assert_false(create_with("a", false));
    ask_expect_error(ERROR_INVALID_PARAMETER,
                     "Config cannot be empty in order to create a container");
    host.auto_remove = true;
    host.restart_policy = (char *)"always";
    create_refused("", ERROR_INVALID_PARAMETER,
                   "can't create 'AutoRemove' container with restart policy");
    host.memory = 4096;
    config.stop_signal = (char *)"BOGUS";
    create_refused("a", ERROR_INVALID_PARAMETER, "Invalid signal: BOGUS");
    host.memory = 4096;
    config.image = (char *)"nope:1";
    create_refused("a", ERROR_INVALID_PARAMETER, "Minimum memory limit allowed is 6MB");
    config.image = (char *)"nope:1";
    create_refused("a", ERROR_NOT_FOUND, "No such image: nope:1");
    config.cmd = NULL;
    create_refused("a", ERROR_INVALID_PARAMETER, "No command specified");
}

/* ---- others ---- */

TEST_USING(rules, exec_without_command)
{
    Sockerless__ExecCreateRequest r = SOCKERLESS__EXEC_CREATE_REQUEST__INIT;
    r.container = (char *)"nope";
    sockerless__request__init(&request);
    request.op_case = SOCKERLESS__REQUEST__OP_EXEC_CREATE;
    request.exec_create = &r;
    assert_null(ask(&request));
    ask_expect_error(ERROR_INVALID_PARAMETER, "No exec command specified");
    r.cmd = command_words;
    r.n_cmd = 1;
    assert_null(ask(&request));
    ask_expect_error(ERROR_NOT_FOUND, "No such container: nope");
}

TEST_USING(rules, logs_time)
{
    struct rig_client c;
    Sockerless__LogsOpen logs = SOCKERLESS__LOGS_OPEN__INIT;
    const char *id;
    reset();
    assert_true(create_with("", true));
    id = rig.backend.containers.newest->id;
    static const struct {
        bool there;
        enum error_code code;
        const char *message;
    } cases[] = {{false, ERROR_NOT_FOUND, "No such container: nope"},
                 {true, ERROR_INVALID_PARAMETER, "bad since"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        logs.ref = (char *)(uintptr_t)(cases[i].there ? id : "nope");
        logs.stdout = true;
        logs.bad_time = (char *)"bad since";
        rig_client_open(&c, SOCKERLESS__STREAM_OPEN__KIND_LOGS, &logs);
        run_until(c.closed);
        assert_int_equal(c.err.code, cases[i].code);
        assert_string_equal(c.err.message, cases[i].message);
        rig_client_free(&c);
    }
}

TEST_USING(rules, blank_image)
{
    Sockerless__ImageRemoveRequest r = SOCKERLESS__IMAGE_REMOVE_REQUEST__INIT;
    sockerless__request__init(&request);
    request.op_case = SOCKERLESS__REQUEST__OP_IMAGE_REMOVE;
    request.image_remove = &r;
    static const char *const blanks[] = {"", " ", " \t"};
    for (size_t i = 0; i < ARRAY_LEN(blanks); i++) {
        r.ref = (char *)blanks[i];
        assert_null(ask(&request));
        ask_expect_error(ERROR_INVALID_PARAMETER, "image name cannot be blank");
    }
}

static void attach_refused(const char *keys, enum error_code code, const char *message)
{
    struct rig_client c;
    Sockerless__AttachOpen attach = SOCKERLESS__ATTACH_OPEN__INIT;
    attach.ref = (char *)"nope";
    attach.stream = attach.stdout = true;
    attach.detach_keys = (char *)keys;
    rig_client_open(&c, SOCKERLESS__STREAM_OPEN__KIND_ATTACH, &attach);
    run_until(c.closed);
    assert_int_equal(c.err.code, code);
    assert_string_equal(c.err.message, message);
    rig_client_free(&c);
}

TEST_USING(rules, detach_keys_come_first)
{
    attach_refused("zz", ERROR_INVALID_PARAMETER, "Invalid detach keys (zz) provided");
    attach_refused("a,", ERROR_INVALID_PARAMETER, "Invalid detach keys (a,) provided");
    attach_refused("DEL,ctrl-a", ERROR_NOT_FOUND, "No such container: nope");
}
