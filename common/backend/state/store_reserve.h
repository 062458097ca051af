/* SPDX-License-Identifier: Apache-2.0
 *
 * Room on the disk for when it is full: a file that is given up so that what is there can still be
 * changed and removed.
 */
#ifndef SOCKERLESS_BACKEND_STORE_RESERVE_H
#define SOCKERLESS_BACKEND_STORE_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

struct store_reserve {
    int fd; /* -1: none */
    bool filled;
    int64_t tried_ms; /* filling failed then, monotonic; 0: it did not */
};

/* In this directory; a full disk leaves it empty. */
void store_reserve_open(struct store_reserve *r, const char *directory);
void store_reserve_close(struct store_reserve *r); /* the file stays */
/* Gives the room up; false when there is none. */
bool store_reserve_spend(struct store_reserve *r);
/* Takes it again where possible, which is not tried often; harmless when it is there. */
void store_reserve_refill(struct store_reserve *r);

#endif
