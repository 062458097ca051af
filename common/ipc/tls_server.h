/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's side of TLS 1.2 and later, as a filter between bytes from the network and bytes for
 * the application. It uses no sockets: its owner moves the bytes. What a session buffers is bounded
 * by what it is given at once plus one record.
 */
#ifndef SOCKERLESS_IPC_TLS_SERVER_H
#define SOCKERLESS_IPC_TLS_SERVER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct tls_server;  /* certificate and key; may be shared by any number of sessions */
struct tls_session; /* one connection */

/* The certificate (with its chain behind it) and its key, both in PEM. */
struct tls_server *tls_server_new(const char *cert_pem, const char *key_pem, struct error *err);
void tls_server_free(struct tls_server *s); /* NULL is fine; sessions may outlive it */

struct tls_session *tls_session_new(struct tls_server *s);
void tls_session_free(struct tls_session *t); /* NULL is fine */

/* Bytes from the network. */
void tls_session_give(struct tls_session *t, const void *bytes, size_t len);
/* Bytes for the application, shaking hands as long as needed: their number, 0: none yet, -1: the
 * peer has ended the session, -2: it does not use TLS as required here. */
int tls_session_read(struct tls_session *t, void *to, size_t room);
/* There may be more to read without new bytes from the network. */
bool tls_session_has_input(const struct tls_session *t);
/* Encrypts bytes of the application. False: the session is broken. */
bool tls_session_write(struct tls_session *t, const void *bytes, size_t len);
void tls_session_end(struct tls_session *t); /* tells the peer that nothing follows */

/* What is to be sent over the network; valid until the next call of any other function here. */
size_t tls_session_output(struct tls_session *t, const void **bytes);
void tls_session_sent(struct tls_session *t); /* all of it */

#endif
