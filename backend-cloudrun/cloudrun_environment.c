/* SPDX-License-Identifier: Apache-2.0
 * The container's environment; see cloudrun_environment.h.
 *
 * Cloud Run reserves some names, and the shell that downloads the agent drops, sets or obeys
 * others. Such variables travel as SOCKERLESS_AGENT_ENV_n=NAME=value; the agent unpacks them
 * (agent/environment.c). */
#include "cloudrun_environment.h"

#include "base/alloc.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define CARRIED "SOCKERLESS_AGENT_ENV_"

enum { VARIABLES_MAX = 1000, VALUE_MAX = 32768, SHOWN_MAX = 64 };

struct variable {
    const char *entry; /* "NAME=value" */
    size_t name_len;
};

/* As Docker merges: the last value counts. The agent's settings come last, so a user's variable of
 * that name does not change them. */
static bool is_overridden(const struct workload_spec *spec, const char *entry, size_t from)
{
    size_t len = strcspn(entry, "=");
    for (size_t i = from; i < spec->env_count + spec->agent_env_count; i++) {
        const char *other =
            i < spec->env_count ? spec->env[i] : spec->agent_env[i - spec->env_count];
        if (strncmp(entry, other, len) == 0 && strcspn(other, "=") == len)
            return true;
    }
    return false;
}

static bool is_identifier(const struct variable *v)
{
    if (isdigit((unsigned char)v->entry[0]))
        return false;
    for (size_t i = 0; i < v->name_len; i++)
        if (!isalnum((unsigned char)v->entry[i]) && v->entry[i] != '_')
            return false;
    return true;
}

/* Cloud Run documentation, "Container runtime contract": set by the platform, or not to be set. */
static bool is_reserved(const struct variable *v)
{
    static const char *const prefixes[] = {"CLOUD_RUN_", "K_", "X_GOOGLE_", CARRIED};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (str_starts(v->entry, prefixes[i]))
            return true;
    return false;
}

/* What shells change, or what changes what they and the downloaders do. */
static const char shell_matters[] =
    " _ ALL_PROXY BASHOPTS BASH_ENV CURL_CA_BUNDLE CURL_HOME ENV EUID HTTPS_PROXY IFS LINENO "
    "LD_LIBRARY_PATH LD_PRELOAD NO_PROXY OLDPWD OPTARG OPTIND PATH POSIXLY_CORRECT PPID PS4 PWD "
    "SHELLOPTS SHLVL SSL_CERT_DIR SSL_CERT_FILE UID WGETRC all_proxy http_proxy https_proxy "
    "no_proxy ";

static bool matters_to_shell(const struct variable *v)
{
    char word[32];
    if (str_starts(v->entry, "_skl_"))
        return true;
    if (v->name_len > sizeof word - 3)
        return false;
    snprintf(word, sizeof word, " %.*s ", (int)v->name_len, v->entry);
    return strstr(shell_matters, word) != NULL;
}

/* The message names the variable and shows nothing of its value. */
static int put(struct json_writer *w, const char *name, size_t name_len, const char *value,
               struct error *err)
{
    const char *shown = str_starts(name, CARRIED) ? value : name;
    int shown_len = (int)strcspn(shown, "=");
    if (name_len > VALUE_MAX || strlen(value) > VALUE_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "environment variable %.*s: Cloud Run takes names and values of at "
                         "most %d bytes",
                         shown_len < SHOWN_MAX ? shown_len : SHOWN_MAX, shown, VALUE_MAX);
    json_object_open(w);
    json_key(w, "name");
    json_string_len(w, name, name_len);
    json_member_string(w, "value", value);
    json_object_close(w);
    return 0;
}

static int put_carried(struct json_writer *w, const char *entry, unsigned number, struct error *err)
{
    char name[sizeof CARRIED + 12];
    int len = snprintf(name, sizeof name, CARRIED "%u", number);
    AUTO_FREE char *whole = strchr(entry, '=') ? xstrdup(entry) : xasprintf("%s=", entry);
    return put(w, name, (size_t)len, whole, err);
}

static int put_variables(struct json_writer *w, const struct workload_spec *spec, bool by_shell,
                         struct error *err)
{
    unsigned carried = 0;
    for (size_t i = 0; i < spec->env_count + spec->agent_env_count; i++) {
        bool own = i >= spec->env_count;
        struct variable v = {own ? spec->agent_env[i - spec->env_count] : spec->env[i], 0};
        v.name_len = strcspn(v.entry, "=");
        if (!v.name_len || is_overridden(spec, v.entry, i + 1))
            continue;
        bool carries =
            !own && (!is_identifier(&v) || is_reserved(&v) || (by_shell && matters_to_shell(&v)));
        const char *value = v.entry[v.name_len] ? v.entry + v.name_len + 1 : "";
        if (carries ? put_carried(w, v.entry, carried++, err)
                    : put(w, v.entry, v.name_len, value, err))
            return -1;
    }
    return 0;
}

int cloudrun_environment_write(struct json_writer *w, const struct workload_spec *spec,
                               bool by_shell, struct error *err)
{
    static const char flag[] = "SOCKERLESS_AGENT_SHELL";
    size_t count = spec->env_count + spec->agent_env_count + by_shell;
    if (count > VARIABLES_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "%zu environment variables are more than a Cloud Run job can have (%d)",
                         count, VARIABLES_MAX);
    json_member_array(w, "env");
    if (put_variables(w, spec, by_shell, err) || (by_shell && put(w, flag, strlen(flag), "1", err)))
        return -1;
    json_array_close(w);
    return 0;
}
