/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports of a container as list filters ask for them: "80", "80/udp", "8000-8100/tcp".
 */
#ifndef SOCKERLESS_BACKEND_CONTAINER_PORTS_H
#define SOCKERLESS_BACKEND_CONTAINER_PORTS_H

#include "proto/sockerless.pb-c.h"

#include <stdbool.h>

struct port_range {
    int first, last;
    char protocol[8];
};

/* Protocol defaults to tcp; false when it is no port or range. */
bool port_range_parse(const char *text, struct port_range *out);

/* Ports inside the container: exposed ones and those that are published. */
bool container_exposes(const Sockerless__Container *c, const struct port_range *wanted);
/* Host ports of HostConfig.PortBindings. */
bool container_publishes(const Sockerless__Container *c, const struct port_range *wanted);

#endif
