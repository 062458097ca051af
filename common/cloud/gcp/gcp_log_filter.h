/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters of Cloud Logging's query language for entries.list. Pure; used by cloudrun_logs.c. Every
 * value goes through query_quote.
 */
#ifndef SOCKERLESS_CLOUDRUN_FILTER_H
#define SOCKERLESS_CLOUDRUN_FILTER_H

#include "base/buf.h"
#include "cloud/log_slot.h"
#include "cloudrun_config.h"
#include "cloudrun_names.h"

#include <stddef.h>
#include <stdint.h>

enum { CLOUDRUN_FILTER_MAX = 20000 }; /* characters: Cloud Logging's limit */

/* Appends; the caller ORs as many parts as fit into one filter. */
void cloudrun_filter_open(struct buf *out, const struct cloudrun_config *config);
void cloudrun_filter_add(struct buf *out, const struct log_part *part, bool first);
void cloudrun_filter_close(struct buf *out);

#endif
