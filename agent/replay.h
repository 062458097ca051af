/* SPDX-License-Identifier: Apache-2.0
 *
 * Replay: the first bytes the main process printed, kept for attach sessions that come later than
 * the output. Whole or not at all: once output had to go by without being kept, the rest is
 * released and nothing is replayed any more, because a gap would be worse.
 */
#ifndef SOCKERLESS_AGENT_REPLAY_H
#define SOCKERLESS_AGENT_REPLAY_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPLAY_MAX = 1024 * 1024 };

/* Zero-initialised is ready. */
struct replay {
    struct buf frames;  /* frames, one after another */
    size_t bytes;       /* payload in them */
    size_t last_header; /* offset of the last frame's header in frames */
    size_t last_len;    /* its payload */
    bool over;
};

/* Bytes that may still be kept; 0 when full. */
size_t replay_room(const struct replay *r);
/* Keeps the bytes, over REPLAY_MAX too: whoever feeds it asks replay_room() before. */
void replay_append(struct replay *r, uint8_t type, const char *bytes, size_t len);
/* Calls fn with every kept piece, in order. */
void replay_each(const struct replay *r,
                 void (*fn)(void *arg, uint8_t type, const unsigned char *bytes, size_t len),
                 void *arg);
/* Nothing is kept from now on. */
void replay_release(struct replay *r);

#endif
