/* SPDX-License-Identifier: Apache-2.0
 *
 * Identifiers and tokens from getrandom(2).
 */
#ifndef SOCKERLESS_BASE_ID_H
#define SOCKERLESS_BASE_ID_H

#include <stddef.h>

enum { ID_HEX_LEN = 64, ID_SHORT_LEN = 12 };

void random_bytes(void *out, size_t len); /* aborts if the kernel cannot */
/* 64 lower-case hex characters and a NUL. Like Docker, never an id whose first twelve characters
 * are all digits (it could be taken for a number). */
void id_new(char out[ID_HEX_LEN + 1]);

#endif
