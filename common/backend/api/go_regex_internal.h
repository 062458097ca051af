/* SPDX-License-Identifier: Apache-2.0
 * Shared by the two halves of the translation: go_regex_class.c has single characters and classes
 * of them, go_regex_translate.c the rest. */
#ifndef SOCKERLESS_BACKEND_GO_REGEX_INTERNAL_H
#define SOCKERLESS_BACKEND_GO_REGEX_INTERNAL_H

#include "backend/api/go_regex.h"

#include <stddef.h>
#include <stdint.h>

enum { DEPTH_MAX = 999, REPEAT_MAX = 1000 };

struct flags {
    bool fold, multi_line, dot_newline;
};

/* An open group, or the whole. */
struct level {
    struct flags flags; /* those outside, for after it */
    size_t start;       /* where it begins in the output */
    unsigned weight;    /* of repeats within, multiplied: the largest */
};

struct translation {
    const char *at;
    struct buf *out;
    struct error *err;
    struct flags flags;
    struct level *levels; /* [0] is the whole */
    unsigned depth;
    bool has_atom;     /* there is something for a repeat */
    size_t atom_start; /* where it begins in the output */
    unsigned atom_weight;
    bool atom_repeated; /* it is a repeat, so a further one needs a group around it */
    bool just_repeated; /* … and nothing at all stands between */
};

/* Go's words about `len` bytes of the expression, or about the rest of it. Return -1. */
int go_regex_refuse(struct translation *t, const char *why, const char *from, size_t len);
int go_regex_refuse_rest(struct translation *t, const char *why, const char *from);
/* What follows can be repeated. */
void go_regex_atom_begin(struct translation *t);

/* The character at t->at, which is not an escape, and past it. */
uint32_t go_regex_take_character(struct translation *t);
/* An escape that stands for one character. t->at is at its backslash. */
int go_regex_take_escape(struct translation *t, uint32_t *out) MUST_CHECK;
/* Is it \d, \W, \pL or one of their kind? */
bool go_regex_is_class_escape(const char *at);
/* Such an escape, and "[…]". One atom. */
int go_regex_take_class_escape(struct translation *t) MUST_CHECK;
int go_regex_take_class(struct translation *t) MUST_CHECK;

#endif
