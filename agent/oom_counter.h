/* SPDX-License-Identifier: Apache-2.0
 *
 * How often the kernel has killed a process of this container because its memory was used up, by
 * the container's own cgroup.
 */
#ifndef SOCKERLESS_AGENT_OOM_COUNTER_H
#define SOCKERLESS_AGENT_OOM_COUNTER_H

#include <stdint.h>

#define OOM_COUNTER_CGROUPS "/sys/fs/cgroup"

/* -1: it cannot be read, as in a sandbox that shows no cgroups. directory: OOM_COUNTER_CGROUPS. */
int64_t oom_counter_read(const char *directory);

#endif
