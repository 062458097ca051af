/* SPDX-License-Identifier: Apache-2.0
 *
 * A create request's config completed with its image's, and what to execute: exactly Docker's rules
 * (moby daemon/commit.go merge(), daemon/container.go).
 */
#ifndef SOCKERLESS_OCI_CONTAINER_CONFIG_MERGE_H
#define SOCKERLESS_OCI_CONTAINER_CONFIG_MERGE_H

#include "base/arena.h"
#include "base/error.h"

#include "proto/sockerless.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

struct container_command {
    Sockerless__ContainerConfig *config; /* merged; what inspect shows */
    char *path;                          /* argv[0] */
    char **args;                         /* argv[1…] */
    size_t arg_count;
};

/* Everything in *out is the arena's, nothing points into the inputs. image NULL: no image config.
 *   Env         the container's first, then those of the image whose KEY it does not set; a KEY
 *               without '=' keeps the image's out (and is itself kept, as Docker shows it)
 *   Entrypoint  given: the image's Cmd is dropped too; [""] resets it
 *   Labels, ExposedPorts, Volumes  united, the container's labels win; sorted by key
 *   Healthcheck each unset part from the image's; {"Test":["NONE"]} stays as it is
 *   User, WorkingDir, StopSignal   the image's when empty. Shell, OnBuild, StopTimeout: untouched
 * ERROR_INVALID_PARAMETER: No command specified. What a user may not ask for was refused before
 * (container_rules.h). */
int container_config_merge(const Sockerless__ContainerConfig *user,
                           const Sockerless__ContainerConfig *image, struct arena *arena,
                           struct container_command *out, struct error *err) MUST_CHECK;

/* A process's environment. `set` has "KEY=value" entries, one for a KEY; `unset` the names that
 * were given without a value and have none: whoever adds defaults, or the image's own variables,
 * must leave these out. Arena arrays. */
struct container_environment {
    char **set, **unset;
    size_t set_count, unset_count;
};

/* As Docker makes it (moby's ReplaceOrAppendEnvValues): PATH's default, HOSTNAME (unless hostname
 * is NULL), TERM with a tty, then config->env; then, for an exec, its own `over` (NULL: none). A
 * later value replaces an earlier one in place. A KEY alone removes what an earlier stage has set,
 * but not what its own list sets otherwise. */
struct container_environment container_environment(const Sockerless__ContainerConfig *config,
                                                   const Sockerless__StringList *over,
                                                   const char *hostname, struct arena *arena);

/* Does the config have a health check that runs ("NONE" and no test at all do not)? */
bool container_has_healthcheck(const Sockerless__ContainerConfig *config);

#endif
