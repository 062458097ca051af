/* SPDX-License-Identifier: Apache-2.0
 * A second reader of WebSocket frames; see ws_oracle.h. */
#include "test/kit/ws_oracle.h"

#include "base/alloc.h"
#include "ipc/ws_frames.h"

#include <string.h>
#include <wslay/wslay.h>

static ssize_t oracle_wanted(uint8_t *to, size_t room, int flags, void *user_data)
{
    struct ws_oracle *o = user_data;
    size_t n = o->in_len < room ? o->in_len : room;
    (void)flags;
    if (n == 0)
        return -1;
    memcpy(to, o->in, n);
    o->in += n;
    o->in_len -= n;
    return (ssize_t)n;
}

/* 0 or the code to close with. */
static int oracle_begin(struct ws_oracle *o, const struct wslay_frame_iocb *frame)
{
    if (!frame->mask || frame->rsv)
        return WS_CLOSE_PROTOCOL_ERROR;
    if (frame->opcode == WSLAY_TEXT_FRAME)
        return WS_CLOSE_UNSUPPORTED;
    if (frame->opcode == WSLAY_CONNECTION_CLOSE || frame->opcode == WSLAY_PING ||
        frame->opcode == WSLAY_PONG)
        return frame->fin ? 0 : WS_CLOSE_PROTOCOL_ERROR;
    if (frame->opcode != (o->in_message ? WSLAY_CONTINUATION_FRAME : WSLAY_BINARY_FRAME))
        return WS_CLOSE_PROTOCOL_ERROR;
    if (!o->in_message)
        o->message_len = 0;
    if (frame->payload_length > WS_MESSAGE_MAX - o->message_len)
        return WS_CLOSE_TOO_BIG;
    o->message_len += frame->payload_length;
    o->in_message = !frame->fin;
    return 0;
}

void ws_oracle_decode(struct ws_oracle *o, const unsigned char *in, size_t len)
{
    static const struct wslay_frame_callbacks callbacks = {.recv_callback = oracle_wanted};
    wslay_frame_context_ptr context;
    uint64_t seen = 0;
    bool begun = false;
    *o = (struct ws_oracle){.in = in, .in_len = len, .out = xmalloc(len + 1)};
    if (wslay_frame_context_init(&context, &callbacks, o))
        abort();
    while (o->code == 0) {
        struct wslay_frame_iocb frame;
        ssize_t n = wslay_frame_recv(context, &frame);
        if (n == WSLAY_ERR_WANT_READ)
            break;
        if (n < 0 || (!begun && (o->code = oracle_begin(o, &frame)))) {
            o->code = o->code ? o->code : WS_CLOSE_PROTOCOL_ERROR;
            break;
        }
        begun = true;
        if (!wslay_is_ctrl_frame(frame.opcode)) {
            memcpy(o->out + o->out_len, frame.data, frame.data_length);
            o->out_len += frame.data_length;
        }
        seen += frame.data_length;
        if (seen < frame.payload_length)
            continue;
        begun = false;
        seen = 0;
        if (frame.opcode == WSLAY_CONNECTION_CLOSE)
            o->code = frame.payload_length == 1 ? WS_CLOSE_PROTOCOL_ERROR : WS_CLOSE_NORMAL;
    }
    wslay_frame_context_free(context);
}
