/* SPDX-License-Identifier: Apache-2.0
 *
 * What the agent was told: its command line and the SOCKERLESS_AGENT_… variables.
 */
#ifndef SOCKERLESS_AGENT_OPTIONS_H
#define SOCKERLESS_AGENT_OPTIONS_H

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum agent_mode { AGENT_RUN, AGENT_INSTALL, AGENT_VERSION };

struct agent_options {
    enum agent_mode mode;
    bool keep_alive;         /* no main process */
    const char *install_dir; /* borrowed from argv */
    struct strv argv;        /* of the main process */
    struct strv env;         /* of the main process: without the agent's own */
    char *token;
    char *address; /* to listen on */
    int64_t port;
    char *callback_url; /* ws:// or wss://: dial it instead of listening; NULL: listen */
    char *container;    /* the own id, for the backend that is dialled */
    char *callback_ca;  /* PEM; "": the image's */
    bool tty, open_stdin, stdin_once;
    char *user, *workdir;
    int64_t linger_ms; /* how long to wait after the end for somebody to take the exit code */
    int64_t gate_ms;   /* how long output over the replay waits for the first control session */
};

int agent_options_load(struct agent_options *o, int argc, char **argv,
                       struct error *err) MUST_CHECK;
void agent_options_free(struct agent_options *o);

#endif
