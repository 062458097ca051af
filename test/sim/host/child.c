/* SPDX-License-Identifier: Apache-2.0
 * Child processes; see child.h. posix_spawn because the simulator has many threads: nothing may run
 * between fork and exec. */
#include "test/sim/host/child.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void redirect(posix_spawn_file_actions_t *actions, int from, int to)
{
    if (from < 0)
        posix_spawn_file_actions_addopen(actions, to, "/dev/null", to == 0 ? O_RDONLY : O_WRONLY,
                                         0);
    else
        posix_spawn_file_actions_adddup2(actions, from, to);
}

int child_spawn(char *const argv[], int in, int out, int err_fd, pid_t *pid, struct error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    redirect(&actions, in, 0);
    redirect(&actions, out, 1);
    redirect(&actions, err_fd, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &defaults);
    /* Own process group: Ctrl-C at the simulator's terminal must not reach runc or ip. */
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                        POSIX_SPAWN_SETPGROUP);
    int rc = posix_spawnp(pid, argv[0], &actions, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return rc ? error_errno(err, ERROR_SYSTEM, rc, "start %s", argv[0]) : 0;
}

int child_wait(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int input_file(const char *text)
{
    int fd = memfd_create("stdin", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t len = strlen(text);
    if (write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void read_all(int fd, struct buf *out)
{
    enum { OUTPUT_MAX = 64 * 1024 };
    char chunk[4096];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0 && out && out->len < OUTPUT_MAX)
            buf_append(out, chunk, (size_t)n);
}

int child_run(char *const argv[], const char *input, struct buf *output, struct error *err)
{
    int in = -1, pipe_fds[2];
    if (input && (in = input_file(input)) < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "stdin of %s", argv[0]);
    if (pipe2(pipe_fds, O_CLOEXEC)) {
        if (in >= 0)
            close(in);
        return error_errno(err, ERROR_SYSTEM, errno, "pipe of %s", argv[0]);
    }
    pid_t pid;
    int rc = child_spawn(argv, in, pipe_fds[1], pipe_fds[1], &pid, err);
    close(pipe_fds[1]);
    if (in >= 0)
        close(in);
    if (rc == 0) {
        read_all(pipe_fds[0], output);
        rc = child_wait(pid);
    }
    close(pipe_fds[0]);
    return rc;
}

int child_check(char *const argv[], const char *input, struct error *err)
{
    struct buf output = BUF_INIT;
    int code = child_run(argv, input, &output, err);
    if (code > 0) {
        while (output.len && output.data[output.len - 1] == '\n')
            output.data[--output.len] = '\0';
        error_set(err, ERROR_SYSTEM, "%s: exit %d: %s", argv[0], code,
                  output.len ? output.data : "no message");
    }
    buf_free(&output);
    return code ? -1 : 0;
}
