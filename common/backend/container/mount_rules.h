/* SPDX-License-Identifier: Apache-2.0
 *
 * moby's rules for what a container asks to be mounted: HostConfig's Mounts, Tmpfs, Binds and
 * VolumesFrom (volume/mounts/linux_parser.go and daemon/volumes.go). Nothing is mounted yet: the
 * requests are checked all the same, in moby's words. Host paths are not
 * looked up: the daemon has no host file system.
 *
 * host is HostConfig with Go's names; members that are absent or null are empty.
 */
#ifndef SOCKERLESS_BACKEND_MOUNT_RULES_H
#define SOCKERLESS_BACKEND_MOUNT_RULES_H

#include "backend/state/container.h"
#include "base/error.h"

#include <jansson.h>

/* Mounts, which moby checks before it looks for the image. */
int mount_rules_mounts(const json_t *host, struct error *err) MUST_CHECK;
/* Tmpfs, with the platform's rules. */
int mount_rules_tmpfs(const json_t *host, struct error *err) MUST_CHECK;
/* VolumesFrom, Binds, and that no two mounts have one destination: once the image is known. */
int mount_rules_points(const json_t *host, const struct container_table *containers,
                       struct error *err) MUST_CHECK;

/* A bind that names a path of the host: neither a volume's name nor a destination alone. */
bool mount_rules_is_host_path(const char *bind);

#endif
