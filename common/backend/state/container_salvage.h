/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the container table that are damaged: what can still be read of them. Such a container is
 * shown as dead, its row is kept as it is until the container is removed, and its run goes on.
 */
#ifndef SOCKERLESS_BACKEND_CONTAINER_SALVAGE_H
#define SOCKERLESS_BACKEND_CONTAINER_SALVAGE_H

#include "base/arena.h"

#include "proto/state.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

/* What was decoded can be worked with, and belongs to this key. */
bool container_salvage_is_sound(const char *key, const Sockerless__ContainerRecord *rec);

/* A record with all that the others rely on, made of the row's readable parts. Its id is the key
 * or, when that is not an id, the one in the row. NULL: neither is an id. *other_id is set when the
 * row names another container than its key. */
Sockerless__ContainerRecord *container_salvage(const char *key, const void *bytes, size_t len,
                                               struct arena *arena, bool *other_id);

#endif
