/* SPDX-License-Identifier: Apache-2.0
 *
 * backend_rig.h with a cloud that has a log service, an agent that writes marks, and clients that
 * read `docker logs`. Entries become visible after a delay, in order.
 */
#ifndef SOCKERLESS_TEST_KIT_LOG_RIG_H
#define SOCKERLESS_TEST_KIT_LOG_RIG_H

#include "base/log_ring.h"
#include "test/kit/rig_client.h"

enum { MS = 1000000, FAKE_LOGS = 4, FAKE_BATCH = 32 };

/* The log service, and what it was asked. */
extern struct log_rig {
    size_t page_size;
    int64_t mark_delay_ms;
    int64_t later_ns; /* the agent's records are dated so much later */
    unsigned calls, queries, fail_calls;
    size_t delivered; /* entries */
    enum error_code fail_code;
    struct ws_listener *agent_listener;
    struct channel *agent;
    unsigned agent_sessions;          /* accepted so far */
    bool live;                        /* the agent has log sessions … */
    struct log_ring ring;             /* … which send this */
    unsigned log_opens, log_sessions; /* so far, at present */
} log_rig;

int log_rig_setup(void **state);
int log_rig_teardown(void **state);

/* Takes the text. */
void log_rig_add_len(const char *ref, int64_t timestamp_ns, int64_t delay_ms, char *text);
#define log_rig_add(ref, timestamp_ns, delay_ms, ...)                                              \
    log_rig_add_len(ref, timestamp_ns, delay_ms, xasprintf(__VA_ARGS__))

/* What the agent of "run" prints: a record in its ring, and in the service after the delay. */
void log_rig_record(enum log_record_kind kind, int64_t delay_ms, const char *text);
#define log_rig_print(delay_ms, text) log_rig_record(LOG_RECORD_STDOUT, delay_ms, text)
/* The numbers from..to, a line each, with anchors as the agent writes them. */
void log_rig_print_numbers(int64_t delay_ms, int from, int to);
void log_rig_break_log_sessions(void);

size_t log_rig_count(const char *ref);                     /* entries, visible or not */
void log_rig_cut_after(const char *ref, const char *last); /* forgets what came after that text */

/* A container whose log is "run", and one more run before it. */
struct container *log_rig_container(Sockerless__ContainerState state, int64_t finished_at);
void log_rig_past_run(struct container *c, const char *log_ref);
void log_rig_agent_listen(void);
void log_rig_connect_agent(struct container *c);

struct logs {
    const char *ref; /* NULL: "web" */
    bool no_stdout, no_stderr, follow, timestamps, details;
    bool limited;
    int64_t tail, since, until;
};
/* Starts a session; returns once the backend has it. */
void logs_open(struct rig_client *c, struct logs options);
#define LOGS(...) ((struct logs){__VA_ARGS__})
#define TAIL(n) .limited = true, .tail = (n)

#endif
