/* SPDX-License-Identifier: Apache-2.0
 *
 * When a client is told that it is attached. Docker's daemon adds the client to the receivers of
 * the output before it answers, so that nothing printed after the answer is missed, whatever causes
 * it. The answer to an attach whose agent is being connected to is therefore held back until the
 * agent has opened its session; an agent that says nothing delays it by ATTACH_ANSWER_PATIENCE_MS
 * at most.
 */
#ifndef SOCKERLESS_BACKEND_ATTACH_ANSWER_H
#define SOCKERLESS_BACKEND_ATTACH_ANSWER_H

#include "ipc/channel.h"
#include "loop/loop.h"

#include <stdbool.h>

enum { ATTACH_ANSWER_PATIENCE_MS = 2000 };

struct attach_answer {
    struct loop *loop;
    struct channel *client; /* NULL: answered, or gone */
    uv_timer_t *timer;      /* heap; NULL: not held back */
    bool tty;
};

/* From now on it is held back; the struct stays where it is until attach_answer_drop(). */
void attach_answer_hold(struct attach_answer *a);
/* Tells the client, the first time. */
void attach_answer_send(struct attach_answer *a);
/* Nobody is to be told any more. Repeatable. */
void attach_answer_drop(struct attach_answer *a);

#endif
