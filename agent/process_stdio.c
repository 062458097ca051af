/* SPDX-License-Identifier: Apache-2.0
 * Standard streams; see process_stdio.h. All descriptors are close-on-exec; spawn.c puts the
 * child's in place. */
#include "agent/process_stdio.h"

#include "agent/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Larger pipes mean fewer turns between the process and us; the kernel may say no. */
enum { PIPE_SIZE = 256 * 1024 };

static int null_open(int *fd, int flags, struct error *err)
{
    int ends[2];
    *fd = open("/dev/null", flags | O_CLOEXEC);
    if (*fd >= 0)
        return 0;
    int error = errno;
    /* Some root file systems have none; a pipe without a writer is read the same way. */
    if (flags != O_RDONLY || pipe2(ends, O_CLOEXEC))
        return error_errno(err, ERROR_SYSTEM, error, "open /dev/null");
    close(ends[1]);
    *fd = ends[0];
    return 0;
}

/* The user owns his ends, as with Docker: a program may open /dev/stderr again by that name. */
static int pipe_open(int *parent, int *child, bool child_reads, const struct user_identity *user,
                     struct error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return error_errno(err, ERROR_SYSTEM, errno, "pipe");
    *child = ends[child_reads ? 0 : 1];
    *parent = ends[child_reads ? 1 : 0];
    int flags = fcntl(*parent, F_GETFL);
    if (flags < 0 || fcntl(*parent, F_SETFL, flags | O_NONBLOCK) < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "pipe");
    fcntl(*parent, F_SETPIPE_SZ, PIPE_SIZE);
    if (user->uid != geteuid() && fchown(*child, user->uid, (gid_t)-1) < 0 && geteuid() == 0 &&
        errno != EPERM)
        return error_errno(err, ERROR_SYSTEM, errno, "pipe owner");
    return 0;
}

static int terminal_open(const struct process_options *o, const struct user_identity *user,
                         struct process_stdio *s, struct error *err)
{
    if (pty_open(&s->parent[1], &s->child[0], err))
        return -1;
    s->child[1] = fcntl(s->child[0], F_DUPFD_CLOEXEC, 3);
    s->child[2] = fcntl(s->child[0], F_DUPFD_CLOEXEC, 3);
    /* Its own number for the writing side: one descriptor can be watched only once. */
    s->parent[0] = fcntl(s->parent[1], F_DUPFD_CLOEXEC, 3);
    if (s->child[1] < 0 || s->child[2] < 0 || s->parent[0] < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "terminal");
    if (user->uid != geteuid() && fchown(s->child[0], user->uid, (gid_t)-1) < 0 && errno != EPERM)
        return error_errno(err, ERROR_SYSTEM, errno, "terminal owner");
    if (o->height || o->width)
        pty_resize(s->parent[1], o->height, o->width);
    return 0;
}

int process_stdio_open(const struct process_options *o, const struct user_identity *user,
                       struct process_stdio *s, struct error *err)
{
    if (o->tty)
        return terminal_open(o, user, s, err);
    if (o->open_stdin ? pipe_open(&s->parent[0], &s->child[0], true, user, err)
                      : null_open(&s->child[0], O_RDONLY, err))
        return -1;
    if (o->no_stdout ? null_open(&s->child[1], O_WRONLY, err)
                     : pipe_open(&s->parent[1], &s->child[1], false, user, err))
        return -1;
    return o->no_stderr ? null_open(&s->child[2], O_WRONLY, err)
                        : pipe_open(&s->parent[2], &s->child[2], false, user, err);
}

static void close_all(int fds[3])
{
    for (int i = 0; i < 3; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
}

void process_stdio_close(struct process_stdio *s)
{
    close_all(s->child);
    close_all(s->parent);
}
