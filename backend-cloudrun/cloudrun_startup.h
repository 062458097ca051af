/* SPDX-License-Identifier: Apache-2.0
 *
 * startup_command injection: the shell script that a container begins with. It downloads the agent
 * with curl or wget, whichever the image has, verifies its checksum and becomes the agent. Pure;
 * used by cloudrun_job.c, and by cloudrun_status.c for what its exit codes mean.
 */
#ifndef SOCKERLESS_CLOUDRUN_STARTUP_H
#define SOCKERLESS_CLOUDRUN_STARTUP_H

#include "base/buf.h"
#include "cloudrun_config.h"

#include <stdbool.h>

/* The script for `sh -c SCRIPT NAME ARGS…`: whatever the arguments are, the agent gets them as they
 * are ("$@"), no quoting is involved. */
void cloudrun_startup_script(const struct cloudrun_config *config, struct buf *out);
/* Where the agent is downloaded from; heap. */
char *cloudrun_startup_url(const struct cloudrun_config *config);
/* What one of the script's own exit codes says; NULL: none of them. *wants_layer: the agent as a
 * layer of the image would be a way out. */
const char *cloudrun_startup_reason(int exit_code, bool *wants_layer);
/* The container did not even start, for this reason: what it says when the image has no shell, for
 * which a layer is the way out, too; NULL: something else. */
const char *cloudrun_startup_refusal(const char *reason);

/* One word for a POSIX shell, whatever is in it. */
void shell_quote(struct buf *out, const char *text);

#endif
