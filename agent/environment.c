/* SPDX-License-Identifier: Apache-2.0
 * Environments; see environment.h. Used when a process is started (main_process.c,
 * session_exec.c). */
#include "agent/environment.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

const char *environment_get(const struct strv *env, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = env->count; i-- > 0;)
        if (strncmp(env->items[i], name, len) == 0 && env->items[i][len] == '=')
            return env->items[i] + len + 1;
    return NULL;
}

static bool is_unset(const struct strv *env, const char *name)
{
    for (size_t i = 0; i < env->count; i++)
        if (strcmp(env->items[i], name) == 0)
            return true;
    return false;
}

void environment_default(struct strv *env, const char *name, const char *value)
{
    if (!environment_get(env, name) && !is_unset(env, name))
        strv_push_owned(env, xasprintf("%s=%s", name, value));
}

void environment_copy(struct strv *to, char *const *from)
{
    for (; from && *from; from++)
        if (!str_starts(*from, "SOCKERLESS_AGENT_"))
            strv_push(to, *from);
}

static void environment_set(struct strv *env, const char *entry)
{
    size_t len = strcspn(entry, "=") + 1;
    for (size_t i = 0; i < env->count; i++)
        if (strncmp(env->items[i], entry, len) == 0) {
            free(env->items[i]);
            env->items[i] = xstrdup(entry);
            return;
        }
    strv_push(env, entry);
}

/* Removes the variable and leaves its name alone behind, so that it gets no default either. */
static void environment_unset(struct strv *env, const char *name, size_t len)
{
    size_t kept = 0;
    for (size_t i = 0; i < env->count; i++) {
        char *entry = env->items[i];
        if (strncmp(entry, name, len) == 0 && entry[len] == '=')
            free(entry);
        else
            env->items[kept++] = entry;
    }
    env->count = kept;
    strv_push_owned(env, xstrndup(name, len));
}

/* Names are separated by '=', the one character that is in none of them. */
static void environment_unset_all(struct strv *env, const char *names)
{
    for (size_t len; names && *names; names += len + (names[len] == '=')) {
        len = strcspn(names, "=");
        if (len)
            environment_unset(env, names, len);
    }
}

static void drop_names_alone(struct strv *env)
{
    size_t kept = 0;
    for (size_t i = 0; i < env->count; i++)
        if (strchr(env->items[i], '='))
            env->items[kept++] = env->items[i];
        else
            free(env->items[i]);
    env->count = kept;
    if (env->items)
        env->items[kept] = NULL;
}

static bool is_shells_own(const char *entry)
{
    static const char *const names[] = {"PWD=", "OLDPWD=", "SHLVL=", "_="};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_starts(entry, names[i]))
            return true;
    return false;
}

void environment_receive(struct strv *to, char *const *from)
{
    const char *shell = getenv("SOCKERLESS_AGENT_SHELL");
    for (size_t i = 0; from[i]; i++)
        if (!str_starts(from[i], "SOCKERLESS_AGENT_") && !(shell && is_shells_own(from[i])))
            strv_push(to, from[i]);
    for (size_t i = 0; from[i]; i++) {
        const char *carried = strchr(from[i], '=');
        if (carried && str_starts(from[i], "SOCKERLESS_AGENT_ENV_") && strchr(carried + 1, '='))
            environment_set(to, carried + 1);
    }
    environment_unset_all(to, getenv("SOCKERLESS_AGENT_UNSET"));
}

void environment_complete(struct strv *env, const char *home, bool tty)
{
    struct utsname uts;
    environment_default(env, "PATH", ENVIRONMENT_DEFAULT_PATH);
    if (uname(&uts) == 0)
        environment_default(env, "HOSTNAME", uts.nodename);
    if (tty)
        environment_default(env, "TERM", "xterm");
    drop_names_alone(env); /* HOME is the OCI runtime's, which knows nothing of them */
    environment_default(env, "HOME", home);
}
