/* SPDX-License-Identifier: Apache-2.0
 *
 * A container of Cloud Run as a process: from a task's or a revision's template to what runs, and
 * from what it prints to Cloud Logging.
 */
#ifndef SOCKERLESS_SIM_GCP_PROCESS_H
#define SOCKERLESS_SIM_GCP_PROCESS_H

#include "base/str.h"
#include "test/sim/gcp/gcp.h"
#include "test/sim/gcp/log_store.h"
#include "test/sim/host/container.h"
#include "test/sim/host/network.h"

struct process_spec {
    const json_t *template; /* containers, volumes; the first container runs */
    const char *id;         /* of the container, unique */
    const char *volumes_id; /* of volumes that live as long as the task or instance */
    const struct image *image;
    const struct network_endpoint *endpoint;
    struct strv variables; /* NAME, value, NAME, value …: set by the platform; borrowed */
};

struct container *process_start(struct gcp *gcp, const struct process_spec *spec,
                                struct error *err) MUST_CHECK;
/* What it prints goes to the log until it has ended; its exit code. source: borrowed. */
int process_follow(struct gcp *gcp, struct container *process, const struct log_source *source);
/* Removes the volumes. */
void process_release(const struct gcp *gcp, const char *volumes_id);

#endif
