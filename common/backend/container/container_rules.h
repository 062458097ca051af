/* SPDX-License-Identifier: Apache-2.0
 *
 * What dockerd refuses at create, in its words: names and host settings. The frontend has checked
 * no more than that the values are of their types.
 */
#ifndef SOCKERLESS_BACKEND_CONTAINER_RULES_H
#define SOCKERLESS_BACKEND_CONTAINER_RULES_H

#include "base/error.h"

#include "proto/sockerless.pb-c.h"

/* The name without its leading slash, NULL when it is not a valid one. */
const char *container_rules_name(const char *wanted, struct error *err) MUST_CHECK;
/* What the user asks for, before the image's configuration is merged: working directory, stop
 * signal, variables, health check. daemon/container.go and daemon_unix.go of moby, in their order.
 */
int container_rules_config(const Sockerless__ContainerConfig *config, struct error *err) MUST_CHECK;
/* The same for HostConfig. dockerd's 500 for an isolation is a 400 here. */
int container_rules_host(const Sockerless__HostOptions *host, struct error *err) MUST_CHECK;

#endif
