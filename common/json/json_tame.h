/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON that is right and yet more than jansson takes, rewritten so that it does: what is nested too
 * deep becomes null, integers of more than 64 bits become reals, and NUL characters in keys U+FFFD.
 * Log services answer with what programs wrote, many lines at a time: one of them must not make the
 * others unreadable.
 */
#ifndef SOCKERLESS_JSON_TAME_H
#define SOCKERLESS_JSON_TAME_H

#include "base/buf.h"

void json_tame(const char *text, size_t len, size_t depth_max, struct buf *out);

#endif
