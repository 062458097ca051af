/* SPDX-License-Identifier: Apache-2.0
 *
 * application/x-www-form-urlencoded: request bodies and URL queries.
 */
#ifndef SOCKERLESS_BASE_FORM_H
#define SOCKERLESS_BASE_FORM_H

#include "base/buf.h"

/* "key=value" after an "&" if anything is there already; in the value all but A-Z a-z 0-9 - _ . ~
 * is percent-encoded (RFC 3986). key is written as it is. */
void form_add(struct buf *form, const char *key, const char *value);

#endif
