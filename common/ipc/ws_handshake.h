/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's half of a WebSocket opening handshake (RFC 6455, section 4.2): reads the request's
 * head piece by piece, keeps of it only what decides, and writes the answer. It uses no sockets.
 */
#ifndef SOCKERLESS_IPC_WS_HANDSHAKE_H
#define SOCKERLESS_IPC_WS_HANDSHAKE_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    WS_HANDSHAKE_PATH_MAX = 1024,
    WS_HANDSHAKE_VALUE_MAX = 512, /* of a header that is looked at */
    WS_HANDSHAKE_KEY_LEN = 24,
    WS_HANDSHAKE_ANSWER_MAX = 256,
};

struct ws_handshake {
    llhttp_t parser;
    const char *path; /* the one that is served; borrowed */
    char url[WS_HANDSHAKE_PATH_MAX];
    size_t url_len;
    char name[32]; /* of the header whose value follows; longer names are not looked at */
    size_t name_len;
    char value[WS_HANDSHAKE_VALUE_MAX];
    size_t value_len;
    bool complete;
    int status; /* why it is refused; 0: it is not, so far */
    bool host, upgrade, connection, version_13, authorized;
    char key[WS_HANDSHAKE_KEY_LEN + 1];
    char authorization[WS_HANDSHAKE_VALUE_MAX]; /* "": there was none; a secret */
};

enum ws_handshake_result { WS_HANDSHAKE_MORE, WS_HANDSHAKE_DONE, WS_HANDSHAKE_REFUSED };

/* path: the one that a request must have, with or without a query; borrowed. */
void ws_handshake_init(struct ws_handshake *h, const char *path);
/* The next bytes. REFUSED: h->status says why. A client must wait for the answer before it sends
 * anything else: bytes behind the head are refused too. */
enum ws_handshake_result ws_handshake_feed(struct ws_handshake *h, const void *bytes, size_t len);
/* The answer that opens the connection; its length. */
size_t ws_handshake_accept(const struct ws_handshake *h, char out[WS_HANDSHAKE_ANSWER_MAX]);
/* The answer that refuses it; its length. */
size_t ws_handshake_refuse(int status, char out[WS_HANDSHAKE_ANSWER_MAX]);
void ws_handshake_wipe(struct ws_handshake *h); /* the secret in it */

#endif
