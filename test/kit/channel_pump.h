/* SPDX-License-Identifier: Apache-2.0
 *
 * A channel's end that sends many bytes and checks what comes back.
 */
#ifndef SOCKERLESS_TEST_KIT_CHANNEL_PUMP_H
#define SOCKERLESS_TEST_KIT_CHANNEL_PUMP_H

#include "base/error.h"
#include "ipc/channel.h"

#include <stdbool.h>

struct channel_pump {
    struct loop *loop; /* stopped when the channel is closed; NULL: not */
    struct channel *channel;
    size_t to_send, sent, received;
    uint32_t sum_sent, sum_received;
    char error[256];             /* of FRAME_ERROR: code and message */
    char why[ERROR_MESSAGE_MAX]; /* of the channel's end; "": it ended well */
    bool ended;
};

extern const struct channel_events channel_pump_events; /* the owner is the pump */

/* Sends until the channel takes no more; then goes on by itself. FRAME_END follows the last byte.
 */
void channel_pump_more(struct channel_pump *p);
/* All that was sent has come back. */
void channel_pump_check(const struct channel_pump *p);

#endif
