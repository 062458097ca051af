/* SPDX-License-Identifier: Apache-2.0
 * `docker load` through the frontend; see load_talk.h. */
#include "test/kit/load_talk.h"

#include "test/kit/test.h"

#include <poll.h>

struct client load_talk_begin(enum fake_body body, const char *request)
{
    front.fake.body = body;
    return front_ask(request);
}

static const char *pattern(void)
{
    static char block[LOAD_TALK_BLOCK];
    for (size_t i = 0; !block[1] && i < sizeof(block); i++)
        block[i] = (char)(i * 7 + i / 251 + 1);
    return block;
}

static uint64_t checksum(size_t len)
{
    const char *block = pattern();
    uint64_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum = sum * 31 + (unsigned char)block[i % LOAD_TALK_BLOCK];
    return sum;
}

size_t load_talk_piece(size_t at, size_t end)
{
    size_t room = LOAD_TALK_BLOCK - at % LOAD_TALK_BLOCK;
    return room < end - at ? room : end - at;
}

void load_talk_send(struct client *c, size_t from, size_t end)
{
    for (size_t piece; from < end; from += piece)
        client_send_bytes(c, pattern() + from % LOAD_TALK_BLOCK,
                          piece = load_talk_piece(from, end));
}

void load_talk_announce(struct client *c, const char *head, size_t len)
{
    char text[512];
    snprintf(text, sizeof(text), "%sContent-Length: %zu\r\n\r\n", head, len);
    client_send(c, text);
}

struct client load_talk_load(enum fake_body body, size_t announced, size_t sent)
{
    struct client c = load_talk_begin(body, "");
    load_talk_announce(&c, LOAD_TALK_REQUEST, announced);
    load_talk_send(&c, 0, sent);
    return c;
}

void load_talk_expect(struct client *c, size_t len)
{
    char text[128];
    snprintf(text, sizeof(text), "{\"stream\":\"Loaded image: %zu bytes, %016llx\\n\"}\r\n", len,
             (unsigned long long)checksum(len));
    client_expect(c, text);
    client_expect(c, "\r\n0\r\n\r\n");
    assert_contains(c->in.data, "HTTP/1.1 200 OK\r\n");
    assert_contains(c->in.data, "Content-Type: application/json\r\n");
    buf_clear(&c->in);
}

size_t load_talk_push(struct client *c, size_t most)
{
    struct pollfd p = {.fd = c->fd, .events = POLLOUT};
    size_t sent = 0;
    while (sent < most && poll(&p, 1, 500) > 0) {
        ssize_t n = send(c->fd, pattern() + sent % LOAD_TALK_BLOCK, load_talk_piece(sent, most),
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            continue;
        assert_true(n > 0);
        sent += (size_t)n;
    }
    return sent;
}
