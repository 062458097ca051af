/* SPDX-License-Identifier: Apache-2.0
 *
 * What a cloud makes of an image before any container of it is created: on a cloud where that takes
 * minutes, a pull is the first word that the image will be wanted.
 */
#ifndef SOCKERLESS_BACKEND_IMAGE_PREPARE_H
#define SOCKERLESS_BACKEND_IMAGE_PREPARE_H

struct backend;

/* PREPARE_AT_PULL: begin in the background; other clouds: nothing. A failure is logged, and the
 * first container of the image tries again. image_id: copied. */
void image_prepare_begin(struct backend *b, const char *image_id);

#endif
