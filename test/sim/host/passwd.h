/* SPDX-License-Identifier: Apache-2.0
 *
 * Who runs: a container's user ("name", "uid", "name:group", "uid:gid") against the image's
 * /etc/passwd and /etc/group, by Docker's rules.
 */
#ifndef SOCKERLESS_SIM_HOST_PASSWD_H
#define SOCKERLESS_SIM_HOST_PASSWD_H

#include "base/error.h"

#include <stdint.h>

enum { PASSWD_GROUPS_MAX = 64 };

struct passwd_user {
    uint32_t uid, gid;
    uint32_t groups[PASSWD_GROUPS_MAX]; /* additional */
    unsigned group_count;
    char home[256];
};

/* user: "" or NULL is root. passwd, group: the files' text, "" when absent. */
int passwd_resolve(const char *user, const char *passwd, const char *group, struct passwd_user *out,
                   struct error *err) MUST_CHECK;

#endif
