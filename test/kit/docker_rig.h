/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry client with a real docker-registry that has TLS under a private CA and a password,
 * or is open.
 */
#ifndef SOCKERLESS_TEST_KIT_DOCKER_RIG_H
#define SOCKERLESS_TEST_KIT_DOCKER_RIG_H

#include "test/kit/docker_registry.h"
#include "test/kit/registry_rig.h"

/* A client that finds the registry at its port and trusts that CA; ca: false: no private CA. */
struct registry_client *docker_rig_client(struct http_client *http,
                                          const struct docker_registry *at, bool ca);
/* Starts the registry and opens a rig whose client knows it. */
struct rig *docker_rig_open(struct docker_registry *at, bool secure);
void docker_rig_close(struct rig *f, struct docker_registry *at);

#endif
