/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings of the Cloud Functions backend, names, who is a helper container. */
#include "backend-gcf/gcf_config.h"

#include "backend-gcf/gcf_archive.h"
#include "backend-gcf/gcf_helper.h"
#include "backend-gcf/gcf_names.h"
#include "base/alloc.h"
#include "base/str.h"
#include "test/kit/test.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static struct gcf_config config;
static struct error problem;

/* As config_load leaves it, without a variable set; `set` is a list of NAME=value. */
static int load(const char *const *set)
{
    const struct config_setting rows[] = {GCF_SETTINGS(config), {0}};
    char *argv[] = {"sockerless-backend-gcf"};
    for (const struct config_setting *row = rows; row->flag; row++)
        if (row->env)
            unsetenv(row->env);
    unsetenv("GOOGLE_CLOUD_PROJECT");
    for (; *set; set++) {
        AUTO_FREE char *name = xstrndup(*set, strcspn(*set, "="));
        setenv(name, *set + strlen(name) + 1, 1);
    }
    problem = (struct error){0};
    config_unload(rows); /* of the last one */
    enum config_request request;
    return config_load(rows, 1, argv, &request, &problem);
}

static int finish(const char *const *set)
{
    if (load(set))
        return -1;
    return gcf_config_finish(&config, "linux/amd64", "wss://b:9112/", &problem);
}

#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(defaults_are_those_of_the_documentation)
{
    assert_int_equal(finish(SET("SOCKERLESS_GCF_PROJECT=p-1")), 0);
    assert_string_equal(config.region, "us-central1");
    assert_int_equal(config.timeout_s, 3600);
    assert_string_equal(config.memory, "1Gi");
    assert_string_equal(config.cpu, "1");
    assert_int_equal(config.sizes.default_mib, 1024);
    assert_int_equal(config.sizes.default_cpu_units, CLOUD_CPU_UNITS);
    assert_int_equal(config.helper_stop_ms, 500);
    assert_null(config.service_account);
    assert_null(config.endpoint_url);
    assert_false(config.prepare_at_pull);
}

TEST(a_project_is_required)
{
    assert_int_equal(finish(SET("SOCKERLESS_GCF_REGION=europe-west1")), -1);
    assert_non_null(strstr(problem.message, "set SOCKERLESS_GCF_PROJECT to its id"));
    assert_int_equal(finish(SET("GOOGLE_CLOUD_PROJECT=p-2")), 0);
    assert_string_equal(config.project, "p-2");
}

TEST(the_callback_url_is_required)
{
    static const char *const urls[] = {NULL, ""};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        assert_int_equal(load(SET("SOCKERLESS_GCF_PROJECT=p-1")), 0);
        assert_int_equal(gcf_config_finish(&config, "linux/amd64", urls[i], &problem), -1);
        assert_int_equal(problem.code, ERROR_INVALID_PARAMETER);
        assert_non_null(strstr(problem.message, "SOCKERLESS_CALLBACK_URL is not set"));
        assert_non_null(strstr(problem.message, "set it to the ws:// or wss:// URL"));
    }
}

TEST(settings_that_are_refused)
{
    static const char *const cases[][2] = {
        {"SOCKERLESS_GCF_MEMORY=1", "a number with a unit"},
        {"SOCKERLESS_GCF_MEMORY=1Ti", "a number with a unit"},
        {"SOCKERLESS_GCF_MEMORY=8Gi", "is not possible; the nearest is 8192Mi with 2"},
        {"SOCKERLESS_GCF_MEMORY=64Gi", "SOCKERLESS_GCF_MEMORY=64Gi"},
        {"SOCKERLESS_GCF_CPU=3", "must be 1, 2, 4, 6 or 8"},
        {"SOCKERLESS_GCF_CPU=0.5", "must be 1, 2, 4, 6 or 8"},
        {"SOCKERLESS_GCF_REGION=a/b", "SOCKERLESS_GCF_REGION"},
        {"SOCKERLESS_GCF_SERVICE_ACCOUNT=a b", "SOCKERLESS_GCF_SERVICE_ACCOUNT"},
        {"SOCKERLESS_GCF_TIMEOUT=3601", "SOCKERLESS_GCF_TIMEOUT"},
        {"SOCKERLESS_GCF_RUNTIME=go124", "python3"},
        {"SOCKERLESS_GCF_PREPARE=never", "SOCKERLESS_GCF_PREPARE"},
        {"SOCKERLESS_ENDPOINT_URL=ftp://x", "SOCKERLESS_ENDPOINT_URL"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (finish(SET("SOCKERLESS_GCF_PROJECT=p-1", cases[i][0])) == 0)
            fail_msg("%s is taken", cases[i][0]);
        if (!strstr(problem.message, cases[i][1]))
            fail_msg("%s", problem.message);
    }
}

TEST(names_are_taken_apart)
{
    char function[GCF_NAME_MAX + 1], token[GCF_TOKEN_MAX + 1], id[65], made[GCF_ID_MAX + 1];
    char owned[512];
    gcf_function_id("Inst/1", "0123456789abcdef0123456789abcdef", made);
    assert_string_equal(made, "sockerless-a0d66d09-0123456789abcdef01234567");
    assert_true(gcf_run_parse("projects/p/locations/l/functions/f/runs/ab-1", function, token));
    assert_string_equal(function, "projects/p/locations/l/functions/f");
    assert_string_equal(token, "ab-1");
    snprintf(owned, sizeof owned, "%s#%064d", function, 7);
    assert_true(gcf_owned_parse(owned, function, id));
    assert_int_equal(strlen(id), 64);
    static const char *const wrong[] = {"",
                                        "projects/p/locations/l/functions/f",
                                        "projects/p/locations/l/functions/f/runs/",
                                        "projects/p/locations/l/functions/f/runs/A",
                                        "projects/../locations/l/jobs/f/runs/a",
                                        "/runs/a",
                                        "projects/p/locations/l/functions/f/x/runs/a"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (gcf_run_parse(wrong[i], function, token))
            fail_msg("%s is taken", wrong[i]);
    assert_false(gcf_owned_parse("projects/p/locations/l/functions/f#abc", function, id));
}

TEST(who_is_a_helper)
{
    Sockerless__KeyValue label = {.key = "com.gitlab.gitlab-runner.type", .value = "cache"};
    Sockerless__KeyValue *labels[] = {&label};
    Sockerless__ContainerConfig plain = {0}, reading = {.open_stdin = true},
                                labelled = {.labels = labels, .n_labels = 1};
    assert_true(
        gcf_helper_is("runner-a-project-1-concurrent-0-cache-3c3f-set-permission-1", &plain));
    assert_true(gcf_helper_is("runner-a-predefined", &plain));
    assert_true(gcf_helper_is("runner-a-predefined-1", &plain));
    assert_true(gcf_helper_is("any", &labelled));
    assert_false(gcf_helper_is("runner-a-predefined", &reading)); /* it is given a script */
    assert_false(gcf_helper_is("web", &plain));
    assert_false(gcf_helper_is("cache", &plain));
    assert_false(gcf_helper_is("predefined-web", &plain));
}

/* What unzip would check. */
TEST(the_stub_is_a_zip_archive)
{
    AUTO(buf) struct buf zip = BUF_INIT;
    AUTO(buf) struct buf again = BUF_INIT;
    gcf_archive_write(&zip);
    gcf_archive_write(&again);
    assert_memory_equal(zip.data, again.data, zip.len);
    assert_memory_equal(zip.data, "PK\3\4", 4);
    assert_memory_equal(zip.data + zip.len - 22, "PK\5\6", 4);
    const unsigned char *head = (const unsigned char *)zip.data;
    size_t name = head[26], len = head[18] | (size_t)head[19] << 8;
    uint32_t sum =
        head[14] | (uint32_t)head[15] << 8 | (uint32_t)head[16] << 16 | (uint32_t)head[17] << 24;
    assert_memory_equal(zip.data + 30, "main.py", name);
    assert_int_equal(crc32(0, head + 30 + name, (uInt)len), sum);
}
