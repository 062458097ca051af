/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a run's command and environment travel: in RunTask's overrides when they fit, so that
 * containers of one image share a task definition whatever they execute; else in the definition.
 * Pure, and decided by the spec alone: preparing a run and starting it, in whichever process of the
 * backend, come to the same answer, and a repeated RunTask to the same bytes.
 */
#ifndef SOCKERLESS_ECS_OVERRIDES_H
#define SOCKERLESS_ECS_OVERRIDES_H

#include "cloud/driver.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

#include <stdbool.h>

struct ecs_overrides {
    bool complete;   /* they hold command and environment: the definition must hold neither, since
                      * overrides can replace a variable but not remove one */
    struct buf json; /* RunTask's "overrides" */
};
static inline void auto_release_ecs_overrides(struct ecs_overrides *o)
{
    buf_free(&o->json);
}

/* ERROR_INVALID_PARAMETER when not even what differs for every run fits. */
int ecs_overrides_build(const struct workload_spec *spec, struct ecs_overrides *out,
                        struct error *err) MUST_CHECK;

/* The members "command" and "environment" of a definition, for overrides that are not complete. */
void ecs_process_write(struct json_writer *w, const struct workload_spec *spec);

#endif
