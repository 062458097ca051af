/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of routes, made of route_list.h.
 */
#include "frontend/routes/route.h"
#include "frontend/routes/router.h"

const struct route route_table[] = {
#define ROUTE(method, prefix, suffix, handler, body)                                               \
    {HTTP_##method, prefix, suffix, {route_##handler, body}},
#include "frontend/routes/route_list.h"
    {0, NULL, NULL, {NULL, BODY_DROPPED}},
};
