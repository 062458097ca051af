/* SPDX-License-Identifier: Apache-2.0
 *
 * Every endpoint of Docker's API 1.44, in the order in which they are tried; what is not built yet
 * answers 501.
 */
#include "frontend/routes/router.h"
#include "frontend/routes/routes.h"

#define ROUTE(method, prefix, suffix, handle, body)                                                \
    {                                                                                              \
        HTTP_##method, prefix, suffix, handle, body                                                \
    }
#define R(method, prefix, suffix, handle) ROUTE(method, prefix, suffix, handle, BODY_DROPPED)
#define RJ(method, prefix, suffix, handle) ROUTE(method, prefix, suffix, handle, BODY_JSON)
#define RS(method, prefix, suffix, handle) ROUTE(method, prefix, suffix, handle, BODY_STREAM)
#define LATER(method, prefix, suffix) R(method, prefix, suffix, system_not_built)
#define SWARM(method, prefix, suffix) R(method, prefix, suffix, system_no_swarm)

const struct route route_table[] = {
    R(HEAD, "/_ping", NULL, system_ping),
    R(GET, "/_ping", NULL, system_ping),
    R(GET, "/version", NULL, system_version),
    R(GET, "/info", NULL, system_info),

    R(GET, "/containers/json", NULL, container_list),
    LATER(GET, "/containers/", "/attach/ws"),
    LATER(GET, "/containers/", "/export"),
    LATER(GET, "/containers/", "/changes"),
    R(GET, "/containers/", "/json", container_inspect),
    LATER(GET, "/containers/", "/top"),
    R(GET, "/containers/", "/logs", container_logs),
    LATER(GET, "/containers/", "/stats"),
    LATER(GET, "/containers/", "/archive"),
    LATER(HEAD, "/containers/", "/archive"),
    LATER(PUT, "/containers/", "/archive"),
    RJ(POST, "/containers/create", NULL, container_create),
    LATER(POST, "/containers/prune", NULL),
    R(POST, "/containers/", "/kill", container_kill),
    LATER(POST, "/containers/", "/pause"),
    LATER(POST, "/containers/", "/unpause"),
    LATER(POST, "/containers/", "/restart"),
    R(POST, "/containers/", "/start", container_start),
    R(POST, "/containers/", "/stop", container_stop),
    R(POST, "/containers/", "/wait", container_wait),
    R(POST, "/containers/", "/resize", container_resize),
    R(POST, "/containers/", "/attach", container_attach),
    RJ(POST, "/containers/", "/exec", exec_create),
    LATER(POST, "/containers/", "/rename"),
    LATER(POST, "/containers/", "/update"),
    R(DELETE, "/containers/", "", container_remove),

    RJ(POST, "/exec/", "/start", exec_start),
    R(POST, "/exec/", "/resize", exec_resize),
    R(GET, "/exec/", "/json", exec_inspect),

    R(GET, "/images/json", NULL, image_list),
    LATER(GET, "/images/search", NULL),
    R(GET, "/images/get", NULL, image_save),
    R(GET, "/images/", "/get", image_save),
    R(GET, "/images/", "/history", image_history),
    R(GET, "/images/", "/json", image_inspect),
    RS(POST, "/images/create", NULL, image_create),
    RS(POST, "/images/load", NULL, image_load),
    R(POST, "/images/prune", NULL, image_prune),
    RJ(POST, "/images/", "/push", image_push),
    R(POST, "/images/", "/tag", image_tag),
    R(DELETE, "/images/", "", image_remove),
    R(GET, "/distribution/", "/json", distribution_inspect),

    RJ(POST, "/auth", NULL, registry_login),
    LATER(POST, "/build", NULL),
    LATER(POST, "/build/prune", NULL),
    LATER(POST, "/build/cancel", NULL),
    LATER(POST, "/commit", NULL),
    LATER(GET, "/events", NULL),
    LATER(GET, "/system/df", NULL),
    LATER(POST, "/session", NULL),
    LATER(POST, "/grpc", NULL),

    LATER(GET, "/networks", NULL),
    LATER(GET, "/networks/", ""),
    LATER(POST, "/networks/create", NULL),
    LATER(POST, "/networks/prune", NULL),
    LATER(POST, "/networks/", "/connect"),
    LATER(POST, "/networks/", "/disconnect"),
    LATER(DELETE, "/networks/", ""),
    LATER(GET, "/volumes", NULL),
    LATER(GET, "/volumes/", ""),
    LATER(POST, "/volumes/create", NULL),
    LATER(POST, "/volumes/prune", NULL),
    LATER(PUT, "/volumes/", ""),
    LATER(DELETE, "/volumes/", ""),
    LATER(GET, "/plugins", NULL),
    LATER(GET, "/plugins/privileges", NULL),
    LATER(GET, "/plugins/", "/json"),
    LATER(POST, "/plugins/", ""),
    LATER(DELETE, "/plugins/", ""),

    SWARM(GET, "/swarm", NULL),
    SWARM(POST, "/swarm/", ""),
    SWARM(GET, "/swarm/", ""),
    SWARM(GET, "/nodes", ""),
    SWARM(POST, "/nodes/", ""),
    SWARM(DELETE, "/nodes/", ""),
    SWARM(GET, "/services", ""),
    SWARM(POST, "/services/", ""),
    SWARM(DELETE, "/services/", ""),
    SWARM(GET, "/tasks", ""),
    SWARM(GET, "/secrets", ""),
    SWARM(POST, "/secrets/", ""),
    SWARM(DELETE, "/secrets/", ""),
    SWARM(GET, "/configs", ""),
    SWARM(POST, "/configs/", ""),
    SWARM(DELETE, "/configs/", ""),
    {0, NULL, NULL, NULL, BODY_DROPPED},
};
