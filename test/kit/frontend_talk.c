/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversations with the one frontend of a unit program; see frontend_talk.h.
 */
#include "test/kit/frontend_talk.h"

struct harness front;

int front_setup(void **state)
{
    (void)state;
    harness_start(&front, true);
    return 0;
}

int front_teardown(void **state)
{
    (void)state;
    harness_stop(&front);
    return 0;
}

void front_restart(struct http_server_options options, bool with_backend)
{
    harness_stop(&front);
    front.options = options;
    harness_start(&front, with_backend);
}

struct client front_ask(const char *request)
{
    struct client c;
    client_open(&c, &front);
    client_send(&c, request);
    return c;
}

void front_ask_anew(struct client *c, const char *request)
{
    client_close(c);
    *c = front_ask(request);
}

static void check_answer(struct client *c, const char *part, const char *other_part,
                         const char *file, int line)
{
    AUTO_FREE char *answer = client_answer(c);
    const char *missing = strstr(answer, part) ? other_part : part;
    if (!strstr(answer, missing)) {
        print_error("\"%s\" is not in: %s\n", missing, answer);
        _fail(file, line);
    }
}

void client_check_at(struct client *c, const char *request, const char *part,
                     const char *other_part, const char *file, int line)
{
    client_send(c, request);
    check_answer(c, part, other_part, file, line);
}

void exchange_at(const char *request, const char *part, const char *other_part, const char *file,
                 int line)
{
    AUTO(client) struct client c = front_ask(request);
    check_answer(&c, part, other_part, file, line);
}

void await_count_at(const atomic_int *what, int want, const char *file, int line)
{
    for (int i = 0; *what != want && i < 20000; i++)
        usleep(1000);
    _assert_int_equal((LargestIntegralType)*what, (LargestIntegralType)want, file, line);
}
