/* SPDX-License-Identifier: Apache-2.0
 *
 * sockerless-agent: PID 1 of every workload. Runs the user's command and lets the backend reach it:
 * attach, exec, signals, terminal size, exit code. A static binary that needs nothing from the
 * image. Its stdout is the container's log (log_tee.h); it says nothing itself unless it fails.
 */
#include "agent/agent.h"
#include "agent/install.h"
#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#ifndef SOCKERLESS_VERSION
#define SOCKERLESS_VERSION "0.1.0"
#endif

/* As Docker when the daemon itself fails. */
enum { EXIT_AGENT_FAILED = 125 };

/* Descriptors 0 to 2 must be taken, or the first pipe would be somebody's stdin. */
static void ensure_standard_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            return;
}

static int run(struct agent *a, struct error *err)
{
    switch (a->options.mode) {
    case AGENT_VERSION: return printf("sockerless-agent %s\n", SOCKERLESS_VERSION) < 0 ? -1 : 0;
    case AGENT_INSTALL: return install_self(a->options.install_dir, err);
    case AGENT_RUN: break;
    }
    return agent_run(a, err);
}

int main(int argc, char **argv)
{
    static struct agent agent;
    struct error err = {0};
    ensure_standard_descriptors();
    log_open("agent", LOG_ERROR);
    int code = agent_options_load(&agent.options, argc, argv, &err);
    if (code == 0)
        code = run(&agent, &err);
    if (code < 0) {
        log_error(err.message, LOG_STR("code", error_code_name(err.code)));
        code = EXIT_AGENT_FAILED;
    }
    fflush(stdout);
    _exit(code); /* sessions, threads and children end with us */
}
