/* SPDX-License-Identifier: Apache-2.0
 *
 * dockerd's rules for those members of HostConfig that are only kept and shown, and a warning for
 * each that is asked for and not acted upon. What is acted upon has its rules in
 * container_rules.h.
 */
#ifndef SOCKERLESS_BACKEND_HOST_RULES_H
#define SOCKERLESS_BACKEND_HOST_RULES_H

#include "backend/state/container.h"
#include "base/arena.h"
#include "base/error.h"
#include "cloud/driver.h"

#include <jansson.h>

/* HostConfig of a request: an object with Go's names, which may be empty; json_decref. NULL: error.
 */
json_t *host_rules_load(const ProtobufCBinaryData *host_config_json, struct error *err) MUST_CHECK;

/* What moby checks before it looks for the image, and behind that. */
int host_rules_early(const json_t *host, const Sockerless__ContainerConfig *config,
                     struct error *err) MUST_CHECK;
int host_rules_late(const json_t *host, const struct container_table *containers,
                    struct error *err) MUST_CHECK;

/* One text for each member that is set and that has no effect on this cloud. *out: arena array. */
size_t host_rules_warnings(const json_t *host, const Sockerless__ContainerCreateRequest *request,
                           const Sockerless__Container *view, const struct driver_caps *caps,
                           struct arena *arena, char ***out);

#endif
