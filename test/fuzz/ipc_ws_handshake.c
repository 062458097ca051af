/* SPDX-License-Identifier: Apache-2.0
 * Fuzz: what a connection to the listener for agents sends: the opening handshake's head, then
 * frames. Cutting the bytes into pieces changes nothing, and libwslay sees the same in the frames.
 */
#include "base/alloc.h"
#include "ipc/ws_handshake.h"
#include "ipc/ws_frames.h"
#include "test/kit/ws_oracle.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

/* Pieces of `piece` bytes at most, in memory of their own so that no byte behind is read. */
static enum ws_handshake_result feed(struct ws_handshake *h, const uint8_t *head, size_t len,
                                     size_t piece)
{
    enum ws_handshake_result result = WS_HANDSHAKE_MORE;
    ws_handshake_init(h, "/agents");
    for (size_t at = 0; at < len && result == WS_HANDSHAKE_MORE; at += piece) {
        size_t n = piece < len - at ? piece : len - at;
        AUTO_FREE char *bytes = xmalloc(n);
        memcpy(bytes, head + at, n);
        result = ws_handshake_feed(h, bytes, n);
        if (result == WS_HANDSHAKE_DONE && at + n < len)
            return WS_HANDSHAKE_REFUSED; /* there are bytes behind the head */
    }
    return result;
}

static void fuzz_head(const uint8_t *head, size_t len, size_t piece)
{
    struct ws_handshake whole, pieces;
    char answer[WS_HANDSHAKE_ANSWER_MAX];
    enum ws_handshake_result result = feed(&whole, head, len, len ? len : 1);
    check(feed(&pieces, head, len, piece) == result);
    if (result == WS_HANDSHAKE_DONE) {
        check(strcmp(whole.authorization, pieces.authorization) == 0);
        check(strlen(whole.key) == WS_HANDSHAKE_KEY_LEN);
        check(ws_handshake_accept(&whole, answer) < sizeof answer);
    } else if (result == WS_HANDSHAKE_REFUSED) {
        check(whole.status >= 400);
        check(ws_handshake_refuse(whole.status, answer) < sizeof answer);
    }
}

static void fuzz_frames(const uint8_t *bytes, size_t len, size_t piece)
{
    struct ws_frames f = {.head_len = 0};
    struct ws_oracle oracle;
    size_t out_len = 0;
    int code = 0;
    AUTO_FREE unsigned char *ours = xmalloc(len + 1);
    memcpy(ours, bytes, len);
    for (size_t at = 0; at < len && code == 0; at += piece) {
        size_t n = piece < len - at ? piece : len - at, got;
        code = ws_frames_decode(&f, ours + at, n, ours + at, &got);
        check(got <= n);
        memmove(ours + out_len, ours + at, got);
        out_len += got;
        if (f.pinged) {
            unsigned char pong[WS_HEAD_MAX + WS_CONTROL_MAX];
            check(ws_frames_pong(&f, pong) <= sizeof pong);
        }
    }
    ws_oracle_decode(&oracle, bytes, len);
    check(out_len == oracle.out_len && memcmp(ours, oracle.out, out_len) == 0);
    check(oracle.code == 0 || code != 0 || f.head_len); /* we look at a head when it is complete */
    check((oracle.code == WS_CLOSE_NORMAL) == (code == WS_CLOSE_NORMAL));
    free(oracle.out);
}

/* The first byte says how large the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char end[] = "\r\n\r\n";
    if (size < 1)
        return 0;
    size_t piece = 1 + data[0];
    data++;
    size--;
    const uint8_t *behind = memmem(data, size, end, sizeof end - 1);
    size_t head_len = behind ? (size_t)(behind - data) + sizeof end - 1 : size;
    fuzz_head(data, head_len, piece);
    fuzz_frames(behind ? data + head_len : data, behind ? size - head_len : size, piece);
    return 0;
}
