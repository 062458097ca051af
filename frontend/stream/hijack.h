/* SPDX-License-Identifier: Apache-2.0
 *
 * Attach and exec start: the client's connection becomes a byte stream, relayed to and from a
 * session with the backend.
 */
#ifndef SOCKERLESS_FRONTEND_HIJACK_H
#define SOCKERLESS_FRONTEND_HIJACK_H

#include "frontend/http/exchange.h"

struct hijack_options {
    bool is_exec;     /* errors before the stream are JSON and the head has standard headers */
    bool detach;      /* exec only: answer 200 without a stream once it runs */
    bool wants_stdin; /* otherwise what the client sends is dropped */
};

/* Takes over the exchange: answers it in every case. open: borrowed for the call. */
void hijack_start(struct exchange *x, const Sockerless__StreamOpen *open,
                  const struct hijack_options *options);

#endif
