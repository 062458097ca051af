/* SPDX-License-Identifier: Apache-2.0
 *
 * A container of Cloud Run as a process: from a task's or an instance's template to what runs, from
 * what it prints to Cloud Logging, to its end. Its owner has a lock and a condition, which is told
 * of the end.
 */
#ifndef SOCKERLESS_SIM_GCP_PROCESS_H
#define SOCKERLESS_SIM_GCP_PROCESS_H

#include "base/str.h"
#include "test/sim/gcp/gcp.h"
#include "test/sim/gcp/log_store.h"
#include "test/sim/host/container.h"
#include "test/sim/host/network.h"

#include <pthread.h>

struct process_spec {
    const json_t *template; /* containers, volumes; the first container runs */
    const char *id;         /* of the container, unique */
    const char *volumes_id; /* of volumes that live as long as the task or instance */
    const struct image *image;
    const struct network_endpoint *endpoint;
    struct strv variables; /* NAME, value, NAME, value …: set by the platform; borrowed */
};

struct process {
    struct gcp *gcp;
    pthread_mutex_t *lock;
    pthread_cond_t *changed;
    struct container *container; /* NULL: none */
    struct log_source source;    /* borrowed texts */
    pthread_t thread;
    bool ended;
    int code; /* exit code, 128+signal */
};

/* gcp, lock, changed and source are set. Without the lock. */
int process_start(struct process *p, const struct process_spec *spec, struct error *err) MUST_CHECK;
/* With the lock: from here on its output goes to the log, and its end is noted. */
void process_watch(struct process *p);
/* With the lock: SIGTERM, the grace period, SIGKILL; returns when it has ended. True when it had to
 * be killed. */
bool process_stop(struct process *p);
/* Without the lock, when it has ended. */
void process_reap(struct process *p);
int process_pid(const struct process *p); /* 0: it does not run */
/* Removes the volumes. */
void process_release(const struct gcp *gcp, const char *volumes_id);

#endif
