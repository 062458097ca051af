/* SPDX-License-Identifier: Apache-2.0
 *
 * `docker load` through the frontend of frontend_talk.h: a body with a pattern, which goes on at
 * any offset, and what the fake backend makes of it.
 */
#ifndef SOCKERLESS_TEST_KIT_LOAD_TALK_H
#define SOCKERLESS_TEST_KIT_LOAD_TALK_H

#include "test/kit/frontend_talk.h"

enum { LOAD_TALK_BLOCK = 256 * 1024 };

#define LOAD_TALK_REQUEST "POST /v1.44/images/load?quiet=1" HOST

/* A connection to a backend that does that with bodies, and the begin of a request. */
struct client load_talk_begin(enum fake_body body, const char *request);
/* The request's head with that length. */
void load_talk_announce(struct client *c, const char *head, size_t len);
void load_talk_send(struct client *c, size_t from, size_t end);
/* How many bytes from `at` on, before `end`, are in one piece of memory. */
size_t load_talk_piece(size_t at, size_t end);
/* How much it can send before it has to wait. */
size_t load_talk_push(struct client *c, size_t most);
/* A load on a connection of its own that announces so much and sends so much. */
struct client load_talk_load(enum fake_body body, size_t announced, size_t sent);
void load_talk_expect(struct client *c, size_t len); /* so much was loaded */

#endif
