/* SPDX-License-Identifier: Apache-2.0
 * Long-running operations; see azure_operation.h. */
#include "cloud/azure/azure_operation.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/azure/azure_error.h"
#include "json/json_doc.h"
#include "loop/co.h"

#include <string.h>
#include <strings.h>

enum { FIRST_PAUSE_MS = 25, LONGEST_PAUSE_MS = 2000 };

enum state { STATE_GOES_ON, STATE_SUCCEEDED, STATE_FAILED };

/* What is polled: the operation says its state itself, a Location by its HTTP status, a resource by
 * its provisioning state. */
enum way { BY_OPERATION, BY_LOCATION, BY_RESOURCE };

/* The Location of a 200 or 201 is the resource's own, or says where the result is of what is done.
 */
static enum way way_of(const struct azure_reply *reply)
{
    bool accepted = reply->status == 202;
    return reply->operation              ? BY_OPERATION
           : accepted && reply->location ? BY_LOCATION
                                         : BY_RESOURCE;
}

/* Anything that is not an end goes on: "Accepted", "InProgress", "Updating" … */
static enum state state_named(const char *name, bool unnamed_is_done)
{
    if (!*name)
        return unnamed_is_done ? STATE_SUCCEEDED : STATE_GOES_ON;
    if (strcasecmp(name, "Succeeded") == 0)
        return STATE_SUCCEEDED;
    bool failed = strcasecmp(name, "Failed") == 0 || str_starts(name, "Cancel");
    return failed ? STATE_FAILED : STATE_GOES_ON;
}

static const char *provisioning_state(const json_t *doc)
{
    return json_doc_text(json_object_get(doc, "properties"), "provisioningState");
}

static enum state state_of(enum way way, const struct azure_reply *reply)
{
    if (way == BY_OPERATION)
        return state_named(json_doc_text(reply->doc, "status"), false);
    if (reply->status == 202) /* of a resource: nothing is said of it yet */
        return STATE_GOES_ON;
    return state_named(provisioning_state(reply->doc), true);
}

/* "error" of the operation, or of the resource. */
static int fail(const struct azure_operation_wait *wait, const struct azure_reply *reply,
                struct cloud_error *why, struct error *err)
{
    const json_t *error = json_object_get(reply->doc, "error");
    if (!json_is_object(error))
        error = json_object_get(json_object_get(reply->doc, "properties"), "error");
    azure_error_from(error, why);
    if (!json_is_object(error)) {
        const char *state = json_doc_text(reply->doc, "status");
        cloud_error_copy(why->code, sizeof why->code,
                         *state ? state : provisioning_state(reply->doc));
    }
    return cloud_error_fill(why, wait->service, wait->what, err);
}

static int co_poll(struct azure_client *c, const struct azure_operation_wait *wait, enum way way,
                   struct azure_reply *reply, struct cloud_error *why, struct error *err)
{
    struct azure_reply next;
    const struct azure_call call = {
        .service = wait->service,
        .what = wait->what,
        .method = "GET",
        .path = way == BY_OPERATION  ? reply->operation
                : way == BY_LOCATION ? reply->location
                                     : wait->resource,
        .bucket = wait->bucket,
        .repeatable = true,
    };
    if (co_azure_call(c, &call, &next, why, err))
        return -1;
    /* A poll's answer need not repeat the headers. */
    if (way == BY_OPERATION && !next.operation)
        next.operation = STEAL(reply->operation);
    if (way == BY_LOCATION && !next.location)
        next.location = STEAL(reply->location);
    azure_reply_free(reply);
    *reply = next;
    return 0;
}

int co_azure_operation_wait(struct azure_client *c, const struct azure_operation_wait *wait,
                            struct azure_reply *reply, struct cloud_error *why, struct error *err)
{
    enum way way = way_of(reply);
    enum state state = way == BY_OPERATION ? STATE_GOES_ON : state_of(way, reply);
    *why = (struct cloud_error){0};
    if (way == BY_RESOURCE && !wait->resource)
        return 0;
    for (int64_t pause_ms = FIRST_PAUSE_MS; state == STATE_GOES_ON; pause_ms *= 2) {
        int64_t left_ms = wait->deadline_ms - time_mono_ms();
        if (left_ms <= 0)
            return error_set(err, ERROR_DEADLINE, "%s: %s: the operation did not end in time",
                             wait->service, wait->what);
        if (pause_ms > LONGEST_PAUSE_MS)
            pause_ms = LONGEST_PAUSE_MS;
        int64_t asked_ms = reply->retry_after_ms > 0 ? reply->retry_after_ms : pause_ms;
        if (co_sleep(asked_ms < left_ms ? asked_ms : left_ms, err) ||
            co_poll(c, wait, way, reply, why, err))
            return -1;
        state = state_of(way, reply);
    }
    return state == STATE_SUCCEEDED ? 0 : fail(wait, reply, why, err);
}
