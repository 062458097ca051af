/* SPDX-License-Identifier: Apache-2.0
 * Environments; see environment.h. Used when a process is started (main_process.c,
 * session_exec.c). */
#include "agent/environment.h"

#include "base/alloc.h"

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
