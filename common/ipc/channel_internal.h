/* SPDX-License-Identifier: Apache-2.0
 *
 * What channel_listener.c and channel.c know of each other.
 */
#ifndef SOCKERLESS_IPC_CHANNEL_INTERNAL_H
#define SOCKERLESS_IPC_CHANNEL_INTERNAL_H

#include "ipc/channel.h"
#include "ipc/nng_op.h"

#include "proto/sockerless.pb-c.h"

#include <nng/nng.h>

struct channel *channel_new(struct loop *l, const char *url, const struct channel_options *options);
/* Takes the stream over. */
struct channel *channel_from_stream(struct loop *l, nng_stream *stream, const char *url,
                                    const struct channel_options *options,
                                    struct channel_listener *listener);
/* One accepted channel is gone. */
void channel_listener_forget(struct channel_listener *l);

#endif
