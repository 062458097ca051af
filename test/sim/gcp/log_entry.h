/* SPDX-License-Identifier: Apache-2.0
 *
 * One log entry as it is stored, and as the service's JSON.
 */
#ifndef SOCKERLESS_SIM_GCP_LOG_ENTRY_H
#define SOCKERLESS_SIM_GCP_LOG_ENTRY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { LOG_INSERT_ID_MAX = 64 };

struct log_entry {
    int64_t time_ns, received_ns;
    int64_t visible_ms; /* by the wall clock: not listed earlier */
    char id[LOG_INSERT_ID_MAX];
    size_t len;
    char text[];
};

/* like: all but the text; heap. */
struct log_entry *log_entry_new(const struct log_entry *like, const char *text, size_t len);
size_t log_entry_bytes(const struct log_entry *e);
/* By insertId. */
int log_entry_compare(const struct log_entry *a, const struct log_entry *b);
/* What a collector takes from a structured line for the entry itself: its time and its insertId.
 * *e keeps what the line does not say. Cloud Logging, "Special JSON fields in messages". */
void log_entry_take_fields(struct log_entry *e, const char *text, size_t len);
/* alike: the members that all entries of its log have alike, which are shared. New reference. */
json_t *log_entry_json(json_t *alike, const struct log_entry *e);

#endif
