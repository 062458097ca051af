/* SPDX-License-Identifier: Apache-2.0
 *
 * Registries: credentials as clients send them, login, what a registry has under a name. Passwords
 * pass through here: what holds one is wiped before it is freed.
 */
#include "frontend/json/docker_json.h"
#include "frontend/http/exchange_call.h"
#include "frontend/http/reply.h"
#include "frontend/routes/route.h"

#include "base/alloc.h"

#include <string.h>

enum { REGISTRY_AUTH_MAX = 32 * 1024 };

void route_registry_auth_wipe(ProtobufCBinaryData *auth)
{
    if (auth->data)
        explicit_bzero(auth->data, auth->len);
    free(auth->data);
    *auth = (ProtobufCBinaryData){0};
}

/* base64url JSON, with or without padding. What cannot be read counts as no credentials, as for
 * dockerd. */
void route_registry_auth_header(struct exchange *x, ProtobufCBinaryData *out)
{
    ProtobufCBinaryData auth = {0};
    struct error err;
    *out = auth;
    if (!x->registry_auth || strlen(x->registry_auth) > REGISTRY_AUTH_MAX)
        return;
    auth.data = base64_decode(x->registry_auth, strlen(x->registry_auth), &auth.len);
    json_t *root = auth.data ? docker_json_load((char *)auth.data, auth.len, &err) : NULL;
    if (json_is_object(root) && json_object_size(root))
        *out = auth;
    else
        route_registry_auth_wipe(&auth);
    json_decref(root);
}

int route_registry_auth_body(struct exchange *x, ProtobufCBinaryData *out, struct error *err)
{
    *out = (ProtobufCBinaryData){0};
    if (x->body.len > REGISTRY_AUTH_MAX)
        return error_set(err, ERROR_TOO_LARGE, "the credentials are longer than %d bytes",
                         REGISTRY_AUTH_MAX);
    if (!x->body.len)
        return error_set(err, ERROR_INVALID_PARAMETER, "EOF");
    json_t *root = docker_json_load(x->body.data, x->body.len, err);
    if (!root)
        return -1;
    if (!json_is_object(root) && !json_is_null(root)) {
        json_decref(root);
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "json: cannot unmarshal a value into Go value of type types.AuthConfig");
    }
    char *json = json_is_null(root) ? xstrdup("{}") : json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (!json)
        return error_set(err, ERROR_INVALID_PARAMETER, "the credentials cannot be read");
    *out = (ProtobufCBinaryData){strlen(json), (uint8_t *)json};
    return 0;
}

/* ---- login ---- */

static void login_done(struct exchange *x, const Sockerless__Reply *reply)
{
    struct buf *out = reply_scratch(x);
    docker_json_put_login(out, reply->auth);
    reply_json(x, 200, out);
}

void route_registry_login(struct exchange *x)
{
    Sockerless__AuthRequest login = SOCKERLESS__AUTH_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    struct error err;
    if (route_registry_auth_body(x, &login.auth, &err)) {
        err.code = ERROR_SYSTEM; /* dockerd says 500 to what it cannot decode here */
        reply_failure(x, &err);
        return;
    }
    request.op_case = SOCKERLESS__REQUEST__OP_AUTH;
    request.auth = &login;
    exchange_call(x, &request, 0, login_done);
    route_registry_auth_wipe(&login.auth);
}

/* ---- distribution ---- */

static void distribution_done(struct exchange *x, const Sockerless__Reply *reply)
{
    struct buf *out = reply_scratch(x);
    docker_json_put_distribution(out, reply->distribution);
    reply_json(x, 200, out);
}

void route_registry_distribution(struct exchange *x)
{
    Sockerless__DistributionRequest distribution = SOCKERLESS__DISTRIBUTION_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    distribution.ref = text(x->arg);
    route_registry_auth_header(x, &distribution.registry_auth);
    request.op_case = SOCKERLESS__REQUEST__OP_DISTRIBUTION;
    request.distribution = &distribution;
    exchange_call(x, &request, 0, distribution_done);
    route_registry_auth_wipe(&distribution.registry_auth);
}
