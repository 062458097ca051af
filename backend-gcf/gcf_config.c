/* SPDX-License-Identifier: Apache-2.0
 * Settings of the Cloud Functions backend; see gcf_config.h. */
#include "gcf_config.h"

#include "base/alloc.h"
#include "base/str.h"
#include "cloud/cloud_setting.h"
#include "cloud/gcp/gcp_size.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LEN = 63, ACCOUNT_MAX_LEN = 254 };

/* The words among the settings. Projects may be domain-scoped: "example.com:project". */
static const struct cloud_setting_word
    project_word = {"SOCKERLESS_GCF_PROJECT", "a valid project id", "my-project-123",
                    "-.:", NAME_MAX_LEN},
    region_word = {"SOCKERLESS_GCF_REGION", "a valid region name", "us-central1", "-",
                   NAME_MAX_LEN},
    runtime_word = {"SOCKERLESS_GCF_RUNTIME", "a valid runtime", "python312", "", NAME_MAX_LEN},
    account_words[] = {{"SOCKERLESS_GCF_SERVICE_ACCOUNT", "a service account's address",
                        "runner@my-project-123.iam.gserviceaccount.com", "-.@", ACCOUNT_MAX_LEN},
                       {"SOCKERLESS_GCF_BUILD_SERVICE_ACCOUNT", "a service account's address",
                        "builder@my-project-123.iam.gserviceaccount.com", "-.@", ACCOUNT_MAX_LEN}};

/* ---- names ---- */

static int check_names(struct gcf_config *c, struct error *err)
{
    const char *const accounts[] = {c->service_account, c->build_account};
    cloud_setting_fall_back(&c->project, getenv("GOOGLE_CLOUD_PROJECT"));
    if (str_empty(c->project))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "no Google Cloud project; set SOCKERLESS_GCF_PROJECT to its id");
    for (size_t i = 0; i < ARRAY_LEN(accounts); i++)
        if (!str_empty(accounts[i]) &&
            cloud_setting_check_word(&account_words[i], accounts[i], err))
            return -1;
    if (cloud_setting_check_word(&project_word, c->project, err) ||
        cloud_setting_check_word(&region_word, c->region, err) ||
        cloud_setting_check_word(&runtime_word, c->runtime, err))
        return -1;
    if (str_starts(c->runtime, "python3"))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_GCF_RUNTIME=%s: the stub is written for the python3… runtimes",
                     c->runtime);
}

/* ---- sizes ---- */

/* "512Mi", "1Gi", "2G": in MiB; 0: it is something else. */
static int parse_memory(const char *text)
{
    static const struct {
        const char *unit;
        int64_t bytes;
    } units[] = {{"Mi", 1LL << 20}, {"Gi", 1LL << 30}, {"M", 1000000}, {"G", 1000000000}};
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 6)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(text + digits, units[i].unit) == 0)
            return (int)((strtoll(text, NULL, 10) * units[i].bytes + (1 << 20) - 1) >> 20);
    return 0;
}

static int find_sizes(struct gcf_config *c, struct error *err)
{
    struct cloud_size size;
    int64_t cpus;
    int mib = parse_memory(c->memory);
    if (!str_to_i64(c->cpu, &cpus) || cpus < 1 || cpus > 8 || cpus == 3 || cpus == 5 || cpus == 7)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_GCF_CPU=%s: must be 1, 2, 4, 6 or 8", c->cpu);
    if (mib <= 0)
        return error_set(
            err, ERROR_INVALID_PARAMETER,
            "SOCKERLESS_GCF_MEMORY=%s: must be a number with a unit, like 512Mi or 1Gi", c->memory);
    c->sizes = (struct cloud_size_table){
        .rows = gcp_size_rows,
        .count = GCP_SIZE_ROWS,
        .default_cpu_units = (int)cpus * CLOUD_CPU_UNITS,
        .default_mib = mib,
        .holder = "a function",
        .largest_text = "32 GiB",
        .whole_cpus = true,
    };
    const struct cloud_size_wish wish = {.memory_bytes = (int64_t)mib << 20,
                                         .nano_cpus = cpus * 1000000000};
    if (cloud_size_choose(&c->sizes, &wish, &size, err))
        return error_wrap(err, "SOCKERLESS_GCF_MEMORY=%s", c->memory);
    if (size.cpu_units == c->sizes.default_cpu_units && size.memory_mib == mib)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_GCF_MEMORY=%s with SOCKERLESS_GCF_CPU=%s is not possible; the "
                     "nearest is %dMi with %d",
                     c->memory, c->cpu, size.memory_mib, size.cpu_units / CLOUD_CPU_UNITS);
}

/* ---- the rest ---- */

static int find_prepare(struct gcf_config *c, struct error *err)
{
    static const char *const names[] = {"create", "pull"};
    int i =
        cloud_setting_choose("SOCKERLESS_GCF_PREPARE", c->prepare, names, ARRAY_LEN(names), err);
    c->prepare_at_pull = i == 1;
    return i < 0 ? -1 : 0;
}

static int check_platform(const char *platform, struct error *err)
{
    if (str_empty(platform) || strcmp(platform, "linux/amd64") == 0)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_PLATFORM must be linux/amd64, which is all that Cloud Functions "
                     "have, not \"%.80s\"",
                     platform);
}

int gcf_config_finish(struct gcf_config *c, const char *platform, const char *callback_url,
                      struct error *err)
{
    if (check_names(c, err) || find_sizes(c, err) || find_prepare(c, err) ||
        cloud_setting_check_url("SOCKERLESS_ENDPOINT_URL", c->endpoint_url, err) ||
        check_platform(platform, err))
        return -1;
    if (!str_empty(callback_url))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_CALLBACK_URL is not set; functions take no connections but their "
                     "own requests, so their agents dial the backend: set it to the ws:// or "
                     "wss:// URL at which containers on Google Cloud reach "
                     "SOCKERLESS_CALLBACK_LISTEN");
}
