/* SPDX-License-Identifier: Apache-2.0
 *
 * Containers with --rm that have just been removed. A real daemon takes some hundred milliseconds
 * to tear such a container down, and programs rely on it: they start a container and ask for its
 * exit code, output or state a moment later. Here the removal is done at once (the name is free,
 * lists do not show the container), but for a short while a reference still finds it.
 *
 * A client that waits for the removal is told of it when nobody finds the container any more
 * (run/session_wait.c).
 *
 * The list belongs to the table of containers. It is bounded in number and in time.
 */
#ifndef SOCKERLESS_BACKEND_CONTAINER_RECENT_H
#define SOCKERLESS_BACKEND_CONTAINER_RECENT_H

#include "backend/state/container.h"

enum { CONTAINER_RECENT_MS = 5000, CONTAINER_RECENT_MAX = 1024 };

/* As container_find(), which it prefers; then what was removed lately, by full id, name (the
 * youngest of that name) or unique prefix. c->removed tells the difference. Borrowed. */
struct container *container_find_recent(struct container_table *t, const char *ref,
                                        struct error *err) MUST_CHECK;

/* A container that has just left the table is found for CONTAINER_RECENT_MS; takes a reference.
 * Above CONTAINER_RECENT_MAX the oldest is forgotten. */
void container_recent_keep(struct container_table *t, struct container *c);
/* False when its time is over: then it is not found. */
bool container_is_recent(const struct container *c);
/* A client was told that it is removed. Harmless for a container that is not kept. */
void container_recent_forget(struct container_table *t, struct container *c);
/* What is out of date; called regularly, so that nothing is held without a further removal. */
void container_recent_purge(struct container_table *t);

#endif
