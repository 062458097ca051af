/* SPDX-License-Identifier: Apache-2.0
 * The scripted server of the HTTP client's tests; see http_answers.h. */
#include "test/kit/http_answers.h"

#include "base/str.h"

#include <poll.h>
#include <sys/socket.h>

struct http_answers_slow http_answers_slow;
char http_answers_auth[256];

bool http_answers_serve_other(void *arg, struct mock_request *r)
{
    (void)arg;
    mock_note_header(r, "Authorization", http_answers_auth, sizeof http_answers_auth);
    return mock_text(r, 200, "", "other");
}

static bool send_text(struct mock_request *r, const char *text)
{
    return mock_send(r->fd, text, strlen(text));
}

static bool serve_status(struct rig *f, struct mock_request *r, const char *status)
{
    (void)f;
    return mock_text(r, atoi(status), "X-Test: yes\r\n", "body");
}

static bool serve_big(struct rig *f, struct mock_request *r, const char *size)
{
    size_t n = strtoul(size, NULL, 10);
    char *body AUTO_FREE = http_rig_body(n);
    (void)f;
    return mock_reply(r, 200, "", body, n);
}

static bool serve_headers(struct rig *f, struct mock_request *r, const char *count)
{
    bool sent = send_text(r, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    (void)f;
    for (int i = 0, n = atoi(count); i < n && sent; i++) {
        char line[64];
        snprintf(line, sizeof line, "X-%d:   value %d  \r\n", i, i);
        sent = send_text(r, line);
    }
    return sent && send_text(r, "\r\n");
}

/* The request as it arrived. */
static bool serve_echo(struct rig *f, struct mock_request *r, const char *rest)
{
    size_t n = strlen(r->head) + r->body_len;
    char *all AUTO_FREE = xasprintf("%s%*s", r->head, (int)r->body_len, "");
    (void)f;
    (void)rest;
    memcpy(all + strlen(r->head), r->body, r->body_len);
    return mock_reply(r, 200, "", all, n);
}

static bool serve_redirect(struct rig *f, struct mock_request *r, const char *where)
{
    static const struct mock_answer fixed[] = {
        {"file", 0, 0, 307, "Location: file:///etc/passwd\r\n", "go there"},
        {"loop", 0, 0, 307, "Location: /redirect/loop\r\n", "go there"},
        {"chunked", 0, 0, 307, "Location: /chunked\r\n", "go there"},
        {"same", 0, 0, 307, "Location: /echo\r\nX-First: 1\r\n", "go there"},
        {"nowhere", 0, 0, 304, "", ""},
    };
    bool go_on;
    if (mock_answer_fixed(r, fixed, ARRAY_LEN(fixed), where, 0, &go_on))
        return go_on;
    return mock_textf(r, 307, "go there", "Location: http://127.0.0.1:%d/x\r\n", f->other->port);
}

static bool serve_endless(struct rig *f, struct mock_request *r, const char *rest)
{
    bool sent = send_text(r, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    (void)f;
    (void)rest;
    while (sent)
        sent = send_text(r, "10\r\n0123456789abcdef\r\n");
    return false;
}

static bool serve_slow(struct rig *f, struct mock_request *r, const char *rest)
{
    struct http_answers_slow *slow = &http_answers_slow;
    char *body AUTO_FREE = http_rig_body(HTTP_ANSWERS_BIG);
    bool sent = send_text(r, "HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n");
    bool told = false;
    (void)f;
    (void)rest;
    for (size_t at = 0; sent && at < HTTP_ANSWERS_BIG; at += 10000) {
        struct pollfd room = {.fd = r->fd, .events = POLLOUT};
        if (!told && slow->loop && poll(&room, 1, 200) == 0) {
            told = true;
            slow->sent = at;
            loop_post(slow->loop, &slow->posted);
        }
        sent = mock_send(r->fd, body + at, 10000);
    }
    return sent;
}

/* With a lazy mock: method, length, and how many bytes are right. */
static bool serve_upload(struct rig *f, struct mock_request *r, const char *rest)
{
    char text[64];
    size_t good = 0;
    (void)f;
    (void)rest;
    if (!mock_read_body(r))
        return false;
    while (good < r->body_len && r->body[good] == http_rig_byte(good))
        good++;
    snprintf(text, sizeof text, "%s %zu %zu", r->method, r->body_len, good);
    return mock_text(r, 202, "Location: /next\r\n", text);
}

/* Before anything of the body was read. */
static bool serve_refusal(struct rig *f, struct mock_request *r, const char *rest)
{
    (void)f;
    (void)rest;
    mock_text(r, 403, "Connection: close\r\n", "no");
    shutdown(r->fd, SHUT_WR);
    return mock_stall(r);
}

/* Paths, or what they begin with. */
static const struct {
    const char *path;
    bool (*serve)(struct rig *f, struct mock_request *r, const char *rest);
} functions[] = {
    {"/status/", serve_status},     {"/big/", serve_big},      {"/headers/", serve_headers},
    {"/redirect/", serve_redirect}, {"/echo", serve_echo},     {"/endless", serve_endless},
    {"/slow", serve_slow},          {"/upload", serve_upload}, {"/refuse", serve_refusal},
};

#define PARTIAL "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"

/* What is sent, and then. */
static const struct {
    const char *path, *text;
    enum { GO_ON, HANG_UP, STALL, RESET } then;
} texts[] = {
    {"/chunked",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     "5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n0\r\nTrailer: t\r\n\r\n",
     GO_ON},
    {"/continue",
     "HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\n"
     "HTTP/1.1 404 X\r\nX-B: 2\r\nContent-Length: 4\r\n\r\ngone",
     GO_ON},
    {"/once", "HTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\nonce", HANG_UP}, /* drops idle ones */
    {"/partial", PARTIAL, HANG_UP},
    {"/garbage", "SSH-2.0-x\r\n\r\n", HANG_UP},
    {"/stall", PARTIAL, STALL},
    {"/silent", "", STALL},
    {"/reset", PARTIAL, RESET},
};

bool http_answers_serve(void *arg, struct mock_request *r)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (str_starts(r->path, functions[i].path))
            return functions[i].serve(arg, r, r->path + strlen(functions[i].path));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (strcmp(r->path, texts[i].path) != 0)
            continue;
        bool sent = send_text(r, texts[i].text);
        if (texts[i].then == RESET)
            mock_reset(r);
        if (texts[i].then == STALL)
            mock_stall(r);
        return sent && texts[i].then == GO_ON;
    }
    return false;
}
