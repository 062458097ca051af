/* SPDX-License-Identifier: Apache-2.0
 * Installing; see install.h. Two init containers may do this to one volume at once, hence a
 * temporary name of its own for each. */
#include "agent/install.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static int copy_to(int in, const char *path, struct error *err)
{
    struct stat st;
    int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    if (out < 0)
        return error_errno(err, ERROR_SYSTEM, errno,
                           "--install: give a directory that can be written to: %s", path);
    int failed = fstat(in, &st);
    for (off_t at = 0; !failed && at < st.st_size;) {
        ssize_t n = sendfile(out, in, &at, (size_t)(st.st_size - at));
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            failed = 1;
            errno = n == 0 ? EIO : errno;
        }
    }
    if (!failed)
        failed = fchmod(out, 0755); /* whatever the umask said */
    int error = errno;
    if (close(out) && !failed) {
        failed = 1;
        error = errno;
    }
    return failed ? error_errno(err, ERROR_SYSTEM, error, "write %s", path) : 0;
}

int install_self(const char *dir, struct error *err)
{
    AUTO_FREE char *temporary = xasprintf("%s/.sockerless-agent.%ld", dir, (long)getpid());
    AUTO_FREE char *target = xasprintf("%s/sockerless-agent", dir);
    int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "open /proc/self/exe");
    int rc = copy_to(in, temporary, err);
    close(in);
    if (rc == 0 && rename(temporary, target))
        rc = error_errno(err, ERROR_SYSTEM, errno, "rename %s", target);
    if (rc)
        unlink(temporary);
    return rc;
}
