/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames: the one format on every byte stream between our programs (frontend - backend, backend -
 * agent).
 *
 *     byte 0: type   bytes 1-3: zero   bytes 4-7: payload length, big endian
 *
 * Types 0, 1, 2 are stdin, stdout, stderr, so an output frame is Docker's own multiplexed frame
 * (Docker API, "Attach to a container", stream format). Control types start at 16.
 */
#ifndef SOCKERLESS_IPC_FRAME_H
#define SOCKERLESS_IPC_FRAME_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum frame_type {
    FRAME_STDIN = 0,
    FRAME_STDOUT = 1,
    FRAME_STDERR = 2,
    FRAME_OPEN = 16,        /* StreamOpen; first frame of a session */
    FRAME_OPENED = 17,      /* StreamOpened */
    FRAME_ERROR = 18,       /* Error; last frame of a session that failed */
    FRAME_RESIZE = 19,      /* Resize */
    FRAME_SIGNAL = 20,      /* Signal */
    FRAME_CLOSE_STDIN = 21, /* no payload */
    FRAME_EXIT = 22,        /* Exit */
    FRAME_END = 23,         /* no payload; last frame of a session that went well */
    FRAME_PROGRESS = 24,    /* Progress */
    FRAME_STARTED = 25,     /* StreamOpened */
    FRAME_ACK = 26,         /* no payload */
    FRAME_LOG_MARK = 27,    /* text */
    FRAME_HEALTH = 28,      /* text: none, starting, healthy, unhealthy */
    FRAME_CALL_BACK =
        29,          /* text, the session's id; backend to a reverse agent (callback_token.h) */
    FRAME_PING = 30, /* no payload; on a reverse agent's line */
    FRAME_LOG = 31,  /* records of the log: a batch of base/log_ring.h */
    FRAME_RPC_REQUEST = 32, /* 8 bytes correlation, then Request */
    FRAME_RPC_REPLY = 33,   /* 8 bytes correlation, then Reply */
};

enum {
    FRAME_HEADER_SIZE = 8,
    FRAME_DATA_MAX = 64 * 1024,       /* payload of stdin/stdout/stderr frames we make */
    FRAME_SESSION_MAX = 1024 * 1024,  /* largest payload accepted on a session */
    FRAME_RPC_MAX = 64 * 1024 * 1024, /* … on an RPC connection (a list of 10,000s) */
};

struct frame {
    uint8_t type;
    const unsigned char *payload; /* borrowed */
    size_t len;
};

void frame_header_encode(unsigned char out[FRAME_HEADER_SIZE], uint8_t type, size_t payload_len);

/* Look at the first `len` bytes of a stream. 1: a whole frame, *out filled and *used set to its
 * size with header; 0: more bytes are needed, *used set to the total size of the frame if its
 * header is complete, else 0; -1: not a frame (reserved bytes, unknown type, payload over
 * `payload_max`), *err says what. */
int frame_decode(const unsigned char *bytes, size_t len, size_t payload_max, struct frame *out,
                 size_t *used, struct error *err) MUST_CHECK;

#endif
