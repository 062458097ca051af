/* SPDX-License-Identifier: Apache-2.0
 *
 * The source of a function: a stub that is built once and never runs, since the function's service
 * gets another image (gcf_service.h). Pure.
 */
#ifndef SOCKERLESS_GCF_ARCHIVE_H
#define SOCKERLESS_GCF_ARCHIVE_H

#include "base/buf.h"

#define GCF_ENTRY_POINT "stub"

/* Appends the zip archive. The same at every time, so that a build is found in Google's cache. */
void gcf_archive_write(struct buf *out);

#endif
