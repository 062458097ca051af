/* SPDX-License-Identifier: Apache-2.0
 * `docker info`: what this backend is and how much it looks after. */
#include "backend/api/op.h"
#include "backend/state/backend_internal.h"
#include "base/str.h"

#include <string.h>

#ifndef SOCKERLESS_VERSION
#define SOCKERLESS_VERSION "unknown"
#endif

/* `uname -m` names, as Docker's info shows them. */
static const char *machine_name(const char *platform)
{
    static const char *const machines[][2] = {
        {"linux/amd64", "x86_64"}, {"linux/arm64", "aarch64"}, {"linux/arm64/v8", "aarch64"}};
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        if (strcmp(machines[i][0], str_or_empty(platform)) == 0)
            return machines[i][1];
    const char *slash = platform ? strchr(platform, '/') : NULL;
    return slash ? slash + 1 : "unknown";
}

static int32_t count_of(const struct backend *b, Sockerless__ContainerState s)
{
    return (int32_t)b->containers.state_counts[s];
}

void op_info(struct op *op)
{
    const struct backend *b = op->backend;
    char *system = arena_calloc(op->arena, 1, 256);
    if (b->driver->describe_self)
        b->driver->describe_self(b->driver->self, system, 256);
    Sockerless__InfoReply info = SOCKERLESS__INFO_REPLY__INIT;
    info.backend_name = arena_strdup(op->arena, b->driver->name);
    info.backend_version = (char *)SOCKERLESS_VERSION;
    info.instance_id = (char *)b->instance;
    info.containers = (int32_t)b->containers.count;
    info.containers_running = count_of(b, SOCKERLESS__CONTAINER_STATE__RUNNING) +
                              count_of(b, SOCKERLESS__CONTAINER_STATE__STOPPING);
    info.containers_paused = count_of(b, SOCKERLESS__CONTAINER_STATE__PAUSED);
    info.containers_stopped = info.containers - info.containers_running - info.containers_paused;
    info.images = (int32_t)image_store_count(b->images);
    info.architecture = (char *)machine_name(b->config->platform);
    info.operating_system = system;
    /* A cloud has no number of CPUs; what one container may have is shown.
     * compose and others read logs only from drivers whose names they know. */
    info.cpus = b->driver->caps.cpus_max;
    info.memory = b->driver->caps.memory_max;
    info.logging_driver = (char *)"json-file";
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    reply.result_case = SOCKERLESS__REPLY__RESULT_INFO;
    reply.info = &info;
    op_reply(op, &reply);
}
