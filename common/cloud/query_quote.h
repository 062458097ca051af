/* SPDX-License-Identifier: Apache-2.0
 *
 * String literals of the clouds' query languages.
 */
#ifndef SOCKERLESS_CLOUD_QUERY_QUOTE_H
#define SOCKERLESS_CLOUD_QUERY_QUOTE_H

#include "base/buf.h"

#include <stddef.h>

/* In quotes, whatever is in the text: a backslash before '"' and '\', control characters as \u00XX.
 * Cloud Logging ("Logging query language", "Strings and conversions") and Kusto ("String literals")
 * read it alike. */
void query_quote(struct buf *out, const char *text, size_t len);

#endif
