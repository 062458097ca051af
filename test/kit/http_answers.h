/* SPDX-License-Identifier: Apache-2.0
 *
 * The scripted server of the HTTP client's tests: what it answers depends on the path.
 */
#ifndef SOCKERLESS_TEST_KIT_HTTP_ANSWERS_H
#define SOCKERLESS_TEST_KIT_HTTP_ANSWERS_H

#include "loop/co.h"
#include "test/kit/http_rig.h"

enum { HTTP_ANSWERS_BIG = 20 * 1000 * 1000 };

/* /slow: sends until the client takes no more for 200 ms, then tells the loop, and goes on. */
extern struct http_answers_slow {
    size_t sent;       /* until then */
    struct loop *loop; /* NULL: it is not told */
    struct loop_task posted;
    struct co_cond cond;
    bool held_back;
} http_answers_slow;

/* The Authorization that the other server was sent, or "none". */
extern char http_answers_auth[256];

/* For http_rig_open. */
bool http_answers_serve(void *arg, struct mock_request *r);
bool http_answers_serve_other(void *arg, struct mock_request *r);

#endif
