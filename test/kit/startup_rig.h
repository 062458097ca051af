/* SPDX-License-Identifier: Apache-2.0
 *
 * The start-up script of Cloud Run, run by real shells in a folder with stand-ins for curl and
 * wget.
 */
#ifndef SOCKERLESS_TEST_KIT_STARTUP_RIG_H
#define SOCKERLESS_TEST_KIT_STARTUP_RIG_H

#include "backend-cloudrun/cloudrun_startup.h"

extern struct startup_rig {
    char directory[64]; /* with "agent", which prints its arguments, a NUL after each, and ends with
                           7 */
    char out[4096];     /* of the last run, stdout and stderr */
    size_t len;
} startup_rig;

int startup_rig_setup(void **state);
int startup_rig_teardown(void **state);

char *startup_rig_path(const char *name);                   /* heap */
void startup_rig_write(const char *name, const char *text); /* a program */
/* A downloader that copies the agent to where -o or -O says, and notes its arguments in "asked". */
void startup_rig_downloader(const char *name, const char *option);
/* Runs the script with these arguments, NULL: none; its exit code. */
int startup_rig_run(const struct cloudrun_config *config, char *const *args);

#endif
