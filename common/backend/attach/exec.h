/* SPDX-License-Identifier: Apache-2.0
 *
 * Execs: what exec create made, until five minutes after its end or its container's removal. Kept
 * in memory: like dockerd's, they do not survive the daemon.
 */
#ifndef SOCKERLESS_BACKEND_EXEC_H
#define SOCKERLESS_BACKEND_EXEC_H

#include "backend/attach/detach_keys.h"
#include "backend/state/container.h"
#include "backend/state/run_listener.h"
#include "base/error.h"
#include "base/id.h"

#include "proto/sockerless.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

enum { EXECS_MAX = 65536 };

struct exec_session;

struct exec {
    char id[ID_HEX_LEN + 1];
    struct container *container; /* reference */
    struct arena arena;
    Sockerless__ExecCreateRequest *config; /* in the arena */
    struct detach_keys keys;               /* count 0: none were given */
    bool started, running, has_exit_code;
    int32_t exit_code;
    int64_t pid;
    int64_t ended_ms;             /* monotonic; 0 not ended */
    struct exec_session *session; /* borrowed; NULL when none is under way */
    uint32_t height, width;       /* asked before the process ran */
    UT_hash_handle hh;
};

/* Borrowed; ERROR_NOT_FOUND "No such exec instance: x". */
struct exec *exec_find(struct backend *b, const char *id, struct error *err) MUST_CHECK;
/* Enters the table and its container's ExecIDs. ERROR_TOO_MANY_REQUESTS when EXECS_MAX are in it,
 * ERROR_SYSTEM (as dockerd) for malformed detach keys. Borrowed. */
struct exec *exec_new(struct container *c, const Sockerless__ExecCreateRequest *request,
                      struct error *err) MUST_CHECK;

/* State changes that session_exec.c reports. */
void exec_set_running(struct exec *e, int64_t pid);
void exec_set_ended(struct exec *e, int32_t code);

/* For the table of run listeners. Execs of removed containers are not found, and purged later. */
void exec_run_over(struct container *c, const struct run_end *end); /* all of its execs are over */

void execs_purge(struct backend *b); /* removes those that ended long ago */
void execs_close(struct backend *b);

#endif
