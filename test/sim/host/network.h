/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated VPC: one bridge on the host, one network namespace with one address per task. The
 * host reaches every task at its address; tasks reach each other; nothing leads further.
 */
#ifndef SOCKERLESS_SIM_HOST_NETWORK_H
#define SOCKERLESS_SIM_HOST_NETWORK_H

#include "base/error.h"

enum { NETWORK_ID_LEN = 12 };

struct network;

struct network_endpoint {
    char netns[32]; /* name for `ip netns`: skl-<id> */
    char address[16];
    char mac[18];
};

/* Takes the bridge name for this process (no other simulator may run on it), removes what a killed
 * one left on it, makes the bridge. subnet: "198.18.0.0/16", prefix 16…29. */
struct network *network_open(const char *bridge, const char *subnet, struct error *err) MUST_CHECK;
/* Removes the bridge and every namespace still there. */
void network_close(struct network *n);
/* Remove what a killed simulator left on the bridge, and the bridge. ERROR_CONFLICT when it lives.
 */
int network_cleanup(const char *bridge, struct error *err) MUST_CHECK;

/* id: NETWORK_ID_LEN characters, unique among live tasks. */
int network_attach(struct network *n, const char *id, struct network_endpoint *out,
                   struct error *err) MUST_CHECK;
void network_detach(struct network *n, const struct network_endpoint *endpoint);
const char *network_gateway(const struct network *n);
const char *network_subnet(const struct network *n);

#endif
