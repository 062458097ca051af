/* SPDX-License-Identifier: Apache-2.0
 *
 * An image archive with a layer of any size, made while it is read.
 */
#ifndef SOCKERLESS_TEST_KIT_ENDLESS_ARCHIVE_H
#define SOCKERLESS_TEST_KIT_ENDLESS_ARCHIVE_H

#include <stdint.h>

/* Reads it; the largest resident memory of the process so far, in KiB. */
long endless_archive_load(int64_t layer_size);

#endif
