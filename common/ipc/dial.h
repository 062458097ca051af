/* SPDX-License-Identifier: Apache-2.0
 *
 * One attempt to connect with a dialer of nng's, with a time limit, on the loop. nng's WebSocket
 * dial may be neither cancelled nor given a time limit: doing so while it ends by itself ends it
 * twice, or locks what is freed (nng 1.5.2). Closing its dialer is safe, but may be lost on a dial
 * between two of its steps; such a dial is left to nng, which may still use its memory.
 */
#ifndef SOCKERLESS_IPC_DIAL_H
#define SOCKERLESS_IPC_DIAL_H

#include "base/error.h"
#include "loop/loop.h"

#include <nng/nng.h>
#include <stdint.h>

struct dial;

/* rc 0: the stream is the owner's. Else nng's error, NNG_ETIMEDOUT when it took too long. Exactly
 * once, and never from inside dial_start() or dial_stop(). */
typedef void (*dial_done)(void *owner, int rc, nng_stream *stream);

/* Takes the dialer. */
struct dial *dial_start(struct loop *l, nng_stream_dialer *dialer, int64_t timeout_ms,
                        dial_done done, void *owner);
/* It shall end soon: done() comes all the same. */
void dial_stop(struct dial *d);
/* After done(), and after the stream is freed. */
void dial_free(struct dial *d);

#endif
