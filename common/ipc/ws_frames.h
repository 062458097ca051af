/* SPDX-License-Identifier: Apache-2.0
 *
 * The WebSocket frames that a client sends (RFC 6455, section 5), and those that a server sends.
 * Binary messages are a byte stream here: where one ends means nothing. It uses no sockets.
 *
 * Written here because a library's one is too slow: libwslay takes masks off byte by byte, at 2 ns
 * each, which made attach slower than with nng. The tests and the fuzzer compare the two.
 */
#ifndef SOCKERLESS_IPC_WS_FRAMES_H
#define SOCKERLESS_IPC_WS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WS_CONTROL_MAX = 125,         /* payload of a ping, a pong, a close */
    WS_HEAD_MAX = 10,             /* of a frame that a server sends */
    WS_CLIENT_HEAD_MAX = 14,      /* of one that a client sends: with its mask */
    WS_MESSAGE_MAX = 1024 * 1024, /* accepted from a client; nng's frames have 64 KiB at most */
};

/* Why a connection is closed (RFC 6455, section 7.4.1). */
enum ws_close_code {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_PROTOCOL_ERROR = 1002,
    WS_CLOSE_UNSUPPORTED = 1003,
    WS_CLOSE_TOO_BIG = 1009,
};

enum ws_opcode {
    WS_OP_CONTINUATION = 0,
    WS_OP_TEXT = 1,
    WS_OP_BINARY = 2,
    WS_OP_CLOSE = 8,
    WS_OP_PING = 9,
    WS_OP_PONG = 10,
};

/* What has been received of a client's frames. All zero at first. */
struct ws_frames {
    unsigned char head[WS_CLIENT_HEAD_MAX];
    size_t head_len;
    bool in_payload, in_message;
    uint64_t payload_len, payload_seen; /* of the frame */
    uint64_t message_len;               /* with this frame */
    bool pinged;
    size_t ping_len;
    unsigned char ping[WS_CONTROL_MAX];
};

/* The next bytes from the client. Their payload is written to `out`, which has room for `len` bytes
 * and may be `in` itself. 0, or the code to close the connection with: of a fault, or
 * WS_CLOSE_NORMAL when the client has closed it; nothing may be decoded afterwards. What *out_len
 * counts is good in any case. */
int ws_frames_decode(struct ws_frames *f, const unsigned char *in, size_t len, unsigned char *out,
                     size_t *out_len);

/* f->pinged says that a ping waits for its pong. Of several only the last does, as section 5.5.3
 * allows, so that a client that pings and does not read costs nothing. The pong, as a whole frame;
 * its size. The ping is answered then. */
size_t ws_frames_pong(struct ws_frames *f, unsigned char out[WS_HEAD_MAX + WS_CONTROL_MAX]);

/* A frame that closes the connection; its size. */
size_t ws_frames_close(int code, unsigned char out[WS_HEAD_MAX + WS_CONTROL_MAX]);
/* The head of a whole message; its size. */
size_t ws_frames_head(enum ws_opcode op, uint64_t payload_len, unsigned char out[WS_HEAD_MAX]);

#endif
