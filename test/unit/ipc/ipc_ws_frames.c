/* SPDX-License-Identifier: Apache-2.0
 * WebSocket frames: RFC 6455's examples, limits, every way to cut a stream into pieces, and
 * libwslay's opinion of streams made at random. */
#include "ipc/ws_frames.h"
#include <stdlib.h>

#include "base/alloc.h"
#include "test/kit/ws_oracle.h"
#include "test/kit/test.h"

#include <string.h>

/* Section 5.7, "Hello" masked, but binary. */
static const unsigned char hello[] = {0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d,
                                      0x7f, 0x9f, 0x4d, 0x51, 0x58};

TEST(examples)
{
    static const unsigned char pong[] = {0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d,
                                         0x7f, 0x9f, 0x4d, 0x51, 0x58};
    struct ws_frames f = {.head_len = 0};
    unsigned char out[sizeof hello];
    size_t n;
    assert_int_equal(ws_frames_decode(&f, hello, sizeof hello, out, &n), 0);
    assert_int_equal(n, 5);
    assert_memory_equal(out, "Hello", 5);
    assert_int_equal(ws_frames_decode(&f, pong, sizeof pong, out, &n), 0);
    assert_int_equal(n, 0);
    assert_false(f.pinged);
}

TEST(ping)
{
    static const unsigned char pings[] = {0x89, 0x83, 0, 0, 0, 0, 'o',     'l',     'd',
                                          0x89, 0x83, 1, 1, 1, 1, 'n' ^ 1, 'e' ^ 1, 'w' ^ 1};
    struct ws_frames f = {.head_len = 0};
    unsigned char out[sizeof pings], pong[WS_HEAD_MAX + WS_CONTROL_MAX];
    size_t n;
    assert_int_equal(ws_frames_decode(&f, pings, sizeof pings, out, &n), 0);
    assert_int_equal(n, 0);
    assert_true(f.pinged);
    assert_int_equal(ws_frames_pong(&f, pong), 5);
    assert_memory_equal(pong,
                        "\x8a\x03"
                        "new",
                        5);
    assert_false(f.pinged);
}

TEST(heads)
{
    static const struct {
        uint64_t len;
        size_t head_len;
        unsigned char head[WS_HEAD_MAX];
    } cases[] = {
        {0, 2, {0x82, 0}},
        {125, 2, {0x82, 125}},
        {126, 4, {0x82, 126, 0, 126}},
        {65535, 4, {0x82, 126, 0xff, 0xff}},
        {65536, 10, {0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}},
        {0x0102030405060708, 10, {0x82, 127, 1, 2, 3, 4, 5, 6, 7, 8}},
    };
    unsigned char head[WS_HEAD_MAX], end[WS_HEAD_MAX + WS_CONTROL_MAX];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(ws_frames_head(WS_OP_BINARY, cases[i].len, head), cases[i].head_len);
        assert_memory_equal(head, cases[i].head, cases[i].head_len);
    }
    assert_int_equal(ws_frames_close(WS_CLOSE_TOO_BIG, end), 4);
    assert_memory_equal(end, "\x88\x02\x03\xf1", 4);
}

TEST(limits)
{
    static const struct {
        size_t len;
        unsigned char bytes[32];
        int code;
    } cases[] = {
        {2, {0x82, 0x05}, WS_CLOSE_PROTOCOL_ERROR}, /* no mask */
        {2, {0xc2, 0x85}, WS_CLOSE_PROTOCOL_ERROR}, /* a reserved bit */
        {2, {0x81, 0x85}, WS_CLOSE_UNSUPPORTED},    /* text */
        {2, {0x83, 0x85}, WS_CLOSE_PROTOCOL_ERROR}, /* opcodes without a meaning */
        {2, {0x8b, 0x85}, WS_CLOSE_PROTOCOL_ERROR},
        {2, {0x80, 0x85}, WS_CLOSE_PROTOCOL_ERROR},         /* goes on with nothing */
        {2, {0x09, 0x85}, WS_CLOSE_PROTOCOL_ERROR},         /* a ping in pieces */
        {2, {0x89, 0xfe}, WS_CLOSE_PROTOCOL_ERROR},         /* … and one that is too long */
        {8, {0x82, 0xfe, 0, 125}, WS_CLOSE_PROTOCOL_ERROR}, /* not the shortest form */
        {14, {0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, WS_CLOSE_PROTOCOL_ERROR},
        {14, {0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0}, 0}, /* as long as allowed */
        {14, {0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 1}, WS_CLOSE_TOO_BIG},
        {14, {0x82, 0xff, 0x80}, WS_CLOSE_TOO_BIG},
        {14, {0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, WS_CLOSE_TOO_BIG},
        {7, {0x02, 0x81, 0, 0, 0, 0, 'x'}, 0},
        {9, {0x02, 0x81, 0, 0, 0, 0, 'x', 0x82, 0x81}, WS_CLOSE_PROTOCOL_ERROR}, /* in a message */
        {21,
         {0x02, 0x81, 0, 0, 0, 0, 'x', 0x80, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0},
         WS_CLOSE_TOO_BIG}, /* together */
        {6, {0x88, 0x80}, WS_CLOSE_NORMAL},
        {7, {0x88, 0x81}, WS_CLOSE_PROTOCOL_ERROR}, /* half a code */
        {8, {0x88, 0x82}, WS_CLOSE_NORMAL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ws_frames f = {.head_len = 0};
        unsigned char out[32];
        size_t n;
        int code = ws_frames_decode(&f, cases[i].bytes, cases[i].len, out, &n);
        if (code != cases[i].code)
            fail_msg("case %zu: %d instead of %d", i, code, cases[i].code);
    }
}

/* Messages of one byte each may follow each other for ever. */
TEST(messages_do_not_add_up)
{
    static const unsigned char one[] = {0x82, 0x81, 0, 0, 0, 0, 'x'};
    struct ws_frames f = {.head_len = 0};
    unsigned char out[sizeof one];
    size_t n;
    for (int i = 0; i < WS_MESSAGE_MAX + 10; i++)
        assert_int_equal(ws_frames_decode(&f, one, sizeof one, out, &n), 0);
}

/* ---- streams at random ---- */

enum { STREAM_MAX = 300 * 1024 };

static size_t frame_add(unsigned char *to, unsigned first, size_t len)
{
    size_t n = ws_frames_head(WS_OP_BINARY, len, to);
    to[0] = (unsigned char)first;
    to[1] |= 0x80;
    for (size_t i = 0; i < 4 + len; i++)
        to[n + i] = (unsigned char)rand();
    return n + 4 + len;
}

/* Mostly right: messages in up to three pieces, with pings in between. */
static size_t stream_make(unsigned char *stream)
{
    static const size_t lens[] = {0, 1, 7, 8, 9, 125, 126, 127, 4095, 4096, 4097, 65535, 65536};
    size_t len = 0, victim = 0;
    bool in_message = false;
    for (int i = 0; i < 12 && len < STREAM_MAX - 70000; i++) {
        bool fin = rand() % 3;
        if (rand() % 4 == 0)
            victim = len;
        if (rand() % 4 == 0)
            len += frame_add(stream + len, 0x89, (size_t)(rand() % 126));
        len += frame_add(stream + len, (fin ? 0x80U : 0) | (in_message ? 0 : 2U),
                         lens[(size_t)rand() % ARRAY_LEN(lens)]);
        in_message = !fin;
    }
    if (rand() % 2) /* … and half of them with a wrong bit in a head */
        stream[victim + (size_t)rand() % 10] ^= (unsigned char)(1 << rand() % 8);
    return len;
}

/* In place, as the transport does it, in pieces of at most `piece` bytes. */
static int decode_in_pieces(unsigned char *bytes, size_t len, size_t piece, size_t *out_len)
{
    struct ws_frames f = {.head_len = 0};
    int code = 0;
    *out_len = 0;
    for (size_t at = 0; at < len && code == 0;) {
        size_t n = 1 + (size_t)rand() % piece, got;
        n = n < len - at ? n : len - at;
        code = ws_frames_decode(&f, bytes + at, n, bytes + at, &got);
        memmove(bytes + *out_len, bytes + at, got);
        *out_len += got;
        at += n;
    }
    return code;
}

TEST(wslay_agrees)
{
    static const size_t pieces[] = {1, 3, 17, 5000, STREAM_MAX};
    unsigned char *stream = xmalloc(STREAM_MAX), *bytes = xmalloc(STREAM_MAX);
    unsigned faults = 0, well = 0;
    srand(6455);
    for (int round = 0; round < 300; round++) {
        struct ws_oracle oracle;
        size_t len = stream_make(stream), out_len;
        ws_oracle_decode(&oracle, stream, len);
        memcpy(bytes, stream, len);
        int code = decode_in_pieces(bytes, len, pieces[round % ARRAY_LEN(pieces)], &out_len);
        assert_int_equal(out_len, oracle.out_len);
        assert_memory_equal(bytes, oracle.out, out_len);
        if (oracle.code)
            assert_int_not_equal(code, 0); /* we know it from the head alone, wslay needs more */
        faults += code != 0;
        well += code == 0;
        free(oracle.out);
    }
    assert_true(faults > 10 && well > 100);
    free(stream);
    free(bytes);
}
