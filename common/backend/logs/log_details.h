/* SPDX-License-Identifier: Apache-2.0
 *
 * Log details: the attributes that `docker logs --details` shows before each line. As with
 * dockerd's json-file driver the container's log options choose them: "labels" and "env" name some
 * of the container's, "labels-regex" and "env-regex" match names, "tag" is a text of its own.
 */
#ifndef SOCKERLESS_BACKEND_LOG_DETAILS_H
#define SOCKERLESS_BACKEND_LOG_DETAILS_H

#include "backend/state/container.h"

/* "env=…,label=…,tag=…": sorted, keys and values escaped as in a query; "" when there are none.
 * Heap. */
char *log_details_new(const struct container *c);

#endif
