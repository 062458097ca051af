/* SPDX-License-Identifier: Apache-2.0
 *
 * Log tail: where the last N lines of a container's log begin. Reads backward and counts; the
 * session then shows from there on forward. A short tail's pages are held for that; of a long one
 * nothing is kept, so memory does not grow with N, and it is read again. As with dockerd, lines of
 * both streams count, and since/until are applied afterwards.
 */
#ifndef SOCKERLESS_BACKEND_LOG_TAIL_H
#define SOCKERLESS_BACKEND_LOG_TAIL_H

#include "backend/logs/log_reader.h"

struct log_tail_request {
    struct backend *backend;
    struct container *container; /* borrowed */
    struct log_run *runs;        /* borrowed; gets what is held */
    size_t run_count;            /* > 0 */
    int64_t lines;               /* >= 0 */
    int64_t since_ns;            /* nothing earlier is shown anyway; 0: all */
    bool follow;                 /* what comes after the tail is shown, too */
    int64_t now_ns;              /* when the request came */
    const char *mark;            /* lines before it count; NULL: none was written */
    int64_t mark_deadline_ms;
    /* Called after each page that was read. */
    void (*progress)(void *owner);
    void *owner;
};

struct log_tail_start {
    size_t run;      /* index; run_count: there is nothing to show */
    int64_t from_ns; /* timestamp of the first entry to show … */
    bool from_entry; /* … or just a time, when this is false */
    uint64_t skip;   /* entries of that timestamp which come before it */
};

int co_log_tail_locate(const struct log_tail_request *request, struct log_tail_start *out,
                       struct error *err) MUST_CHECK;

#endif
