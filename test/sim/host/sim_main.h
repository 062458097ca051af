/* SPDX-License-Identifier: Apache-2.0
 *
 * What main() of every simulator does: settings, log, signals, libraries; then its run().
 */
#ifndef SOCKERLESS_SIM_HOST_SIM_MAIN_H
#define SOCKERLESS_SIM_HOST_SIM_MAIN_H

#include "base/config.h"
#include "base/error.h"

#include <signal.h>

/* name: in log lines. log_level: where the table's --log-level goes. Returns the exit code. */
int sim_main(const char *name, const struct config_setting *table, char **log_level,
             int (*run)(const sigset_t *signals, struct error *err), int argc, char **argv);

#endif
