/* SPDX-License-Identifier: Apache-2.0
 *
 * The three standard streams of a process about to be started: pipes, /dev/null or a terminal.
 */
#ifndef SOCKERLESS_AGENT_PROCESS_STDIO_H
#define SOCKERLESS_AGENT_PROCESS_STDIO_H

#include "agent/process.h"
#include "agent/user.h"
#include "base/error.h"

struct process_stdio {
    int child[3];
    int parent[3]; /* non-blocking; -1: none (with a terminal stderr has none) */
};
#define PROCESS_STDIO_INIT ((struct process_stdio){{-1, -1, -1}, {-1, -1, -1}})

/* Take a descriptor out of a slot. */
#define STEAL_FD(slot)                                                                             \
    __extension__({                                                                                \
        int stolen_ = (slot);                                                                      \
        (slot) = -1;                                                                               \
        stolen_;                                                                                   \
    })

int process_stdio_open(const struct process_options *options, const struct user_identity *user,
                       struct process_stdio *out, struct error *err) MUST_CHECK;
/* Closes what was not taken out. */
void process_stdio_close(struct process_stdio *s);

static inline void auto_release_process_stdio(struct process_stdio *s)
{
    process_stdio_close(s);
}

#endif
