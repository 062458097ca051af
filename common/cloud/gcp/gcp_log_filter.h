/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters of Cloud Logging's query language for entries.list. Pure; used by gcp_logs.c. Every
 * value goes through query_quote.
 */
#ifndef SOCKERLESS_GCP_LOG_FILTER_H
#define SOCKERLESS_GCP_LOG_FILTER_H

#include "base/buf.h"
#include "cloud/log_slot.h"
#include "cloud/gcp/gcp_logs.h"

#include <stddef.h>
#include <stdint.h>

enum { GCP_LOG_FILTER_MAX = 20000 }; /* characters: Cloud Logging's limit */

/* Appends; the caller ORs as many parts as fit into one filter. */
void gcp_log_filter_open(struct buf *out, const struct gcp_log_source *source);
void gcp_log_filter_add(struct buf *out, const struct gcp_log_source *source,
                        const struct log_part *part, bool first);
void gcp_log_filter_close(struct buf *out);

#endif
