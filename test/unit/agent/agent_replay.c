/* SPDX-License-Identifier: Apache-2.0
 *
 * The replay buffer.
 */
#include "agent/replay.h"
#include "ipc/frame.h"
#include "test/kit/test.h"

#include <stdlib.h>
#include <string.h>

struct collected {
    struct buf all[3];
    unsigned pieces;
};

static void collect(void *arg, uint8_t type, const unsigned char *bytes, size_t len)
{
    struct collected *c = arg;
    buf_append(&c->all[type], bytes, len);
    c->pieces++;
}

TEST(order_and_merging)
{
    struct replay r = {0};
    struct collected c = {0};
    replay_append(&r, FRAME_STDOUT, "a", 1);
    replay_append(&r, FRAME_STDOUT, "b", 1);
    replay_append(&r, FRAME_STDERR, "c", 1);
    replay_append(&r, FRAME_STDERR, "", 0);
    replay_append(&r, FRAME_STDOUT, "d", 1);
    replay_each(&r, collect, &c);
    assert_int_equal(c.pieces, 3);
    assert_string_equal(c.all[FRAME_STDOUT].data, "abd");
    assert_string_equal(c.all[FRAME_STDERR].data, "c");
    assert_int_equal(replay_room(&r), REPLAY_MAX - 4);
    buf_free(&c.all[FRAME_STDOUT]);
    buf_free(&c.all[FRAME_STDERR]);
    replay_release(&r);
}

TEST(room_and_release)
{
    struct replay r = {0};
    struct collected c = {0};
    char *bytes = calloc(1, FRAME_DATA_MAX);
    assert_non_null(bytes);
    while (replay_room(&r)) {
        size_t n = replay_room(&r) < FRAME_DATA_MAX ? replay_room(&r) : FRAME_DATA_MAX;
        replay_append(&r, FRAME_STDOUT, bytes, n < 1000 ? n : n - 999);
    }
    assert_int_equal(r.bytes, REPLAY_MAX);
    replay_append(&r, FRAME_STDOUT, "more", 4); /* kept when fed nevertheless */
    replay_each(&r, collect, &c);
    assert_int_equal(c.all[FRAME_STDOUT].len, REPLAY_MAX + 4);
    buf_free(&c.all[FRAME_STDOUT]);
    replay_release(&r);
    assert_int_equal(replay_room(&r), 0);
    replay_append(&r, FRAME_STDOUT, "gone", 4);
    c = (struct collected){0};
    replay_each(&r, collect, &c);
    assert_int_equal(c.pieces, 0);
    free(bytes);
}

/* One byte of each stream in turn: the worst case stays bounded. */
TEST(alternating_bytes)
{
    struct replay r = {0};
    size_t n = 0;
    for (; replay_room(&r); n++)
        replay_append(&r, n % 2 ? FRAME_STDERR : FRAME_STDOUT, "x", 1);
    assert_true(r.frames.len <= 2 * REPLAY_MAX + FRAME_HEADER_SIZE + 1);
    assert_true(n > REPLAY_MAX / 8);
    replay_release(&r);
}
