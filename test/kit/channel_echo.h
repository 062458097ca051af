/* SPDX-License-Identifier: Apache-2.0
 *
 * A channel's end that sends back what it receives, FRAME_END too.
 */
#ifndef SOCKERLESS_TEST_KIT_CHANNEL_ECHO_H
#define SOCKERLESS_TEST_KIT_CHANNEL_ECHO_H

#include "ipc/channel.h"

struct channel_echo {
    struct channel *channel;
    size_t received;
};

/* Of the program: how many have ended, how many of them with an error; the newest that is open. */
extern struct channel_echoes {
    unsigned closed, failed;
    struct channel_echo *last;
} channel_echoes;

void channel_echo_start(struct channel *c);

#endif
