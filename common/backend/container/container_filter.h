/* SPDX-License-Identifier: Apache-2.0
 *
 * Docker's filters of a container list (daemon/list.go of moby): checked once, then asked for each
 * container. Different keys are ANDed; values of one key are ORed, but for labels, which are ANDed.
 */
#ifndef SOCKERLESS_BACKEND_CONTAINER_FILTER_H
#define SOCKERLESS_BACKEND_CONTAINER_FILTER_H

#include "backend/state/backend_internal.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct container_filter;

/* filters: borrowed until the filter is freed. ERROR_INVALID_PARAMETER: unknown key or bad value.
 */
int container_filter_new(struct backend *b, Sockerless__Filter *const *filters, size_t count,
                         struct container_filter **out, struct error *err) MUST_CHECK;
void container_filter_free(struct container_filter *f); /* NULL is fine */
static inline void auto_release_container_filter(struct container_filter **slot)
{
    container_filter_free(*slot);
}

bool container_filter_matches(const struct container_filter *f, const struct container *c);
/* A filter on the state: containers that do not run are listed too. */
bool container_filter_implies_all(const struct container_filter *f);

#endif
