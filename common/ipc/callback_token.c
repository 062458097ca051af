/* SPDX-License-Identifier: Apache-2.0
 * The credentials of a reverse agent; see callback_token.h. */
#include "ipc/callback_token.h"

#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Moves *at behind a field of exactly `len` characters. */
static bool take_field(const char **at, size_t len, char *out)
{
    if (!str_is_hex(*at, len))
        return false;
    memcpy(out, *at, len);
    out[len] = '\0';
    *at += len;
    return true;
}

bool callback_token_valid(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '_')
            return false;
    return len > 0 && len <= CALLBACK_TOKEN_LEN;
}

/* The same with the token, which ends before a dot or at the end. */
static bool take_token(const char **at, char *out)
{
    size_t len = strcspn(*at, ".");
    if (!callback_token_valid(*at, len))
        return false;
    memcpy(out, *at, len);
    out[len] = '\0';
    *at += len;
    return true;
}

bool callback_token_parse(const char *authorization, struct callback_token *out)
{
    static const char scheme[] = "Bearer ";
    *out = (struct callback_token){0};
    if (!str_starts(authorization, scheme))
        return false;
    const char *at = authorization + sizeof scheme - 1;
    if (!take_field(&at, CALLBACK_CONTAINER_LEN, out->container) || *at++ != '.' ||
        !take_token(&at, out->token))
        return false;
    if (*at == '\0')
        return true;
    if (*at++ != '.')
        return false;
    bool whole = *at == '.' ? (at++, take_field(&at, CALLBACK_INSTANCE_LEN, out->instance))
                            : take_field(&at, CALLBACK_SESSION_LEN, out->session);
    return whole && *at == '\0';
}

void callback_token_write(char *out, const char *container, const char *token, const char *session)
{
    snprintf(out, CALLBACK_TEXT_SIZE, "%s.%s%s%s", container, token, *session ? "." : "", session);
}

void callback_token_write_line(char *out, const char *container, const char *token,
                               const char *instance)
{
    snprintf(out, CALLBACK_TEXT_SIZE, "%s.%s%s%s", container, token, *instance ? ".." : "",
             instance);
}
