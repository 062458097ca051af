/* SPDX-License-Identifier: Apache-2.0
 * Reading the kernel's count of OOM kills; see oom_counter.h. A container sees its own cgroup where
 * the host has the root of all: with cgroup v2 by its namespace, with v1 by the runtime's mounts.
 */
#include "agent/oom_counter.h"

#include "base/alloc.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>

/* Both have lines of a word and a number; "oom_kill" is the one that counts kills (cgroup-v2.rst,
 * "memory.events"; memcontrol.c of v1). */
static const char *const files[] = {"memory.events", "memory/memory.oom_control"};

static int64_t read_file(const char *path)
{
    char line[128];
    int64_t kills = -1;
    FILE *f = fopen(path, "re");
    if (!f)
        return -1;
    while (kills < 0 && fgets(line, sizeof line, f))
        if (sscanf(line, "oom_kill %" SCNd64, &kills) != 1)
            kills = -1;
    fclose(f);
    return kills;
}

int64_t oom_counter_read(const char *directory)
{
    int64_t kills = -1;
    for (size_t i = 0; i < ARRAY_LEN(files) && kills < 0; i++) {
        AUTO_FREE char *path = xasprintf("%s/%s", directory, files[i]);
        kills = read_file(path);
    }
    return kills;
}
