/* SPDX-License-Identifier: Apache-2.0
 *
 * One container of a replica, really run: command line, environment and mounts from the template,
 * its output to Log Analytics. Owned by replica.c.
 */
#ifndef SOCKERLESS_SIM_AZURE_REPLICA_PROCESS_H
#define SOCKERLESS_SIM_AZURE_REPLICA_PROCESS_H

#include "test/sim/azure/job.h"
#include "test/sim/host/image.h"

struct replica_process;
/* The index-th container of the execution, whose description in the template is `container`. Called
 * without the lock; `e->changed` is signalled when it has ended. */
struct replica_process *replica_process_start(struct execution *e, size_t index,
                                              const json_t *container, const struct image *image,
                                              struct error *err) MUST_CHECK;
/* With the lock held. */
bool replica_process_ended(const struct replica_process *p);
void replica_process_signal(struct replica_process *p, int signal_number);
/* After its end, without the lock: waits for the last output and removes everything. The exit code;
 * *out_of_memory: the kernel has killed it. */
int replica_process_finish(struct replica_process *p, bool *out_of_memory);
int replica_process_pid(const struct replica_process *p);
/* Where the volumes of an execution are that begin empty. Heap. */
char *replica_process_volumes(const struct execution *e);

#endif
