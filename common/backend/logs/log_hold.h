/* SPDX-License-Identifier: Apache-2.0
 *
 * Log hold: pages of one run's log that were read backward from its end, kept to be shown forward,
 * so that a short tail is not read a second time. Owned by its run (log_reader.h); bounded by
 * whoever adds pages.
 */
#ifndef SOCKERLESS_BACKEND_LOG_HOLD_H
#define SOCKERLESS_BACKEND_LOG_HOLD_H

#include "cloud/driver.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_hold {
    struct log_page *pages; /* newest first, without gaps between them; heap */
    size_t count;
    char *token; /* where reading forward goes on behind the newest; heap, NULL: at the start */
    int64_t asked_ms; /* when the newest was asked for, monotonic */
};

/* The page is taken over. The first one must be the newest, and have been asked for at asked_ms. */
void log_hold_add(struct log_hold *h, struct log_page *page, int64_t asked_ms);
/* The oldest page is handed over; false: none is left. */
bool log_hold_take(struct log_hold *h, struct log_page *page);
/* May be used again. */
void log_hold_fini(struct log_hold *h);
/* What a page takes in memory, about. */
size_t log_hold_page_bytes(const struct log_page *page);

#endif
