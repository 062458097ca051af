/* SPDX-License-Identifier: Apache-2.0
 * Users and groups of an image; see passwd.h. */
#include "test/sim/host/passwd.h"

#include "base/alloc.h"
#include "base/line_reader.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum { FIELDS = 7 };

static bool to_id(const char *text, uint32_t *out)
{
    int64_t n;
    if (!str_to_i64(text, &n) || n < 0 || n > 0x7fffffff)
        return false;
    *out = (uint32_t)n;
    return true;
}

/* The next line, cut at its colons; the number of its fields, absent ones are NULL. 0 at the end.
 */
static int next_line(struct line_reader *lines, char *fields[FIELDS])
{
    char *line = line_reader_next(lines);
    memset(fields, 0, FIELDS * sizeof *fields);
    return line ? line_reader_split(line, ':', fields, FIELDS) : 0;
}

/* The line whose name (field 0) or id (field 2) matches. The fields point into `text`, which is cut
 * in place. */
static bool find_line(char *text, const char *name, char *fields[FIELDS], int want_fields)
{
    struct line_reader lines = line_reader_of(text, strlen(text));
    uint32_t wanted = 0, id;
    bool numeric = to_id(name, &wanted);
    for (int n; (n = next_line(&lines, fields)) > 0;)
        if (n >= want_fields && to_id(fields[2], &id) &&
            (!strcmp(fields[0], name) || (numeric && id == wanted)))
            return true;
    return false;
}

static void add_groups(const char *group_text, const char *user, struct passwd_user *out)
{
    AUTO_FREE char *text = xstrdup(group_text);
    struct line_reader lines = line_reader_of(text, strlen(text));
    char *fields[FIELDS];
    for (int n; (n = next_line(&lines, fields)) > 0;) {
        uint32_t gid;
        if (n < 4 || !to_id(fields[2], &gid))
            continue;
        char *save = NULL;
        for (char *m = strtok_r(fields[3], ",", &save); m; m = strtok_r(NULL, ",", &save))
            if (!strcmp(m, user) && out->group_count < PASSWD_GROUPS_MAX)
                out->groups[out->group_count++] = gid;
    }
}

int passwd_resolve(const char *user, const char *passwd, const char *group, struct passwd_user *out,
                   struct error *err)
{
    AUTO_FREE char *users = xstrdup(passwd), *groups = xstrdup(group);
    char *fields[FIELDS], name[256];
    *out = (struct passwd_user){0};
    snprintf(out->home, sizeof out->home, "/");
    snprintf(name, sizeof name, "%s", str_empty(user) ? "0" : user);
    char *group_name = strchr(name, ':');
    if (group_name)
        *group_name++ = '\0';
    const char *user_part = *name ? name : "0";
    if (find_line(users, user_part, fields, 4)) {
        (void)!(to_id(fields[2], &out->uid) && to_id(fields[3], &out->gid));
        char user_name[256];
        snprintf(user_name, sizeof user_name, "%s", fields[0]);
        if (fields[5] && *fields[5])
            snprintf(out->home, sizeof out->home, "%s", fields[5]);
        if (str_empty(group_name))
            add_groups(group, user_name, out);
    } else if (to_id(user_part, &out->uid)) {
        if (out->uid == 0)
            snprintf(out->home, sizeof out->home, "/root");
    } else {
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "unable to find user %s: no matching entries in passwd file", user_part);
    }
    if (str_empty(group_name))
        return 0;
    if (find_line(groups, group_name, fields, 3))
        return to_id(fields[2], &out->gid) ? 0 : error_set(err, ERROR_SYSTEM, "bad group file");
    if (!to_id(group_name, &out->gid))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "unable to find group %s: no matching entries in group file", group_name);
    return 0;
}
