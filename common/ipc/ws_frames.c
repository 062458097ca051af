/* SPDX-License-Identifier: Apache-2.0
 * WebSocket frames; see ws_frames.h. */
#include "ipc/ws_frames.h"

#include <string.h>

enum {
    BIT_FIN = 0x80,
    BITS_RESERVED = 0x70,
    BITS_OPCODE = 0x0f,
    BIT_MASK = 0x80,
    BITS_LENGTH = 0x7f,
    LENGTH_16 = 126, /* two bytes of length follow */
    LENGTH_64 = 127, /* eight */
    MASK_LEN = 4,
};

static unsigned opcode_of(const struct ws_frames *f)
{
    return f->head[0] & BITS_OPCODE;
}

static bool is_control(unsigned opcode)
{
    return opcode & 8;
}

/* ---- the head of a frame ---- */

static size_t length_bytes(const struct ws_frames *f)
{
    unsigned length = f->head[1] & BITS_LENGTH;
    return length < LENGTH_16 ? 0 : length == LENGTH_16 ? 2 : 8;
}

/* Looked at before any more is read: the first two bytes. 0 or the code to close with. */
static int start_check(const struct ws_frames *f)
{
    bool fin = f->head[0] & BIT_FIN;
    if ((f->head[0] & BITS_RESERVED) || !(f->head[1] & BIT_MASK))
        return WS_CLOSE_PROTOCOL_ERROR;
    switch (opcode_of(f)) {
    case WS_OP_CONTINUATION: return f->in_message ? 0 : WS_CLOSE_PROTOCOL_ERROR;
    case WS_OP_TEXT: return WS_CLOSE_UNSUPPORTED;
    case WS_OP_BINARY: return f->in_message ? WS_CLOSE_PROTOCOL_ERROR : 0;
    case WS_OP_CLOSE:
    case WS_OP_PING:
    case WS_OP_PONG: return fin && !length_bytes(f) ? 0 : WS_CLOSE_PROTOCOL_ERROR;
    default: return WS_CLOSE_PROTOCOL_ERROR;
    }
}

/* The head is complete. 0 or the code to close with. */
static int frame_begin(struct ws_frames *f)
{
    static const uint64_t least[] = {[0] = 0, [2] = LENGTH_16, [8] = UINT16_MAX + 1};
    size_t bytes = length_bytes(f);
    uint64_t length = bytes ? 0 : f->head[1] & BITS_LENGTH;
    for (size_t i = 0; i < bytes; i++)
        length = length << 8 | f->head[2 + i];
    if (length < least[bytes])
        return WS_CLOSE_PROTOCOL_ERROR; /* it has a shorter form */
    f->payload_len = length;
    f->payload_seen = 0;
    f->in_payload = true;
    if (is_control(opcode_of(f)))
        return 0;
    if (opcode_of(f) == WS_OP_BINARY)
        f->message_len = 0;
    if (length > WS_MESSAGE_MAX - f->message_len)
        return WS_CLOSE_TOO_BIG;
    f->message_len += length;
    f->in_message = !(f->head[0] & BIT_FIN);
    return 0;
}

/* Takes what the head needs of the bytes. 0 or the code to close with. */
static int head_take(struct ws_frames *f, const unsigned char **in, size_t *len)
{
    size_t need = f->head_len < 2 ? 2 : 2 + length_bytes(f) + MASK_LEN;
    size_t n = need - f->head_len < *len ? need - f->head_len : *len;
    memcpy(f->head + f->head_len, *in, n);
    f->head_len += n;
    *in += n;
    *len -= n;
    if (f->head_len < need)
        return 0;
    return need == 2 ? start_check(f) : frame_begin(f);
}

/* ---- its payload ---- */

/* `out` may be `in` or lie before it. */
static void unmask(const struct ws_frames *f, const unsigned char *in, size_t len,
                   unsigned char *out)
{
    const unsigned char *mask = f->head + f->head_len - MASK_LEN;
    unsigned char turned[sizeof(uint64_t)];
    uint64_t key, word;
    size_t i = 0;
    for (size_t k = 0; k < sizeof turned; k++)
        turned[k] = mask[(f->payload_seen + k) % MASK_LEN];
    memcpy(&key, turned, sizeof key);
    for (; i + sizeof word <= len; i += sizeof word) {
        memcpy(&word, in + i, sizeof word);
        word ^= key;
        memcpy(out + i, &word, sizeof word);
    }
    for (; i < len; i++)
        out[i] = in[i] ^ turned[i % sizeof turned];
}

/* The frame is complete. 0 or the code to close with. */
static int frame_end(struct ws_frames *f)
{
    unsigned opcode = opcode_of(f);
    f->in_payload = false;
    f->head_len = 0;
    if (opcode == WS_OP_PING) {
        f->pinged = true;
        f->ping_len = (size_t)f->payload_len;
    }
    if (opcode == WS_OP_CLOSE) /* a code has two bytes, if it is there */
        return f->payload_len == 1 ? WS_CLOSE_PROTOCOL_ERROR : WS_CLOSE_NORMAL;
    return 0;
}

static void payload_take(struct ws_frames *f, const unsigned char **in, size_t *len,
                         unsigned char *out, size_t *out_len)
{
    uint64_t left = f->payload_len - f->payload_seen;
    size_t n = left < *len ? (size_t)left : *len;
    if (!is_control(opcode_of(f))) {
        unmask(f, *in, n, out + *out_len);
        *out_len += n;
    } else if (opcode_of(f) == WS_OP_PING) {
        f->pinged = false; /* the one before is overwritten */
        unmask(f, *in, n, f->ping + f->payload_seen);
    }
    f->payload_seen += n;
    *in += n;
    *len -= n;
}

int ws_frames_decode(struct ws_frames *f, const unsigned char *in, size_t len, unsigned char *out,
                     size_t *out_len)
{
    int code = 0;
    *out_len = 0;
    while (code == 0 && len) {
        if (f->in_payload)
            payload_take(f, &in, &len, out, out_len);
        else
            code = head_take(f, &in, &len);
        if (code == 0 && f->in_payload && f->payload_seen == f->payload_len)
            code = frame_end(f);
    }
    return code;
}

/* ---- to the client ---- */

size_t ws_frames_head(enum ws_opcode op, uint64_t payload_len, unsigned char out[WS_HEAD_MAX])
{
    size_t bytes = payload_len < LENGTH_16 ? 0 : payload_len <= UINT16_MAX ? 2 : 8;
    out[0] = (unsigned char)(BIT_FIN | op);
    out[1] = (unsigned char)(bytes == 0 ? payload_len : bytes == 2 ? LENGTH_16 : LENGTH_64);
    for (size_t i = 0; i < bytes; i++)
        out[2 + i] = (unsigned char)(payload_len >> (8 * (bytes - 1 - i)));
    return 2 + bytes;
}

size_t ws_frames_pong(struct ws_frames *f, unsigned char out[WS_HEAD_MAX + WS_CONTROL_MAX])
{
    size_t head = ws_frames_head(WS_OP_PONG, f->ping_len, out);
    memcpy(out + head, f->ping, f->ping_len);
    f->pinged = false;
    return head + f->ping_len;
}

size_t ws_frames_close(int code, unsigned char out[WS_HEAD_MAX + WS_CONTROL_MAX])
{
    size_t head = ws_frames_head(WS_OP_CLOSE, 2, out);
    out[head] = (unsigned char)(code >> 8);
    out[head + 1] = (unsigned char)code;
    return head + 2;
}
