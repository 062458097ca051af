/* SPDX-License-Identifier: Apache-2.0
 * The replay buffer; see replay.h. Fed by main_process.c, read when an attach session opens. Keeps
 * output as frames and merges neighbours of one stream, so that a process that prints byte by byte
 * does not cost nine times its output. */
#include "agent/replay.h"

#include "ipc/frame.h"

size_t replay_room(const struct replay *r)
{
    bool full = r->over || r->bytes >= REPLAY_MAX || r->frames.len >= 2 * REPLAY_MAX;
    return full ? 0 : REPLAY_MAX - r->bytes;
}

void replay_append(struct replay *r, uint8_t type, const char *bytes, size_t len)
{
    if (r->over || len == 0)
        return;
    bool merge = r->frames.len && (uint8_t)r->frames.data[r->last_header] == type &&
                 r->last_len + len <= FRAME_DATA_MAX;
    if (!merge) {
        r->last_header = r->frames.len;
        r->last_len = 0;
        buf_append(&r->frames, (unsigned char[FRAME_HEADER_SIZE]){0}, FRAME_HEADER_SIZE);
    }
    buf_append(&r->frames, bytes, len);
    r->last_len += len;
    r->bytes += len;
    frame_header_encode((unsigned char *)r->frames.data + r->last_header, type, r->last_len);
}

void replay_each(const struct replay *r,
                 void (*fn)(void *arg, uint8_t type, const unsigned char *bytes, size_t len),
                 void *arg)
{
    const unsigned char *at = (const unsigned char *)r->frames.data;
    size_t left = r->frames.len, used;
    struct frame f;
    struct error err;
    while (left && frame_decode(at, left, FRAME_SESSION_MAX, &f, &used, &err) > 0) {
        fn(arg, f.type, f.payload, f.len);
        at += used;
        left -= used;
    }
}

void replay_release(struct replay *r)
{
    buf_free(&r->frames);
    *r = (struct replay){.over = true};
}
