/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversations with the one frontend of a unit program, which runs between front_setup() and
 * front_teardown(): TEST_GROUP(front_setup, front_teardown).
 */
#ifndef SOCKERLESS_TEST_KIT_FRONTEND_TALK_H
#define SOCKERLESS_TEST_KIT_FRONTEND_TALK_H

#include "test/kit/frontend_harness.h"
#include "test/kit/test.h"

#define HOST " HTTP/1.1\r\nHost: x\r\n"

extern struct harness front; /* front.options: for the next start */

int front_setup(void **state);
int front_teardown(void **state);
/* One frontend for the whole program, with these options: FRONT_GROUP(.idle_timeout_ms = 3000); */
#define FRONT_GROUP(...)                                                                           \
    static int front_group_setup(void **state)                                                     \
    {                                                                                              \
        front.options = (struct http_server_options){__VA_ARGS__};                                 \
        return front_setup(state);                                                                 \
    }                                                                                              \
    TEST_GROUP(front_group_setup, front_teardown)
void front_restart(struct http_server_options options, bool with_backend);

/* A connection of its own with that request on its way: AUTO(client) struct client c = … */
struct client front_ask(const char *request);
/* The same client closes its connection and asks on a new one. */
void front_ask_anew(struct client *c, const char *request);

static inline void auto_release_client(struct client *c)
{
    client_close(c);
}

/* One more request on the client's connection, and these parts in its answer; "" matches. */
#define client_check(c, request, part, other_part)                                                 \
    client_check_at(c, request, part, other_part, __FILE__, __LINE__)
void client_check_at(struct client *c, const char *request, const char *part,
                     const char *other_part, const char *file, int line);

/* One request on a connection of its own, and these parts in its answer. */
#define exchange(request, part, other_part)                                                        \
    exchange_at(request, part, other_part, __FILE__, __LINE__)
void exchange_at(const char *request, const char *part, const char *other_part, const char *file,
                 int line);

/* Until a count of the fake backend's has that value. */
#define await_count(what, want) await_count_at(what, want, __FILE__, __LINE__)
void await_count_at(const atomic_int *what, int want, const char *file, int line);

#endif
