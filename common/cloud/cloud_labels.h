/* SPDX-License-Identifier: Apache-2.0
 *
 * Docker's labels on their way to a cloud. Only people who look at the cloud's console read them
 * there; Docker's own clients read the container's row. So those that do not fit are left out.
 */
#ifndef SOCKERLESS_CLOUD_CLOUD_LABELS_H
#define SOCKERLESS_CLOUD_CLOUD_LABELS_H

#include "base/json.h"
#include "proto/sockerless.pb-c.h"

#include <stddef.h>

/* Writes members into the open object: each label that fits into what is left of `room` bytes of
 * JSON, in their order. Without those whose key begins with `reserved` (NULL: none is), and without
 * those that hold a NUL character. config NULL: none. */
void cloud_labels_write(struct json_writer *w, const Sockerless__ContainerConfig *config,
                        const char *reserved, size_t room);

#endif
