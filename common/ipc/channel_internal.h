/* SPDX-License-Identifier: Apache-2.0
 *
 * What the listeners (channel_listener.c, ws_listener.c) use of channel.c.
 */
#ifndef SOCKERLESS_IPC_CHANNEL_INTERNAL_H
#define SOCKERLESS_IPC_CHANNEL_INTERNAL_H

#include "ipc/channel.h"
#include "ipc/transport.h"

/* A channel for an accepted connection. Takes the transport. */
struct channel *channel_from_transport(struct loop *l, struct transport *t, const char *url,
                                       const struct channel_options *options);

#endif
