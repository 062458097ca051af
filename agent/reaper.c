/* SPDX-License-Identifier: Apache-2.0
 * The reaper; see reaper.h. The only caller of waitpid() for processes that run. Children are
 * forked, watched and reaped on the loop's thread, so none can be reaped before it is watched. */
#include "agent/reaper.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

static struct reaper_child **bucket_of(struct reaper *r, pid_t pid)
{
    return &r->buckets[(unsigned)pid % REAPER_BUCKETS];
}

static struct reaper_child *take(struct reaper *r, pid_t pid)
{
    struct reaper_child **bucket = bucket_of(r, pid), *child;
    LL_SEARCH_SCALAR(*bucket, child, pid, pid);
    if (child)
        LL_DELETE(*bucket, child);
    return child;
}

static void on_sigchld(uv_signal_t *handle, int number)
{
    (void)number;
    struct reaper *r = handle->data;
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid <= 0)
            return;
        struct reaper_child *child = take(r, pid);
        if (child)
            child->exited(child, status);
    }
}

int reaper_open(struct reaper *r, struct loop *l, struct error *err)
{
    *r = (struct reaper){0};
    int rc = uv_signal_init(&l->uv, &r->sigchld);
    r->sigchld.data = r;
    if (rc == 0)
        rc = uv_signal_start(&r->sigchld, on_sigchld, SIGCHLD);
    return rc ? error_set(err, ERROR_SYSTEM, "SIGCHLD: %s", uv_strerror(rc)) : 0;
}

void reaper_close(struct reaper *r)
{
    uv_close((uv_handle_t *)&r->sigchld, NULL);
}

void reaper_watch(struct reaper *r, struct reaper_child *child)
{
    struct reaper_child **bucket = bucket_of(r, child->pid);
    LL_PREPEND(*bucket, child);
}

void reaper_kill_all(struct reaper *r)
{
    if (getpid() == 1) {
        kill(-1, SIGKILL);
        return;
    }
    for (unsigned i = 0; i < REAPER_BUCKETS; i++)
        for (struct reaper_child *child = r->buckets[i]; child; child = child->next)
            kill(-child->pid, SIGKILL); /* each leads its own session and group */
}
