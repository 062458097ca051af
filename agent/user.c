/* SPDX-License-Identifier: Apache-2.0
 * User lookup; see user.h. Called before a process is started (spawn.c). The files belong to the
 * user's image, so they are read as foreign input: only plain files, only so much of them. */
#include "agent/user.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/line_reader.h"
#include "base/str.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DATABASE_MAX = 8 * 1024 * 1024,
    FIELDS_MAX = 7,
    ID_MAX = 0x7fffffff,
};

/* The whole file; empty when it is missing, no plain file or unreasonably large. */
static void database_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return;
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        ssize_t n;
        while (out->len < DATABASE_MAX && (n = read(fd, buf_reserve(out, 16384), 16384)) > 0)
            buf_commit(out, (size_t)n);
    }
    close(fd);
}

/* The fields of the next entry. Returns their number; 0 at the end. */
static int next_entry(struct line_reader *lines, char *fields[FIELDS_MAX])
{
    char *line = line_reader_entry(lines, "#");
    return line ? line_reader_split(line, ':', fields, FIELDS_MAX) : 0;
}

static bool parse_id(const char *text, int64_t *id)
{
    return text[0] != '+' && str_to_i64(text, id);
}

struct passwd_match {
    bool found;
    char *name;
    int64_t gid;
};

/* The first entry with the requested name or uid. */
static struct passwd_match passwd_find(const char *path, const char *user, bool numeric,
                                       int64_t uid, struct user_identity *out)
{
    AUTO(buf) struct buf content = BUF_INIT;
    struct passwd_match match = {0};
    database_read(path, &content);
    struct line_reader lines = line_reader_of(content.data, content.len);
    char *f[FIELDS_MAX];
    for (int n; !match.found && (n = next_entry(&lines, f)) > 0;) {
        int64_t entry_uid, entry_gid;
        if (n < 4 || !parse_id(f[2], &entry_uid) || !parse_id(f[3], &entry_gid))
            continue;
        if (strcmp(f[0], user) != 0 && !(numeric && entry_uid == uid))
            continue;
        match = (struct passwd_match){true, xstrdup(f[0]), entry_gid};
        out->uid = (uid_t)entry_uid;
        out->gid = (gid_t)entry_gid;
        if (n >= 6 && f[5][0]) {
            free(out->home);
            out->home = xstrdup(f[5]);
        }
    }
    return match;
}

static bool list_contains(char *list, const char *name)
{
    for (char *save, *item = strtok_r(list, ",", &save); item; item = strtok_r(NULL, ",", &save))
        if (strcmp(item, name) == 0)
            return true;
    return false;
}

/* All groups that have the user as a member. */
static void groups_of(const char *path, const char *user, struct user_identity *out)
{
    AUTO(buf) struct buf content = BUF_INIT;
    database_read(path, &content);
    struct line_reader lines = line_reader_of(content.data, content.len);
    char *f[FIELDS_MAX];
    for (int n; out->group_count < NGROUPS_MAX && (n = next_entry(&lines, f)) > 0;) {
        int64_t gid;
        if (n < 4 || !parse_id(f[2], &gid) || !list_contains(f[3], user))
            continue;
        out->groups = xrealloc(out->groups, (out->group_count + 1) * sizeof *out->groups);
        out->groups[out->group_count++] = (gid_t)gid;
    }
}

static void groups_add(struct user_identity *out, gid_t gid)
{
    for (size_t i = 0; i < out->group_count; i++)
        if (out->groups[i] == gid)
            return;
    if (out->group_count == NGROUPS_MAX)
        out->group_count--;
    out->groups = xrealloc(out->groups, (out->group_count + 1) * sizeof *out->groups);
    out->groups[out->group_count++] = gid;
}

/* "Unable" or "unable": as moby says it in the place. */
static int group_find(const char *path, const char *group, const char *unable, gid_t *out,
                      struct error *err)
{
    AUTO(buf) struct buf content = BUF_INIT;
    database_read(path, &content);
    int64_t wanted = 0, gid;
    bool numeric = parse_id(group, &wanted);
    struct line_reader lines = line_reader_of(content.data, content.len);
    char *f[FIELDS_MAX];
    for (int n; (n = next_entry(&lines, f)) > 0;) {
        if (n < 3 || !parse_id(f[2], &gid))
            continue;
        if (strcmp(f[0], group) == 0 || (numeric && gid == wanted)) {
            *out = (gid_t)gid;
            return 0;
        }
    }
    if (!numeric)
        return error_set(err, ERROR_NOT_FOUND,
                         "%s to find group %s: no matching entries in group file", unable, group);
    if (wanted < 0 || wanted > ID_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER, "uids and gids must be in range 0-%d",
                         ID_MAX);
    *out = (gid_t)wanted;
    return 0;
}

static int user_find(const char *user, const char *passwd_path, struct user_identity *out,
                     char **name, struct error *err)
{
    int64_t uid = 0;
    bool numeric = !*user || parse_id(user, &uid);
    struct passwd_match match = passwd_find(passwd_path, user, numeric, uid, out);
    *name = match.name;
    if (match.found)
        return 0;
    if (!numeric)
        return error_set(err, ERROR_NOT_FOUND,
                         "unable to find user %s: no matching entries in passwd file", user);
    if (uid < 0 || uid > ID_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER, "uids and gids must be in range 0-%d",
                         ID_MAX);
    out->uid = (uid_t)uid;
    return 0;
}

int user_resolve(const char *spec, const char *passwd_path, const char *group_path,
                 struct user_identity *out, struct error *err)
{
    *out = (struct user_identity){.home = xstrdup("/")};
    AUTO_FREE char *user = xstrdup(spec);
    AUTO_FREE char *name = NULL;
    char *group = strchr(user, ':');
    if (group)
        *group++ = '\0';
    if (group) /* what follows a second colon is ignored */
        group[strcspn(group, ":")] = '\0';
    int rc = user_find(user, passwd_path, out, &name, err);
    if (rc == 0 && !str_empty(group))
        rc = group_find(group_path, group, "unable", &out->gid, err);
    else if (rc == 0 && name)
        groups_of(group_path, name, out);
    if (rc)
        user_identity_free(out);
    else /* Docker's rule since CVE-2022-36109: the primary group is one of them */
        groups_add(out, out->gid);
    return rc;
}

int user_add_groups(struct user_identity *u, const char *groups, const char *group_path,
                    struct error *err)
{
    AUTO_FREE char *copy = xstrdup(groups);
    char *rest = *copy ? copy : NULL;
    for (char *group; (group = strsep(&rest, ":"));) {
        gid_t gid;
        if (group_find(group_path, group, "Unable", &gid, err))
            return -1;
        groups_add(u, gid);
        u->groups_added = true;
    }
    return 0;
}

void user_identity_free(struct user_identity *u)
{
    free(u->groups);
    free(u->home);
    *u = (struct user_identity){0};
}
