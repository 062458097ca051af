/* SPDX-License-Identifier: Apache-2.0
 *
 * From a byte stream to log events, as the awslogs driver does it: an event per line, lines longer
 * than an event may be are split (not inside a UTF-8 sequence), empty lines make no event.
 */
#ifndef SOCKERLESS_SIM_HOST_LINE_PUMP_H
#define SOCKERLESS_SIM_HOST_LINE_PUMP_H

#include "base/buf.h"
#include "test/sim/host/event_log.h"

enum { LINE_PUMP_EVENT_MAX = 262144 - 26, LINE_PUMP_BATCH = 1024 };

struct line_pump {
    /* Receives events, at most LINE_PUMP_BATCH a call; messages are borrowed for the call. */
    void (*emit)(void *ctx, const struct log_event *events, size_t count);
    void *ctx;
    struct buf partial; /* a line without its end yet; at most LINE_PUMP_EVENT_MAX */
    struct log_event batch[LINE_PUMP_BATCH];
    size_t batched;
};

void line_pump_init(struct line_pump *p,
                    void (*emit)(void *ctx, const struct log_event *events, size_t count),
                    void *ctx);
void line_pump_feed(struct line_pump *p, const char *bytes, size_t len, int64_t now_ms);
/* The stream has ended: emits what has no newline. */
void line_pump_finish(struct line_pump *p, int64_t now_ms);

#endif
