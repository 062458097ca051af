/* SPDX-License-Identifier: Apache-2.0
 *
 * The lexical side of Dockerfile instructions: words of NAME=VALUE lists, quotes, $VARIABLES
 * (buildkit frontend/dockerfile: parser/line_parsers.go, shell/lex.go).
 */
#ifndef SOCKERLESS_OCI_DOCKERFILE_WORDS_H
#define SOCKERLESS_OCI_DOCKERFILE_WORDS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* Go's unicode.IsSpace as far as ASCII goes. */
bool dockerfile_is_space(char c);

/* Words separated by space; quotes and escapes bind, and stay in the words. */
void dockerfile_words_split(const char *text, struct strv *out);
/* `--flag[=value]` words in front, unquoted; returns what follows them. */
const char *dockerfile_flags_split(const char *text, struct strv *out);

struct dockerfile_scope {
    struct strv env; /* "NAME=value" */
    size_t room;     /* bytes that words may still come to: variables made of variables grow fast */
    struct arena *arena;
};
/* Quotes removed, escapes and variables resolved. */
char *dockerfile_word_expand(const char *word, struct dockerfile_scope *scope,
                             struct error *err) MUST_CHECK;
/* With U+FFFD for what is not UTF-8. */
char *dockerfile_text_clean(const char *text, struct arena *arena);

#endif
