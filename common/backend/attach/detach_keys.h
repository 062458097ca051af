/* SPDX-License-Identifier: Apache-2.0
 *
 * Detach keys: the sequence typed into a tty session that ends the session and leaves the process
 * alone (Docker API, "Attach to a container", detachKeys).
 */
#ifndef SOCKERLESS_BACKEND_DETACH_KEYS_H
#define SOCKERLESS_BACKEND_DETACH_KEYS_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { DETACH_KEYS_MAX = 16 };

struct detach_keys {
    unsigned char keys[DETACH_KEYS_MAX];
    size_t count;   /* 0: nothing detaches */
    size_t matched; /* keys typed so far, held back */
};

/* "ctrl-p,ctrl-q", "a,b": single characters or ctrl- with a-z, @, [, \, ], ^, _. "" is Docker's
 * default ctrl-p,ctrl-q. */
int detach_keys_parse(const char *text, struct detach_keys *out, struct error *err) MUST_CHECK;

/* Append to `out` what of the typed bytes goes to the process. True when the sequence is complete:
 * it and what follows it are dropped. */
bool detach_keys_filter(struct detach_keys *d, const void *bytes, size_t len, struct buf *out);

#endif
