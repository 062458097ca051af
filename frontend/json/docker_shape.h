/* SPDX-License-Identifier: Apache-2.0
 *
 * The types of what clients send, from Docker's API description 1.44 and the Go types behind it
 * (moby's api/types): also the parts that are kept as they are and shown by inspect.
 */
#ifndef SOCKERLESS_FRONTEND_DOCKER_SHAPE_H
#define SOCKERLESS_FRONTEND_DOCKER_SHAPE_H

#include "frontend/json/json_shape.h"

/* The body of POST /containers/create. */
extern const struct json_shape docker_shape_create;
/* POST /containers/{id}/exec, POST /exec/{id}/start. */
extern const struct json_shape docker_shape_exec_create, docker_shape_exec_start;
/* The value of the `filters` parameter: as it is today, and before API 1.22. */
extern const struct json_shape docker_shape_filters, docker_shape_filters_old;

#endif
