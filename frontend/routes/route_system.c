/* SPDX-License-Identifier: Apache-2.0
 *
 * /_ping, /version, /info, and what stands in for endpoints that are not built.
 */
#include "frontend/json/docker_json.h"
#include "frontend/http/exchange_call.h"
#include "frontend/http/reply.h"
#include "frontend/routes/route.h"

#include "base/timefmt.h"

/* Answered by the frontend alone: says that there is something to talk to, not that a cloud
 * answers. Builder-Version 1 keeps the CLI from opening a BuildKit session. */
void route_system_ping(struct exchange *x)
{
    reply_text(x, 200,
               "Builder-Version: 1\r\nCache-Control: no-cache, no-store, must-revalidate\r\n"
               "Pragma: no-cache\r\n",
               x->method == HTTP_HEAD ? "" : "OK");
}

void route_system_version(struct exchange *x)
{
    struct buf *out = reply_scratch(x);
    docker_json_put_version(out);
    reply_json(x, 200, out);
}

static void info_done(struct exchange *x, const Sockerless__Reply *reply)
{
    struct buf *out = reply_scratch(x);
    docker_json_put_info(out, reply->info, time_now_ns());
    reply_json(x, 200, out);
}

void route_system_info(struct exchange *x)
{
    Sockerless__InfoRequest info = SOCKERLESS__INFO_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    request.op_case = SOCKERLESS__REQUEST__OP_INFO;
    request.info = &info;
    exchange_call(x, &request, 0, info_done);
}

/* By "not supported" the CLI recognises that it may go on without. */
void route_system_not_built(struct exchange *x)
{
    reply_error(x, 501, "%s %s is not supported by this version of Sockerless yet",
                llhttp_method_name(x->method), x->path);
}

void route_system_no_swarm(struct exchange *x)
{
    reply_error(x, 503,
                "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm "
                "join\" to connect this node to swarm and try again.");
}
