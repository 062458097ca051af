/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing what a service answered. A full page of log events takes 25 ms to parse, far more than
 * the loop may be held: large answers are parsed on the thread pool.
 */
#ifndef SOCKERLESS_JSON_REPLY_H
#define SOCKERLESS_JSON_REPLY_H

#include "base/buf.h"
#include "base/error.h"
#include "loop/loop.h"

#include <jansson.h>

/* The answer's JSON object, {} for an empty body. The bytes of a large body are taken over. A body
 * of another shape is the service's failure: ERROR_UNAVAILABLE, "the answer cannot be read: …". */
int co_json_reply_parse(struct loop *loop, struct buf *body, json_t **out,
                        struct error *err) MUST_CHECK;

#endif
