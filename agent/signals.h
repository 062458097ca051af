/* SPDX-License-Identifier: Apache-2.0
 *
 * Signals sent to the agent, as by the cloud's stop call, are meant for the main process.
 */
#ifndef SOCKERLESS_AGENT_SIGNALS_H
#define SOCKERLESS_AGENT_SIGNALS_H

#include "base/error.h"
#include "loop/loop.h"

enum { SIGNALS_MAX = 65 };

struct signals {
    uv_signal_t handles[SIGNALS_MAX];
    void (*received)(void *owner, int number);
    void *owner;
};

/* Every signal that can be passed on; SIGPIPE is ignored. */
int signals_open(struct signals *s, struct loop *l, void (*received)(void *owner, int number),
                 void *owner, struct error *err) MUST_CHECK;

#endif
