/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions: the streams of attach, exec, logs and the like. Each function owns the channel from the
 * call on (channel_start() or channel_fail() before it returns); open is borrowed for the call.
 */
#ifndef SOCKERLESS_BACKEND_SESSION_H
#define SOCKERLESS_BACKEND_SESSION_H

#include "backend/api/session_list.h"

#include "proto/sockerless.pb-c.h"

struct backend;
struct channel;

#define SESSION_DECLARE(kind, field, message, function)                                            \
    void function(struct backend *b, struct channel *c, const Sockerless__##message *open);
SESSION_LIST(SESSION_DECLARE)
#undef SESSION_DECLARE

#endif
