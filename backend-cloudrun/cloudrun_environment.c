/* SPDX-License-Identifier: Apache-2.0
 * The container's environment; see cloudrun_environment.h. */
#include "cloudrun_environment.h"

#include "base/alloc.h"
#include "base/str.h"
#include "cloud/cloud_environment.h"

#include <stdio.h>
#include <string.h>

/* Cloud Run documentation, "Container runtime contract": set by the platform, or not to be set. */
static bool is_reserved(const char *entry, size_t name_len)
{
    static const char *const prefixes[] = {"CLOUD_RUN_", "K_", "X_GOOGLE_"};
    (void)name_len;
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (str_starts(entry, prefixes[i]))
            return true;
    return false;
}

/* What shells change, or what changes what they and the downloaders do. */
static const char shell_matters[] =
    " _ ALL_PROXY BASHOPTS BASH_ENV CURL_CA_BUNDLE CURL_HOME ENV EUID HTTPS_PROXY IFS LINENO "
    "LD_LIBRARY_PATH LD_PRELOAD NO_PROXY OLDPWD OPTARG OPTIND PATH POSIXLY_CORRECT PPID PS4 PWD "
    "SHELLOPTS SHLVL SSL_CERT_DIR SSL_CERT_FILE UID WGETRC all_proxy http_proxy https_proxy "
    "no_proxy ";

static bool matters_to_shell(const char *entry, size_t name_len)
{
    char word[32];
    if (is_reserved(entry, name_len) || str_starts(entry, "_skl_"))
        return true;
    if (name_len > sizeof word - 3)
        return false;
    snprintf(word, sizeof word, " %.*s ", (int)name_len, entry);
    return strstr(shell_matters, word) != NULL;
}

int cloudrun_environment_write(struct json_writer *w, const struct workload_spec *spec,
                               bool by_shell, struct error *err)
{
    const struct cloud_environment_rules rules = {
        .cloud = "Cloud Run",
        .holder = "a Cloud Run job",
        .variables_max = 1000,
        .value_max = 32768,
        .carries = by_shell ? matters_to_shell : is_reserved,
        .extra = by_shell ? "SOCKERLESS_AGENT_SHELL=1" : NULL,
    };
    return cloud_environment_write(w, spec, &rules, err);
}
