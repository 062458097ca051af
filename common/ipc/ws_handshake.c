/* SPDX-License-Identifier: Apache-2.0
 * The opening handshake; see ws_handshake.h. llhttp parses; everything it calls is bounded here. */
#include "ipc/ws_handshake.h"

#include "base/alloc.h"
#include "base/str.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SHA1_LEN = 20, KEY_BYTES = 16 };

/* Stops the parser. */
static int refuse(struct ws_handshake *h, int status)
{
    if (!h->status)
        h->status = status;
    return HPE_USER;
}

/* ---- header values ---- */

/* `word` is one of the comma separated words of `list`; case does not matter. */
static bool list_has(const char *list, const char *word)
{
    size_t len = strlen(word);
    while (*list) {
        list += strspn(list, " \t,");
        size_t n = strcspn(list, ",");
        size_t trimmed = n;
        while (trimmed && (list[trimmed - 1] == ' ' || list[trimmed - 1] == '\t'))
            trimmed--;
        if (trimmed == len && strncasecmp(list, word, len) == 0)
            return true;
        list += n;
    }
    return false;
}

static int take_host(struct ws_handshake *h)
{
    if (h->host)
        return refuse(h, 400);
    h->host = true;
    return 0;
}

static int take_upgrade(struct ws_handshake *h)
{
    h->upgrade |= list_has(h->value, "websocket");
    return 0;
}

static int take_connection(struct ws_handshake *h)
{
    h->connection |= list_has(h->value, "upgrade");
    return 0;
}

static int take_version(struct ws_handshake *h)
{
    h->version_13 = strcmp(h->value, "13") == 0;
    return h->version_13 ? 0 : refuse(h, 426);
}

static int take_key(struct ws_handshake *h)
{
    size_t len = 0;
    AUTO_FREE unsigned char *nonce = base64_decode(h->value, h->value_len, &len);
    if (h->key[0] || h->value_len != WS_HANDSHAKE_KEY_LEN || !nonce || len != KEY_BYTES)
        return refuse(h, 400);
    memcpy(h->key, h->value, sizeof h->key);
    return 0;
}

static int take_authorization(struct ws_handshake *h)
{
    if (h->authorized) /* which of the two would count? */
        return refuse(h, 400);
    h->authorized = true;
    memcpy(h->authorization, h->value, h->value_len + 1);
    explicit_bzero(h->value, sizeof h->value);
    return 0;
}

static int take_body(struct ws_handshake *h)
{
    return strcmp(h->value, "0") == 0 ? 0 : refuse(h, 413);
}

/* Subprotocols are not supported: a request for one is refused. */
static int take_protocol(struct ws_handshake *h)
{
    return refuse(h, 400);
}

static const struct {
    const char *name;
    int (*take)(struct ws_handshake *h);
} headers[] = {
    {"Host", take_host},
    {"Upgrade", take_upgrade},
    {"Connection", take_connection},
    {"Sec-WebSocket-Version", take_version},
    {"Sec-WebSocket-Key", take_key},
    {"Sec-WebSocket-Protocol", take_protocol},
    {"Authorization", take_authorization},
    {"Content-Length", take_body},
    {"Transfer-Encoding", take_body},
};

/* Its index, or the number of headers: none of ours. */
static size_t header_find(const struct ws_handshake *h)
{
    size_t i = 0;
    while (i < ARRAY_LEN(headers) && (strlen(headers[i].name) != h->name_len ||
                                      strncasecmp(headers[i].name, h->name, h->name_len) != 0))
        i++;
    return i;
}

/* ---- llhttp's calls ---- */

static int on_url(llhttp_t *p, const char *at, size_t len)
{
    struct ws_handshake *h = p->data;
    if (len >= sizeof h->url - h->url_len)
        return refuse(h, 414);
    memcpy(h->url + h->url_len, at, len);
    h->url_len += len;
    return 0;
}

static int on_name(llhttp_t *p, const char *at, size_t len)
{
    struct ws_handshake *h = p->data;
    size_t room = sizeof h->name - h->name_len;
    memcpy(h->name + h->name_len, at, len < room ? len : room);
    h->name_len += len < room ? len : room; /* a name that fills it all is none of ours */
    return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t len)
{
    struct ws_handshake *h = p->data;
    if (header_find(h) == ARRAY_LEN(headers))
        return 0;
    if (len >= sizeof h->value - h->value_len)
        return refuse(h, 431);
    memcpy(h->value + h->value_len, at, len);
    h->value_len += len;
    return 0;
}

static int on_value_complete(llhttp_t *p)
{
    struct ws_handshake *h = p->data;
    size_t i = header_find(h);
    int rc = 0;
    while (h->value_len &&
           (h->value[h->value_len - 1] == ' ' || h->value[h->value_len - 1] == '\t'))
        h->value_len--;
    h->value[h->value_len] = '\0';
    if (i < ARRAY_LEN(headers))
        rc = strlen(h->value) == h->value_len ? headers[i].take(h) : refuse(h, 400);
    h->name_len = h->value_len = 0;
    return rc;
}

static int on_head_complete(llhttp_t *p)
{
    struct ws_handshake *h = p->data;
    size_t path_len = strlen(h->path);
    if (p->http_major != 1 || p->http_minor < 1)
        return refuse(h, 505);
    if (p->method != HTTP_GET)
        return refuse(h, 405);
    if (strncmp(h->url, h->path, path_len) != 0 ||
        (h->url_len != path_len && h->url[path_len] != '?'))
        return refuse(h, 404);
    if (!h->host || !h->upgrade || !h->connection || !h->key[0])
        return refuse(h, 400);
    if (!h->version_13)
        return refuse(h, 426);
    h->complete = true;
    return 2; /* no body follows, and no other request */
}

/* ---- the head ---- */

void ws_handshake_init(struct ws_handshake *h, const char *path)
{
    static llhttp_settings_t settings;
    if (!settings.on_url) {
        llhttp_settings_init(&settings);
        settings.on_url = on_url;
        settings.on_header_field = on_name;
        settings.on_header_value = on_value;
        settings.on_header_value_complete = on_value_complete;
        settings.on_headers_complete = on_head_complete;
    }
    memset(h, 0, sizeof *h);
    llhttp_init(&h->parser, HTTP_REQUEST, &settings);
    h->parser.data = h;
    h->path = path;
}

enum ws_handshake_result ws_handshake_feed(struct ws_handshake *h, const void *bytes, size_t len)
{
    if (h->status)
        return WS_HANDSHAKE_REFUSED;
    llhttp_errno_t rc = llhttp_execute(&h->parser, bytes, len);
    if (rc == HPE_OK && !h->complete)
        return WS_HANDSHAKE_MORE;
    if (rc == HPE_PAUSED_UPGRADE && h->complete &&
        llhttp_get_error_pos(&h->parser) == (const char *)bytes + len)
        return WS_HANDSHAKE_DONE;
    refuse(h, rc == HPE_INVALID_VERSION ? 505 : 400);
    return WS_HANDSHAKE_REFUSED;
}

void ws_handshake_wipe(struct ws_handshake *h)
{
    explicit_bzero(h->value, sizeof h->value);
    explicit_bzero(h->authorization, sizeof h->authorization);
}

/* ---- the answer ---- */

size_t ws_handshake_accept(const struct ws_handshake *h, char out[WS_HANDSHAKE_ANSWER_MAX])
{
    char text[WS_HANDSHAKE_KEY_LEN + 37];
    unsigned char digest[SHA1_LEN];
    int n = snprintf(text, sizeof text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", h->key);
    if (!EVP_Digest(text, (size_t)n, digest, NULL, EVP_sha1(), NULL))
        abort(); /* fails only without memory */
    AUTO_FREE char *accept = base64_encode(digest, sizeof digest);
    return (size_t)snprintf(out, WS_HANDSHAKE_ANSWER_MAX,
                            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                            accept);
}

static const char *reason_of(int status)
{
    switch (status) {
    case 401: return "Unauthorized";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 426: return "Upgrade Required";
    case 431: return "Request Header Fields Too Large";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Bad Request";
    }
}

size_t ws_handshake_refuse(int status, char out[WS_HANDSHAKE_ANSWER_MAX])
{
    return (size_t)snprintf(out, WS_HANDSHAKE_ANSWER_MAX,
                            "HTTP/1.1 %d %s\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n",
                            status, reason_of(status),
                            status == 426 ? "Sec-WebSocket-Version: 13\r\n" : "");
}
