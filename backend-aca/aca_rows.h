/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows that Log Analytics answers with, as lines of containers' logs. Columns are found by
 * their names. Pure; used by aca_logs.c.
 */
#ifndef SOCKERLESS_ACA_ROWS_H
#define SOCKERLESS_ACA_ROWS_H

#include "cloud/driver.h"
#include "cloud/log_entry.h"

#include <jansson.h>
#include <stdbool.h>

/* Where the columns are, and the row that was read last. */
struct aca_rows {
    const json_t *rows;           /* an array of arrays; borrowed from the answer */
    int time, group, log, stream; /* -1: there is no such column */
    json_t *line;                 /* of a row that an agent wrote: its JSON; owned */
};

/* False: the answer has no table with a time, a group and a text. */
bool aca_rows_open(const json_t *answer, struct aca_rows *out);
void aca_rows_close(struct aca_rows *r);

/* False: not a line of a container. *out is valid until the next one is read. */
bool aca_rows_read(struct aca_rows *r, const json_t *row, struct log_entry *out);
/* The record of the row that was read last. */
void aca_rows_event(const struct aca_rows *r, const json_t *row, const struct log_entry *entry,
                    struct arena *arena, struct log_event *out);

#endif
