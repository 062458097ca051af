/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the logs of many runs from a service that is asked with a filter and lists entries by
 * time: as many logs as fit share a call, in either direction. What the service's filters and
 * entries look like is in struct log_protocol; users are the drivers' log files.
 */
#ifndef SOCKERLESS_CLOUD_LOG_BATCH_H
#define SOCKERLESS_CLOUD_LOG_BATCH_H

#include "base/buf.h"
#include "cloud/driver.h"
#include "cloud/log_entry.h"
#include "cloud/log_slot.h"

#include <jansson.h>

struct log_request {
    const char *filter;
    bool newest_first;
    int page_size;
    const char *page_token; /* NULL: the first page */
};

/* A page of entries, in the order of their times. */
struct log_answer {
    json_t *doc;         /* owned; what `items` is part of */
    const json_t *items; /* an array; NULL: empty */
    char *next;          /* token of the next page, owned; NULL: there is none */
};

struct log_protocol {
    size_t filter_max; /* bytes of a filter */
    int page_size;     /* the service's largest that is sensible */
    int64_t later_ns;  /* how much later than what is printed its time in the service may be */
    int64_t gap_wait_ms, gap_old_ns; /* see log_extent; 0: the usual */
    bool names_grow;                 /* what an entry says may be a key with "-…" appended */
    /* The key of a log_ref, which is not ""; false: it is not one. */
    bool (*key)(const char *log_ref, char out[LOG_KEY_SIZE]);
    /* A filter: parts ORed. */
    void (*filter_open)(void *arg, struct buf *out);
    void (*filter_add)(void *arg, struct buf *out, const struct log_part *part, bool first);
    void (*filter_close)(void *arg, struct buf *out);
    /* Makes one call. ERROR_TOO_LARGE: fewer entries at once, please. */
    int (*co_fetch)(void *arg, const struct log_request *request, struct log_answer *out,
                    struct error *err);
    /* False: not an entry of a container. */
    bool (*read)(void *arg, const json_t *item, struct log_entry *out);
    /* The record. What no agent wrote is a line. */
    void (*event)(void *arg, const json_t *item, const struct log_entry *entry, struct arena *arena,
                  struct log_event *out);
};

/* log_ops of driver.h. arg: of the service's functions. */
int co_log_batch_pages(const struct log_protocol *service, void *arg,
                       const struct log_query *queries, size_t count, struct log_page *pages,
                       struct error *err) MUST_CHECK;

#endif
