/* SPDX-License-Identifier: Apache-2.0
 *
 * The known word that an unknown one was most likely meant to be.
 */
#ifndef SOCKERLESS_BASE_SUGGESTION_H
#define SOCKERLESS_BASE_SUGGESTION_H

#include <stddef.h>

struct suggestion {
    const char *given; /* borrowed */
    const char *word;  /* the most similar one tried so far, borrowed; NULL: none is similar */
    size_t distance;
};

struct suggestion suggestion_of(const char *given);
void suggestion_try(struct suggestion *s, const char *candidate);

#endif
