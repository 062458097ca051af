/* SPDX-License-Identifier: Apache-2.0
 * The process of an invocation; see invocation_run.h. What the platform has put into our own
 * environment is not the container's: the second process gets what the request says, and nothing
 * else. */
#include "agent/invocation_run.h"

#include "agent/invocation.h"
#include "base/alloc.h"
#include "base/id.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "ipc/callback_token.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REPORT_FD = 3, SIGNAL_EXIT = 128 };

static volatile sig_atomic_t child; /* 0: none */
static volatile sig_atomic_t timed_out;

/* ---- signals ---- */

static void on_signal(int number)
{
    int saved = errno;
    if (number == SIGALRM) {
        timed_out = 1;
        if (child)
            kill(child, SIGKILL);
    } else if (child) {
        kill(child, number);
    } else {
        _exit(SIGNAL_EXIT + number);
    }
    errno = saved;
}

void invocation_signals_open(void)
{
    static const int handled[] = {SIGTERM, SIGINT, SIGALRM};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    for (size_t i = 0; i < ARRAY_LEN(handled); i++)
        sigaction(handled[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* ---- what the agent is told ---- */

static void environment_fill(const Sockerless__Invocation *run, struct strv *env)
{
    unsigned char raw[CALLBACK_INSTANCE_LEN / 2];
    char instance[CALLBACK_INSTANCE_LEN + 1];
    random_bytes(raw, sizeof raw);
    hex_encode(raw, sizeof raw, instance);
    for (size_t i = 0; i < run->n_agent_env; i++)
        strv_push(env, run->agent_env[i]);
    for (size_t i = 0; i < run->n_env; i++)
        strv_push_owned(env, xasprintf("SOCKERLESS_AGENT_ENV_%zu=%.*s", i, (int)run->env[i].len,
                                       (const char *)run->env[i].data));
    strv_push_owned(env, xasprintf("SOCKERLESS_AGENT_INSTANCE=%s", instance));
    strv_push_owned(env, xasprintf("SOCKERLESS_AGENT_RUN=%s", run->run));
    strv_push_owned(env, xasprintf("SOCKERLESS_AGENT_REPORT_FD=%d", REPORT_FD));
}

/* In the child, which has one thread of several: nothing but system calls. */
static void execute(const struct strv *argv, const struct strv *env, int report)
{
    if (dup2(report, REPORT_FD) == REPORT_FD && fcntl(REPORT_FD, F_SETFD, 0) == 0)
        execve("/proc/self/exe", argv->items, env->items);
    dprintf(report, "the agent cannot be executed: %s", strerror(errno));
    _exit(SIGNAL_EXIT - 1);
}

/* ---- its end ---- */

static void read_report(int fd, char *out, size_t size)
{
    size_t len = 0;
    ssize_t n;
    while (len < size - 1 && (n = read(fd, out + len, size - 1 - len)) != 0)
        if (n > 0)
            len += (size_t)n;
        else if (errno != EINTR)
            break;
    out[len] = '\0';
}

static void take_end(const Sockerless__Invocation *run, int wait_status,
                     struct invocation_result *out)
{
    size_t prefix = strlen(INVOCATION_REFUSED);
    out->finished_ms = time_now_ns() / 1000000;
    out->exit_code =
        WIFSIGNALED(wait_status) ? SIGNAL_EXIT + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
    if (timed_out) {
        out->status = 504;
        snprintf(out->error, sizeof out->error, "the run did not end within %lld s",
                 (long long)run->timeout_s);
    } else if (str_starts(out->error, INVOCATION_REFUSED)) {
        out->status = 409;
        memmove(out->error, out->error + prefix, strlen(out->error + prefix) + 1);
    } else {
        out->status = out->error[0] ? 502 : 200;
    }
}

static int fail(struct invocation_result *out, const char *what)
{
    out->status = 502;
    snprintf(out->error, sizeof out->error, "%s: %s", what, strerror(errno));
    return -1;
}

static int start(const Sockerless__Invocation *run, int pipe_fds[2], struct invocation_result *out)
{
    AUTO(strv) struct strv argv = STRV_INIT, env = STRV_INIT;
    sigset_t all, before;
    strv_push(&argv, "sockerless-agent");
    for (size_t i = 0; i < run->n_arguments; i++)
        strv_push(&argv, run->arguments[i]);
    environment_fill(run, &env);
    if (pipe2(pipe_fds, O_CLOEXEC))
        return fail(out, "pipe");
    sigfillset(&all); /* none is lost between the fork and its being known */
    sigprocmask(SIG_BLOCK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        execute(&argv, &env, pipe_fds[1]);
    }
    if (pid > 0)
        child = pid;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid < 0 ? fail(out, "fork") : 0;
}

void invocation_run(const Sockerless__Invocation *run, struct invocation_result *out)
{
    int fds[2], wait_status = 0;
    *out = (struct invocation_result){.started_ms = time_now_ns() / 1000000};
    if (start(run, fds, out))
        return;
    close(fds[1]);
    if (run->timeout_s > 0)
        alarm((unsigned)run->timeout_s);
    read_report(fds[0], out->error, sizeof out->error);
    while (waitpid((pid_t)child, &wait_status, 0) < 0 && errno == EINTR)
        ;
    child = 0;
    alarm(0);
    close(fds[0]);
    take_end(run, wait_status, out);
}
