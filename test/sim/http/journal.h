/* SPDX-License-Identifier: Apache-2.0
 *
 * The journal: every API request and answer as a JSON line, for checks against the vendor's models.
 */
#ifndef SOCKERLESS_SIM_HTTP_JOURNAL_H
#define SOCKERLESS_SIM_HTTP_JOURNAL_H

#include "base/error.h"

#include <stddef.h>

struct journal;
/* path NULL: a journal that writes nothing. Appends to what is there. */
struct journal *journal_open(const char *path, struct error *err) MUST_CHECK;
void journal_close(struct journal *j);
/* request and response: JSON text, or NULL for null. */
void journal_write(struct journal *j, const char *service, const char *operation,
                   const char *request, int status, const char *response);

#endif
