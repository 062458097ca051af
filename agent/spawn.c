/* SPDX-License-Identifier: Apache-2.0
 * Fork and exec; see spawn.h. Between fork and exec the child may call nothing that takes a lock
 * (nng's threads may have held it), so it works on what was prepared before and on raw system
 * calls, and reports a failure as a struct over a pipe that closes itself on success. */
#include "agent/spawn.h"

#include "agent/environment.h"
#include "base/alloc.h"
#include "base/buf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REPORT_FD = 3, SIGNAL_LAST = 64 };

enum spawn_stage { STAGE_SETUP, STAGE_IDENTITY, STAGE_WORKDIR, STAGE_LOOKUP, STAGE_NOT_IN_PATH };

struct spawn_report {
    enum spawn_stage stage;
    int error;
};

/* ---- in the child ---- */

static void child_fail(enum spawn_stage stage, int error)
{
    struct spawn_report report = {stage, error};
    ssize_t n = write(REPORT_FD, &report, sizeof report);
    _exit(n == (ssize_t)sizeof report ? 127 : 126);
}

enum { KERNEL_SIGSET_SIZE = 8 };

/* The agent's handlers must not run here: they would write into the parent's signal pipe. */
static void child_reset_signals(void)
{
    /* The bare system call: glibc keeps two real-time signals from sigaction(), and posix_spawn()
     * of whoever started us may have left them ignored. All zero is SIG_DFL in every layout. */
    static const unsigned long action[16];
    for (int i = 1; i <= SIGNAL_LAST; i++)
        syscall(SYS_rt_sigaction, i, action, NULL, KERNEL_SIGSET_SIZE); /* fails for two */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Everything the parent has open is close-on-exec; this is for what libraries may have missed. */
static void child_close_others(void)
{
    if (syscall(SYS_close_range, REPORT_FD + 1, ~0U, 0) == 0)
        return;
    for (int fd = REPORT_FD + 1; fd < 4096; fd++)
        close(fd);
}

static void child_set_descriptors(const struct spawn_request *r, int report_fd)
{
    int report = fcntl(report_fd, F_DUPFD_CLOEXEC, REPORT_FD + 1);
    for (int i = 0; i < 3; i++)
        if (dup2(r->stdio[i], i) < 0)
            _exit(126);
    if (dup3(report, REPORT_FD, O_CLOEXEC) < 0)
        _exit(126);
    child_close_others();
    if (setsid() < 0 || (r->tty && ioctl(0, TIOCSCTTY, 0) < 0))
        child_fail(STAGE_SETUP, errno);
}

/* Raw calls: the C library's wrappers signal all threads of the parent's list. The directory is
 * entered before the privileges are dropped, and after it where root is not let in (NFS). A
 * workload without the right to set groups may still run as the user it has, unless groups were
 * asked for. */
static void child_become(const struct spawn_request *r)
{
    const struct user_identity *u = r->user;
    bool entered = chdir(r->workdir) == 0;
    if (!entered && errno != EACCES)
        child_fail(STAGE_WORKDIR, errno);
    bool same = u->uid == geteuid() && u->gid == getegid();
    if ((syscall(SYS_setgroups, u->group_count, u->groups) < 0 && (!same || u->groups_added)) ||
        syscall(SYS_setresgid, u->gid, u->gid, u->gid) < 0 ||
        syscall(SYS_setresuid, u->uid, u->uid, u->uid) < 0)
        child_fail(STAGE_IDENTITY, errno);
    if (!entered && chdir(r->workdir) < 0)
        child_fail(STAGE_WORKDIR, errno);
}

/* 0 when the file may be executed by us, else an errno. */
static int check_executable(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return errno;
    if (S_ISDIR(st.st_mode) || access(path, X_OK) < 0)
        return EACCES;
    return 0;
}

/* Go's exec.LookPath, which the OCI runtime uses: files in PATH that may not be executed are
 * passed over, and then it was "not found in $PATH", as everything is without a PATH. */
static const char *child_look_up(const char *name, const char *path, char found[PATH_MAX],
                                 struct spawn_report *why)
{
    if (strchr(name, '/')) {
        *why = (struct spawn_report){STAGE_LOOKUP, check_executable(name)};
        return why->error ? NULL : name;
    }
    size_t name_len = strlen(name);
    while (name_len && *path) {
        size_t dir_len = strcspn(path, ":");
        const char *dir = dir_len ? path : ".";
        size_t used = dir_len ? dir_len : 1;
        if (used + name_len + 2 <= PATH_MAX) {
            memcpy(found, dir, used);
            found[used] = '/';
            memcpy(found + used + 1, name, name_len + 1);
            if (check_executable(found) == 0)
                return found;
        }
        if (!path[dir_len])
            break;
        path += dir_len + 1;
    }
    *why = (struct spawn_report){STAGE_NOT_IN_PATH, ENOENT};
    return NULL;
}

static size_t text_put(char *out, size_t used, size_t cap, const char *text)
{
    while (*text && used < cap)
        out[used++] = *text++;
    return used;
}

/* As the OCI runtime, which has handed over its error pipe by now. */
static void child_say_not_executed(const char *path, int error)
{
    char line[PATH_MAX + 128];
    const char *why = strerrordesc_np(error);
    size_t n = text_put(line, 0, sizeof line - 1, "exec ");
    n = text_put(line, n, sizeof line - 1, path);
    n = text_put(line, n, sizeof line - 1, ": ");
    size_t first = n;
    n = text_put(line, n, sizeof line - 1, why ? why : "unknown error");
    if (n > first && line[first] >= 'A' && line[first] <= 'Z')
        line[first] = (char)(line[first] - 'A' + 'a');
    line[n++] = '\n';
    ssize_t written = write(2, line, n);
    (void)written;
    _exit(1);
}

/* In place of a program that only waits and that the image does not have. The closed report tells
 * the parent that the process runs. */
static void child_idle(const char *program)
{
    const char *slash = strrchr(program, '/');
    prctl(PR_SET_NAME, slash ? slash + 1 : program);
    child_reset_signals();
    close(REPORT_FD);
    for (;;)
        pause();
}

static void child_run(const struct spawn_request *r, const char *path_env, int report_fd)
{
    char found[PATH_MAX];
    struct spawn_report why;
    child_set_descriptors(r, report_fd);
    child_become(r);
    const char *file = child_look_up(r->argv->items[0], path_env, found, &why);
    if (!file && r->idle_if_missing && (why.error == ENOENT || why.error == ENOTDIR))
        child_idle(r->argv->items[0]);
    if (!file)
        child_fail(why.stage, why.error);
    child_reset_signals();
    execve(file, r->argv->items, r->env->items);
    child_say_not_executed(file, errno);
}

/* ---- in the parent ---- */

/* As Go's %q for the characters that matter. */
static char *quote(const char *text)
{
    struct buf out = BUF_INIT;
    buf_putc(&out, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            buf_printf(&out, "\\%c", c);
        else if (c == '\n')
            buf_puts(&out, "\\n");
        else if (c < 0x20 || c == 0x7f)
            buf_printf(&out, "\\x%02x", c);
        else
            buf_putc(&out, (char)c);
    }
    buf_putc(&out, '"');
    return buf_steal(&out);
}

/* Go writes the kernel's errors in lower case. */
static const char *errno_text(int error, char out[64])
{
    const char *text = strerrordesc_np(error);
    size_t n = text_put(out, 0, 63, text ? text : "unknown error");
    out[n] = '\0';
    out[0] = (char)tolower((unsigned char)out[0]);
    return out;
}

static int exit_code_of(int error)
{
    if (error == ENOENT || error == ENOTDIR)
        return SPAWN_NOT_FOUND;
    return error == EACCES ? SPAWN_NOT_EXECUTABLE : SPAWN_FAILED;
}

static int report_to_error(const struct spawn_report *report, const struct spawn_request *r,
                           int *exit_code, struct error *err)
{
    char text[64];
    AUTO_FREE char *name = quote(r->argv->items[0]);
    errno_text(report->error, text);
    *exit_code = exit_code_of(report->error);
    switch (report->stage) {
    case STAGE_NOT_IN_PATH:
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "exec: %s: executable file not found in $PATH: unknown", name);
    case STAGE_LOOKUP:
        if (report->error == EACCES)
            return error_set(err, ERROR_INVALID_PARAMETER, "exec: %s: %s: unknown", name, text);
        return error_set(err, ERROR_INVALID_PARAMETER, "exec: %s: stat %s: %s: unknown", name,
                         r->argv->items[0], text);
    case STAGE_WORKDIR:
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "chdir to cwd (\"%s\") set in config.json failed: %s: unknown", r->workdir,
                         text);
    case STAGE_IDENTITY:
        *exit_code = SPAWN_FAILED;
        return error_set(err, ERROR_SYSTEM, "setting user %u and group %u: %s: unknown",
                         (unsigned)r->user->uid, (unsigned)r->user->gid, text);
    case STAGE_SETUP: break;
    }
    *exit_code = SPAWN_FAILED;
    return error_set(err, ERROR_SYSTEM, "setting up the process: %s: unknown", text);
}

/* With all signals blocked, so that none is handled between fork and the child's reset. */
static pid_t fork_quietly(const struct spawn_request *r, const char *path_env, int report_fd)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        child_run(r, path_env, report_fd);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return pid;
}

int spawn_process(const struct spawn_request *request, pid_t *pid, int *exit_code,
                  struct error *err)
{
    *exit_code = SPAWN_FAILED;
    int report_pipe[2];
    if (pipe2(report_pipe, O_CLOEXEC))
        return error_errno(err, ERROR_SYSTEM, errno, "pipe");
    const char *path_env = environment_get(request->env, "PATH");
    *pid = fork_quietly(request, path_env ? path_env : "", report_pipe[1]);
    int fork_error = errno;
    close(report_pipe[1]);
    struct spawn_report report;
    ssize_t n = 0;
    if (*pid > 0)
        do
            n = read(report_pipe[0], &report, sizeof report);
        while (n < 0 && errno == EINTR);
    close(report_pipe[0]);
    if (*pid < 0)
        return error_errno(err, ERROR_SYSTEM, fork_error, "fork");
    if (n != (ssize_t)sizeof report)
        return 0;
    while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return report_to_error(&report, request, exit_code, err);
}

int spawn_make_workdir(const char *path, int *exit_code, struct error *err)
{
    AUTO_FREE char *partial = xstrdup(path);
    char text[64];
    for (char *at = partial + 1; *partial; at++) {
        char end = *at;
        if (end != '/' && end != '\0')
            continue;
        *at = '\0';
        struct stat st;
        int error = mkdir(partial, 0755) == 0 ? 0 : errno;
        if (error == EEXIST && stat(partial, &st) == 0)
            error = S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
        else if (error && stat(partial, &st) == 0 && S_ISDIR(st.st_mode))
            error = 0; /* read-only file system, and there already */
        if (error) {
            *exit_code = exit_code_of(error);
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "error during container init: mkdir %s: %s: unknown", path,
                             errno_text(error, text));
        }
        if (!end)
            break;
        *at = end;
    }
    return 0;
}
