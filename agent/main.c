/* SPDX-License-Identifier: Apache-2.0
 *
 * sockerless-agent: PID 1 of every workload. Runs the user's command and lets the backend reach it:
 * attach, exec, signals, terminal size, exit code. A static binary that needs nothing from the
 * image. Its stdout is the container's log (log_tee.h); it says nothing itself unless it fails.
 */
#include "agent/agent.h"
#include "agent/install.h"
#include "agent/invocation.h"
#include "base/program.h"

#include <stdio.h>
#include <unistd.h>

static int run(struct agent *a, struct error *err)
{
    if (a->options.install_dir)
        return install_self(a->options.install_dir, err);
    return a->options.serve ? invocation_serve(err) : agent_run(a, err);
}

int main(int argc, char **argv)
{
    static struct agent agent;
    const struct config_setting settings[] = {AGENT_SETTINGS(agent.options), {0}};
    const struct program self = {
        .component = "agent",
        .purpose = "First process of every workload: runs the command and lets the backend reach "
                   "it.",
        .arguments = "-- command argument…",
        .settings = settings,
    };
    struct error err = {0};
    int code = program_begin(&self, agent_options_count(argc, argv), argv);
    if (code == PROGRAM_RUNS && agent_options_finish(&agent.options, argc, argv, &err))
        code = program_fail(&self, &err);
    if (code == PROGRAM_RUNS && (code = run(&agent, &err)) < 0) {
        program_fail(&self, &err);
        code = agent.options.install_dir ? PROGRAM_FAILED : EXIT_AGENT_FAILED;
    }
    fflush(stdout);
    _exit(code); /* sessions, threads and children end with us */
}
