/* SPDX-License-Identifier: Apache-2.0
 *
 * What dockerd refuses in requests whose values are of the right types: its words, its codes, and
 * which of several faults it names. The expectations are those of dockerd 20.10.
 */
#include "test/kit/backend_rpc_fake.h"
#include "test/kit/test.h"

#define ID "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NAME_RULE(name)                                                                            \
    "Invalid container name (" name "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"

static int rules_setup(void **state)
{
    struct error err;
    Sockerless__Image image = SOCKERLESS__IMAGE__INIT;
    Sockerless__ImageRecord record = SOCKERLESS__IMAGE_RECORD__INIT;
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    char *tag = (char *)"here:1";
    int rc = rig_setup(state);
    image.id = (char *)ID;
    image.repo_tags = &tag;
    image.n_repo_tags = 1;
    image.config = &config;
    record.image = &image;
    return rc || image_store_put(rig.backend.images, &record, &err);
}

static int rules_teardown(void **state)
{
    return rig_teardown(state);
}

static Sockerless__Request request;

static void expect_error(enum error_code code, const char *message)
{
    assert_string_equal(rig.err.message, message);
    assert_int_equal(rig.err.code, code);
}

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
    Sockerless__ContainerCreateRequest r = SOCKERLESS__CONTAINER_CREATE_REQUEST__INIT;
    r.name = (char *)name;
    r.config = with_config ? &config : NULL;
    r.host = &host;
    sockerless__request__init(&request);
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_CREATE;
    request.container_create = &r;
    return ask(&request) != NULL;
}

static void create_refused(const char *name, enum error_code code, const char *message)
{
    assert_false(create_with(name, true));
    expect_error(code, message);
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
            expect_error(ERROR_INVALID_PARAMETER, cases[i].message);
    }
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
            expect_error(ERROR_INVALID_PARAMETER, cases[i].message);
    }
}

/* Configuration, host settings, image, command, name. */
TEST_USING(rules, create_order)
{
    reset();
    host.memory = 4096;
    assert_false(create_with("a", false));
    expect_error(ERROR_INVALID_PARAMETER, "Config cannot be empty in order to create a container");
    host.auto_remove = true;
    host.restart_policy = (char *)"always";
    create_refused("", ERROR_INVALID_PARAMETER,
                   "can't create 'AutoRemove' container with restart policy");
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
    expect_error(ERROR_INVALID_PARAMETER, "No exec command specified");
    r.cmd = command_words;
    r.n_cmd = 1;
    assert_null(ask(&request));
    expect_error(ERROR_NOT_FOUND, "No such container: nope");
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
        expect_error(ERROR_INVALID_PARAMETER, "image name cannot be blank");
    }
}

struct attacher {
    struct channel *channel;
    bool closed;
    char message[256];
};

static void attacher_frame(void *owner, const struct frame *f)
{
    struct attacher *a = owner;
    assert_int_equal(f->type, FRAME_ERROR);
    Sockerless__Error *e = sockerless__error__unpack(NULL, f->len, f->payload);
    assert_non_null(e);
    snprintf(a->message, sizeof a->message, "%d %s", (int)e->code, e->message);
    sockerless__error__free_unpacked(e, NULL);
    channel_finish(a->channel);
}

static void attacher_closed(void *owner, const struct error *why)
{
    (void)why;
    ((struct attacher *)owner)->closed = true;
}

static void attach_refused(const char *keys, enum error_code code, const char *message)
{
    static const struct channel_events events = {.frame = attacher_frame,
                                                 .closed = attacher_closed};
    struct attacher a = {0};
    struct error err;
    char want[256];
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__AttachOpen attach = SOCKERLESS__ATTACH_OPEN__INIT;
    attach.ref = (char *)"nope";
    attach.stream = attach.stdout = true;
    attach.detach_keys = (char *)keys;
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_ATTACH;
    open.attach = &attach;
    assert_int_equal(channel_dial(&rig.loop, rig.url, NULL, &events, &a, &a.channel, &err), 0);
    channel_send_message(a.channel, FRAME_OPEN, NULL, 0, &open.base);
    run_until(a.closed);
    snprintf(want, sizeof want, "%d %s", (int)code, message);
    assert_string_equal(a.message, want);
}

TEST_USING(rules, detach_keys_come_first)
{
    attach_refused("zz", ERROR_INVALID_PARAMETER, "Invalid detach keys (zz) provided");
    attach_refused("a,", ERROR_INVALID_PARAMETER, "Invalid detach keys (a,) provided");
    attach_refused("DEL,ctrl-a", ERROR_NOT_FOUND, "No such container: nope");
}
