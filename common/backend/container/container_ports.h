/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports of a container as list filters ask for them: "80", "80/udp", "8000-8100/tcp".
 */
#ifndef SOCKERLESS_BACKEND_CONTAINER_PORTS_H
#define SOCKERLESS_BACKEND_CONTAINER_PORTS_H

#include "base/port_range.h"
#include "proto/sockerless.pb-c.h"

#include <stdbool.h>

struct container_ports {
    struct port_range range;
    const char *protocol; /* as port_range_protocol() gives it */
};

/* The protocol is tcp when there is none; false when it is not a port or a range. */
bool container_ports_parse(const char *text, struct container_ports *out);

/* Ports inside the container: exposed ones and those that are published. */
bool container_exposes(const Sockerless__Container *c, const struct container_ports *wanted);
/* Host ports of HostConfig.PortBindings. */
bool container_publishes(const Sockerless__Container *c, const struct container_ports *wanted);

#endif
