/* SPDX-License-Identifier: Apache-2.0
 *
 * What a reverse agent shows when it dials the backend: `Authorization: Bearer CONTAINER.TOKEN` for
 * its line, the connection that it keeps and on which the backend asks for sessions
 * (FRAME_CALL_BACK), and `Bearer CONTAINER.TOKEN.SESSION` for the connection of a session that was
 * asked for. So the backend has the stream's container before a frame is read, and the frames on it
 * are those of a session that the backend has dialled itself.
 *
 * Where a platform may begin one run in several places, a line says which of them it comes from:
 * `Bearer CONTAINER.TOKEN..INSTANCE`. The backend accepts one of them.
 */
#ifndef SOCKERLESS_IPC_CALLBACK_TOKEN_H
#define SOCKERLESS_IPC_CALLBACK_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

enum {
    CALLBACK_CONTAINER_LEN = 64, /* it and the session are lower-case hex */
    CALLBACK_TOKEN_LEN = 64,     /* at most: letters, digits, '-', '_' (a configured one) */
    CALLBACK_SESSION_LEN = 32,
    CALLBACK_INSTANCE_LEN = 16, /* ditto */
    CALLBACK_TEXT_SIZE = CALLBACK_CONTAINER_LEN + CALLBACK_TOKEN_LEN + CALLBACK_SESSION_LEN + 4,
};

struct callback_token {
    char container[CALLBACK_CONTAINER_LEN + 1];
    char token[CALLBACK_TOKEN_LEN + 1];
    char session[CALLBACK_SESSION_LEN + 1];   /* "": the line */
    char instance[CALLBACK_INSTANCE_LEN + 1]; /* of a line; "": it does not say */
};

/* Fit to be an agent's token. */
bool callback_token_valid(const char *text, size_t len);
/* The whole Authorization header; false when it is anything else. */
bool callback_token_parse(const char *authorization, struct callback_token *out);
/* What goes after "Bearer "; out has CALLBACK_TEXT_SIZE bytes. session "": the line. */
void callback_token_write(char *out, const char *container, const char *token, const char *session);
/* The same for the line of an instance; "": as above. */
void callback_token_write_line(char *out, const char *container, const char *token,
                               const char *instance);

#endif
