/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests against the real simulator: its process, and a small registry with two images made of
 * busybox: `library/tool:1` (a shell) and `agent:1`, whose entry point installs a stand-in for the
 * agent: a script that drops its own arguments and becomes the user's process.
 */
#ifndef SOCKERLESS_TEST_KIT_SIM_KIT_H
#define SOCKERLESS_TEST_KIT_SIM_KIT_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "test/kit/http_mock.h"

/* ---- images ---- */

struct kit_blob {
    char digest[80];
    char *bytes;
    size_t len;
};

struct kit_registry {
    struct mock *mock;
    struct kit_blob layer, configs[2], manifests[2];
};

void kit_registry_start(struct kit_registry *r);
void kit_registry_stop(struct kit_registry *r);

/* ---- the simulator ---- */

struct kit_sim {
    pid_t pid;
    int output; /* its log */
    char state_dir[64];
    int port;
};

/* $VARIABLE, $BIN_DIR/NAME, or beside the test: ../../bin. NULL: none. */
const char *kit_sim_binary(const char *self, const char *variable, const char *name);
bool kit_sim_start(struct kit_sim *sim, const char *binary, int registry_port);
void *kit_sim_drain(void *arg);

/* True: it ended orderly. */
bool kit_sim_stop(struct kit_sim *sim);

#endif
