/* SPDX-License-Identifier: Apache-2.0
 * Directories; see directory.h. */
#include "base/directory.h"

#include "base/alloc.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int unusable(const char *path, int why, struct error *err)
{
    return error_set(err, ERROR_SYSTEM,
                     "%.400s cannot be used: %s; choose a directory that this process can make and "
                     "write to",
                     path, strerror(why));
}

int directory_make(const char *path, mode_t mode, struct error *err)
{
    AUTO_FREE char *copy = xstrdup(path);
    struct stat st;
    for (char *p = copy + (*copy == '/');; p++) {
        if (*p && *p != '/')
            continue;
        char end = *p;
        *p = '\0';
        if (mkdir(copy, mode) && errno != EEXIST)
            return unusable(copy, errno, err);
        if (!end)
            break;
        *p = end;
    }
    if (stat(path, &st))
        return unusable(path, errno, err);
    if (!S_ISDIR(st.st_mode))
        return unusable(path, ENOTDIR, err);
    return access(path, W_OK | X_OK) ? unusable(path, errno, err) : 0;
}
