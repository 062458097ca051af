/* SPDX-License-Identifier: Apache-2.0
 * A simulator's process and its directory; see state_dir.h. */
#include "test/sim/host/state_dir.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/log.h"
#include "base/str.h"
#include "test/sim/host/container.h"
#include "test/sim/host/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

int state_dir_lock(char **dir, struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s/lock", *dir);
    if (directory_make(*dir, 0711, err))
        return error_wrap(err, "--state-dir");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "open %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        close(fd);
        return error_set(err, ERROR_CONFLICT,
                         "--state-dir: %s is used by a running simulator; stop it or choose "
                         "another",
                         *dir);
    }
    AUTO_FREE char *real = realpath(*dir, NULL);
    free(*dir);
    *dir = xstrdup(str_or_empty(real));
    return fd;
}

void state_dir_clean(const char *dir)
{
    struct error err;
    AUTO_FREE char *volumes = xasprintf("%s/volumes", dir);
    container_cleanup(dir);
    if (files_remove_tree(volumes, &err))
        log_warn("left-over volumes not removed", LOG_STR("error", err.message));
}

void state_dir_signals(sigset_t *signals)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}
