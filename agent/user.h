/* SPDX-License-Identifier: Apache-2.0
 *
 * Users: what "name", "uid", "name:group" or "uid:gid" means inside the workload, by reading
 * /etc/passwd and /etc/group, with the rules and error texts of Docker. The C library's lookup is
 * not used: it would load name service modules from the user's image.
 */
#ifndef SOCKERLESS_AGENT_USER_H
#define SOCKERLESS_AGENT_USER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct user_identity {
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* owned; supplementary, the primary one among them */
    size_t group_count;
    bool groups_added; /* by user_add_groups(): the process must not run without them */
    char *home;        /* owned; "/" for a user without an entry */
};

/* spec "" means root. A missing file is an empty one. *out is released with user_identity_free. */
int user_resolve(const char *spec, const char *passwd_path, const char *group_path,
                 struct user_identity *out, struct error *err) MUST_CHECK;
/* Adds supplementary groups, names or numbers separated by ':'. */
int user_add_groups(struct user_identity *u, const char *groups, const char *group_path,
                    struct error *err) MUST_CHECK;
void user_identity_free(struct user_identity *u);

static inline void auto_release_user(struct user_identity *u)
{
    user_identity_free(u);
}

#endif
