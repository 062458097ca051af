/* SPDX-License-Identifier: Apache-2.0
 * GetLogEvents. A token is a position in the stream; end of stream is when the answer's forward
 * token equals the one sent. */
#include "test/sim/aws/logs.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/cloud_logs.h"
#include "test/sim/aws/log_page.h"

#include <string.h>

struct get_request {
    struct event_range range;
    size_t limit;
    uint64_t position; /* where the token pointed, for an empty page */
};

static bool parse(const json_t *input, uint64_t visible, struct get_request *out,
                  struct aws_reply *reply)
{
    const char *token = value_string(input, "nextToken");
    bool from_head = value_bool(input, "startFromHead", false);
    int64_t limit = value_int(input, "limit", LOG_PAGE_EVENTS_MAX);
    char direction = from_head ? 'f' : 'b';
    if (limit < 1 || limit > LOG_PAGE_EVENTS_MAX)
        return logs_invalid(reply, "limit must be between 1 and 10000.");
    out->limit = (size_t)limit;
    out->position = from_head ? 0 : visible;
    if (*token && !log_token_read(token, &direction, &out->position))
        return logs_invalid(reply, "The specified nextToken is invalid.");
    if (*token && direction == 'f' && !from_head)
        return logs_invalid(reply,
                            "startFromHead must be true when nextToken is a nextForwardToken.");
    if (out->position > visible)
        visible = out->position; /* the delay was raised meanwhile: nothing new, nothing twice */
    out->range.backward = direction == 'b';
    out->range.from = out->range.backward ? 0 : out->position;
    out->range.to = out->range.backward ? out->position : visible;
    return logs_time_range(input, &out->range, reply);
}

struct collector {
    struct log_page page;
    bool full;
    uint64_t stopped_at;
};

static bool collect(void *ctx, uint64_t number, int64_t ingested_ms, const struct log_event *event)
{
    struct collector *c = ctx;
    if (log_page_add(&c->page, number, ingested_ms, event, NULL))
        return true;
    c->full = true;
    c->stopped_at = number;
    return false;
}

static void write_reply(const struct get_request *get, const struct collector *c, struct buf *out)
{
    char forward[LOG_TOKEN_LEN], backward[LOG_TOKEN_LEN];
    uint64_t from = get->range.from, to = get->range.to;
    if (get->range.backward) {
        from = c->full ? c->stopped_at + 1 : 0;
        to = get->position;
    } else {
        to = c->full ? c->stopped_at : to;
        from = get->position;
    }
    log_token_write('f', to, forward);
    log_token_write('b', from, backward);
    buf_puts(out, "{\"events\":");
    log_page_write(&c->page, get->range.backward, out);
    buf_printf(out, ",\"nextForwardToken\":\"%s\",\"nextBackwardToken\":\"%s\"}", forward,
               backward);
}

void logs_get_log_events(struct aws *aws, const struct aws_call *call, struct aws_reply *reply)
{
    struct error err;
    char group[LOGS_NAME_MAX + 1];
    if (!logs_group_of(call, group, reply))
        return;
    struct log_stream *stream =
        cloud_logs_find(aws->logs, group, value_string(call->input, "logStreamName"), &err);
    if (!stream) {
        aws_reply_error(reply, 400, "ResourceNotFoundException", "%s", err.message);
        return;
    }
    struct get_request get = {0};
    struct collector c = {0};
    if (parse(call->input, log_stream_visible(stream), &get, reply)) {
        log_page_init(&c.page, get.limit);
        if (event_log_scan(log_stream_events(stream), &get.range, collect, &c, &err))
            aws_reply_error(reply, 500, "ServiceUnavailableException", "%s", err.message);
        else
            write_reply(&get, &c, &reply->text);
        log_page_fini(&c.page);
    }
    log_stream_unref(stream);
}
