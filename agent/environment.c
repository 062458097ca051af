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

void environment_default(struct strv *env, const char *name, const char *value)
{
    if (!environment_get(env, name))
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
}

void environment_complete(struct strv *env, const char *home, bool tty)
{
    struct utsname uts;
    environment_default(env, "PATH", ENVIRONMENT_DEFAULT_PATH);
    if (uname(&uts) == 0)
        environment_default(env, "HOSTNAME", uts.nodename);
    if (tty)
        environment_default(env, "TERM", "xterm");
    environment_default(env, "HOME", home);
}
