/* SPDX-License-Identifier: Apache-2.0
 *
 * What main() of every simulator does: settings, log, signals, libraries; then its run().
 */
#ifndef SOCKERLESS_SIM_HOST_SIM_MAIN_H
#define SOCKERLESS_SIM_HOST_SIM_MAIN_H

#include "base/error.h"
#include "base/program.h"

#include <signal.h>

/* Returns the exit code (base/program.h). */
int sim_main(const struct program *self, int (*run)(const sigset_t *signals, struct error *err),
             int argc, char **argv);

#endif
