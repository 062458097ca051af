/* SPDX-License-Identifier: Apache-2.0
 *
 * A structured log entry's payload as the one line of JSON that it was. Pure.
 */
#ifndef SOCKERLESS_GCP_PAYLOAD_H
#define SOCKERLESS_GCP_PAYLOAD_H

#include "base/buf.h"

#include <jansson.h>

/* value: from json_doc_load, which bounds how deep it is. */
void gcp_payload_write(const json_t *value, struct buf *out);

#endif
