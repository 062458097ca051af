/* SPDX-License-Identifier: Apache-2.0
 *
 * Gzip for layers: fast rather than small. The stream is cut into blocks, each a gzip member of its
 * own (RFC 1952, 2.2: a file is a series of members), compressed with libdeflate; the same input
 * always gives the same bytes. Synchronous; no threads of its own but for the helpers it may use
 * for blocks side by side.
 */
#ifndef SOCKERLESS_OCI_LAYER_GZIP_H
#define SOCKERLESS_OCI_LAYER_GZIP_H

#include "base/error.h"

#include <stddef.h>

struct layer_gzip;

struct layer_gzip *layer_gzip_new(int (*write)(void *arg, const void *bytes, size_t len,
                                               struct error *err),
                                  void *arg);
int layer_gzip_write(struct layer_gzip *g, const void *bytes, size_t len,
                     struct error *err) MUST_CHECK;
int layer_gzip_finish(struct layer_gzip *g, struct error *err) MUST_CHECK;
void layer_gzip_free(struct layer_gzip *g); /* at any time; NULL allowed */

#endif
