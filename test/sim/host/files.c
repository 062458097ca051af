/* SPDX-License-Identifier: Apache-2.0
 * Files and mounts; see files.h. */
#include "test/sim/host/files.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/host/child.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int files_write(const char *path, const void *data, size_t len, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "create %s", path);
    const char *p = data;
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            error_errno(err, ERROR_SYSTEM, errno, "write %s", path);
            close(fd);
            return -1;
        }
        p += n;
        len -= (size_t)n;
    }
    close(fd);
    return 0;
}

int files_read(const char *path, size_t max, struct buf *out, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, ERROR_NOT_FOUND, errno, "open %s", path);
    ssize_t n;
    while ((n = read(fd, buf_reserve(out, 16384), 16384)) > 0 && out->len <= max)
        buf_commit(out, (size_t)n);
    close(fd);
    if (n < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "read %s", path);
    return out->len > max ? error_set(err, ERROR_TOO_LARGE, "%s is too large", path) : 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)at;
    return (type == FTW_DP || type == FTW_D || type == FTW_DNR) ? rmdir(path) : unlink(path);
}

int files_remove_tree(const char *path, struct error *err)
{
    if (!files_exists(path))
        return 0;
    if (nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) && errno != ENOENT)
        return error_errno(err, ERROR_SYSTEM, errno, "remove %s", path);
    return 0;
}

int files_copy_tree(const char *from, const char *to, struct error *err)
{
    AUTO_FREE char *content = xasprintf("%s/.", from);
    return child_check((char *[]){"cp", "-a", content, (char *)to, NULL}, NULL, err);
}

bool files_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

/* The mount point of a mountinfo line, with its \040 escapes undone; heap, or NULL. */
static char *mountinfo_target(const char *line)
{
    char raw[4096];
    if (sscanf(line, "%*d %*d %*s %*s %4095s", raw) != 1)
        return NULL;
    char *out = xmalloc(strlen(raw) + 1), *to = out;
    for (const char *p = raw; *p; p++) {
        unsigned code;
        if (*p == '\\' && sscanf(p + 1, "%3o", &code) == 1) {
            *to++ = (char)code;
            p += 3;
        } else {
            *to++ = *p;
        }
    }
    *to = '\0';
    return out;
}

int files_unmount_below(const char *dir)
{
    AUTO_FREE char *real = realpath(dir, NULL);
    FILE *f = fopen("/proc/self/mountinfo", "re");
    if (!f || !real) {
        if (f)
            fclose(f);
        return 0;
    }
    struct strv found = STRV_INIT;
    char line[8192];
    size_t len = strlen(real);
    while (fgets(line, sizeof line, f)) {
        char *target = mountinfo_target(line);
        if (target && !strncmp(target, real, len) && (target[len] == '/' || !target[len]))
            strv_push(&found, target);
        free(target);
    }
    fclose(f);
    int count = 0;
    for (size_t i = found.count; i > 0; i--) /* mountinfo lists parents first */
        count += umount2(found.items[i - 1], MNT_DETACH) == 0;
    strv_free(&found);
    return count;
}

int files_open_in_root(int root_fd, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned long long)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, root_fd, path, &how, sizeof how);
}
