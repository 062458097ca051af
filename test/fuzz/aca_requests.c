/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer: what becomes part of the requests to Azure. The first byte chooses the setting or the
 * name that has the hostile text. A setting is refused, or every URL that is made of it is a plain
 * path that names what it should; a job is JSON that says what it was given.
 */
#include "backend-aca/aca_config.h"
#include "backend-aca/aca_job.h"
#include "backend-aca/aca_names.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "json/json_doc.h"

#include <assert.h>
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct aca_config good = {
    .subscription_id = (char *)"34adfa4f-cedf-4dc0-ba29-b6d1a69ab345",
    .resource_group = (char *)"rg-1",
    .environment = (char *)"env-1",
    .location = (char *)"westeurope",
    .log_table = (char *)"auto",
    .api_version = (char *)"2026-07-01",
    .storage_account = (char *)"store1",
    .storage_share = (char *)"sockerless",
    .agent_path = (char *)"sockerless-agent",
    .agent_image = (char *)"agent",
    .agent_injection = (char *)"azure_files",
    .replica_timeout_s = 60,
};

/* ---- settings ---- */

#define MEMBER(name) offsetof(struct aca_config, name)

static const size_t members[] = {
    MEMBER(subscription_id),   MEMBER(resource_group), MEMBER(environment),
    MEMBER(location),          MEMBER(log_workspace),  MEMBER(log_table),
    MEMBER(workload_profile),  MEMBER(api_version),    MEMBER(registry_server),
    MEMBER(registry_username), MEMBER(identity),       MEMBER(storage_account),
    MEMBER(storage_share),     MEMBER(storage_name),   MEMBER(agent_injection),
    MEMBER(agent_image),       MEMBER(agent_path),     MEMBER(agent_token),
};

/* Characters that need no escaping, segments that name something, and one query. */
static void check_path(const char *path, const char *version)
{
    const char *query = strchr(path, '?');
    assert(path[0] == '/' && query);
    for (const char *p = path; p < query; p++) {
        assert(isalnum((unsigned char)*p) || strchr("-_.()/", *p));
        size_t len = *p == '/' ? strcspn(p + 1, "/?") : 1;
        assert(len > 0);
        assert(*p != '/' || strspn(p + 1, ".") < len);
    }
    assert(str_starts(query, "?api-version=") && strcmp(query + 13, version) == 0);
    for (const char *p = version; *p; p++)
        assert(isalnum((unsigned char)*p) || *p == '-');
}

static void check_paths(const struct aca_config *c)
{
    AUTO_FREE char *job = aca_resource_id(c, "jobs", "sk-1");
    AUTO_FREE char *put = aca_path(c, job, "");
    AUTO_FREE char *environment = aca_path(c, c->environment_id, "");
    check_path(put, c->api_version);
    check_path(environment, c->api_version);
    if (!aca_config_has_share(c))
        return;
    AUTO_FREE char *storage = xasprintf("%s/storages/%s", c->environment_id, c->storage_name);
    AUTO_FREE char *link = aca_path(c, storage, "");
    AUTO_FREE char *keys = xasprintf("/storageAccounts/%s/listKeys?api-version=%s",
                                     str_or_empty(c->storage_account), c->api_version);
    check_path(link, c->api_version);
    if (!str_empty(c->storage_account))
        check_path(keys, c->api_version);
}

/* As the settings' table does it: every text is the configuration's own. */
static void read_setting(size_t which, const char *text)
{
    struct aca_config c = {.replica_timeout_s = 60};
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const char *value = *(char *const *)((const char *)&good + members[i]);
        if (i == which)
            value = text;
        if (value)
            *(char **)((char *)&c + members[i]) = xstrdup(value);
    }
    if (aca_config_finish(&c, "linux/amd64", &err) == 0)
        check_paths(&c);
    aca_config_fini(&c);
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        free(*(char **)((char *)&c + members[i]));
}

/* ---- jobs ---- */

/* A tag has a value of at most 256 characters, a resource at most 50 tags. */
static void check_tags(const json_t *tags)
{
    const char *name;
    json_t *value;
    assert(json_object_size(tags) <= 50);
    json_object_foreach((json_t *)tags, name, value)
    {
        size_t characters = 0;
        for (const char *p = json_string_value(value); *p; p++)
            characters += (*p & 0xc0) != 0x80;
        assert(characters <= ACA_TAG_VALUE_MAX && strlen(name) <= 512 &&
               !strpbrk(name, "<>%&\\?/"));
    }
}

static void check_job(const struct buf *body, const char *text)
{
    struct error err;
    json_t *job AUTO(json) = json_doc_load_with_nul(body->data, body->len, &err);
    assert(job);
    const json_t *properties = json_object_get(job, "properties");
    const json_t *containers =
        json_object_get(json_object_get(properties, "template"), "containers");
    const json_t *main = json_array_get(containers, 0);
    assert(json_array_size(containers) == 1 && json_object_size(job) == 3);
    assert(strcmp(json_doc_text(main, "name"), ACA_MAIN_CONTAINER) == 0);
    check_tags(json_object_get(job, "tags"));
    const json_t *args = json_object_get(main, "args");
    assert(json_array_size(args) == 2);
    json_t *argument = json_stringn(text, strlen(text)); /* NULL: it is not UTF-8 */
    assert(!argument || json_equal(argument, json_array_get(args, 1)));
    json_decref(argument);
}

/* The text is everything that a client may choose. */
static void build_job(char *text)
{
    struct aca_config c = good;
    struct error err;
    struct buf body AUTO(buf) = BUF_INIT;
    char *argv[] = {(char *)"--", text}, *env[] = {text};
    Sockerless__KeyValue label = SOCKERLESS__KEY_VALUE__INIT, *labels[] = {&label};
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    Sockerless__HostOptions host = SOCKERLESS__HOST_OPTIONS__INIT;
    label.key = label.value = text;
    config.labels = labels;
    config.n_labels = 1;
    const struct workload_spec spec = {
        .container_id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .container_name = text,
        .instance = "inst",
        .run_token = "00ff00ff-1",
        .image = text,
        .agent_argv = argv,
        .agent_argc = 2,
        .env = env,
        .env_count = 1,
        .config = &config,
        .host = &host,
    };
    if (aca_config_finish(&c, "linux/amd64", &err))
        abort();
    if (aca_job_build(&c, &spec, &body, &err) == 0)
        check_job(&body, text);
    free(c.environment_id);
    free(c.storage_name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    AUTO_FREE char *text = xstrndup((const char *)data + 1, size - 1);
    if (data[0] % 32 < ARRAY_LEN(members))
        read_setting(data[0] % 32, text);
    else
        build_job(text);
    return 0;
}
