/* SPDX-License-Identifier: Apache-2.0
 * Admin answers and faults; see admin_reply.h. */
#include "test/sim/http/admin_reply.h"

#include "base/alloc.h"
#include "test/sim/http/fault.h"

#include <string.h>

void admin_reply_json(struct http_reply *reply, int status, json_t *value)
{
    AUTO_FREE char *text = json_dumps(value, JSON_INDENT(2));
    http_reply_text(reply, status, "application/json", text ? text : "{}");
    buf_putc(&reply->body, '\n');
    json_decref(value);
}

void admin_reply_bad(struct http_reply *reply, const char *message)
{
    admin_reply_json(reply, 400, json_pack("{s:s}", "message", message));
}

bool admin_take_settings(const struct http_request *request, struct http_reply *reply,
                         bool (*set)(void *tuning, const char *key, const json_t *value),
                         void *tuning)
{
    const char *key;
    json_t *value;
    if (strcmp(request->method, "POST") != 0)
        return true;
    json_t *body = json_loadb(request->body, request->body_len, 0, NULL);
    bool ok = json_is_object(body);
    json_object_foreach(body, key, value) ok = ok && set(tuning, key, value);
    json_decref(body);
    if (!ok)
        admin_reply_bad(reply, "expected an object of known settings; see GET /_sim/config");
    return ok;
}

void admin_faults_add(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct error err;
    json_t *body = json_loadb(request->body, request->body_len, 0, NULL);
    if (!body)
        admin_reply_bad(reply, "not JSON");
    else if (fault_list_add(ctx, body, &err))
        admin_reply_bad(reply, err.message);
    else
        admin_reply_json(reply, 200, json_pack("{s:I}", "left", (json_int_t)fault_list_count(ctx)));
    json_decref(body);
}

void admin_faults_clear(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    (void)request;
    fault_list_clear(ctx);
    admin_reply_json(reply, 200, json_object());
}
