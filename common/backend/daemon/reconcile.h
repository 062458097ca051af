/* SPDX-License-Identifier: Apache-2.0
 *
 * After a restart: the store's containers and the cloud's runs are brought together.
 */
#ifndef SOCKERLESS_BACKEND_RECONCILE_H
#define SOCKERLESS_BACKEND_RECONCILE_H

#include "base/error.h"

struct backend;

/* Load all containers from the store. Before the server listens. */
int reconcile_load(struct backend *b, struct error *err) MUST_CHECK;
/* Pick up what was under way, and look for runs without a row; in the background. */
void reconcile_start(struct backend *b);

#endif
