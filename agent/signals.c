/* SPDX-License-Identifier: Apache-2.0
 * Signal forwarding; see signals.h. spawn.c resets all dispositions in children. */
#include "agent/signals.h"

#include <signal.h>

/* Not passed on: what cannot be caught, what belongs to us or is a fault of ours, and the two that
 * the C library keeps for itself (32, 33). */
static bool passed_on(int number)
{
    static const int kept[] = {SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE, SIGSEGV, SIGBUS, SIGFPE,
                               SIGILL,  SIGABRT, SIGTRAP, SIGSYS,  SIGPROF, 32,     33};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (kept[i] == number)
            return false;
    return true;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct signals *s = handle->data;
    s->received(s->owner, number);
}

int signals_open(struct signals *s, struct loop *l, void (*received)(void *owner, int number),
                 void *owner, struct error *err)
{
    s->received = received;
    s->owner = owner;
    signal(SIGPIPE, SIG_IGN);
    for (int number = 1; number < SIGNALS_MAX; number++) {
        if (!passed_on(number))
            continue;
        int rc = uv_signal_init(&l->uv, &s->handles[number]);
        s->handles[number].data = s;
        if (rc == 0)
            rc = uv_signal_start(&s->handles[number], on_signal, number);
        if (rc)
            return error_set(err, ERROR_SYSTEM, "signal %d: %s", number, uv_strerror(rc));
    }
    return 0;
}
