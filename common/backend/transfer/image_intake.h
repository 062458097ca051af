/* SPDX-License-Identifier: Apache-2.0
 *
 * Intake of an image archive: from the bytes a session receives to blobs in the staging registry.
 *
 *     session frames → bounded pipe → reading thread (oci/image_archive: untar, verify, compress)
 *         → chunks of REGISTRY_CHUNK → uploads on the loop (oci/registry_repo)
 *
 * At most INTAKES_MAX at once; more wait for a place. Memory: pipe, 1 MiB; INTAKE_CHUNKS chunks.
 * Layers are uploaded side by side with the reading of the next; what the staging registry has
 * already is not sent again when that is known in time.
 */
#ifndef SOCKERLESS_BACKEND_IMAGE_INTAKE_H
#define SOCKERLESS_BACKEND_IMAGE_INTAKE_H

#include "backend/state/backend_internal.h"
#include "oci/archive/image_archive.h"

enum { INTAKES_MAX = 2, INTAKE_CHUNKS = 3 };

struct image_intake_pool *image_intake_pool_new(void);
void image_intake_pool_free(struct image_intake_pool *p); /* no intake may be under way */

struct image_intake;

struct image_intake_options {
    bool is_layer;                   /* docker import: one layer, no image archive */
    void (*wants_more)(void *owner); /* the pipe has room again; on the loop */
    void (*layer_done)(void *owner, const struct archive_layer *layer); /* on the loop; or NULL */
    void *owner;
};

int image_intake_open(struct backend *b, const struct image_intake_options *options,
                      struct image_intake **out, struct error *err) MUST_CHECK;
/* False: the pipe is full, stop until wants_more(). Copies. After an error everything is taken and
 * dropped. */
bool image_intake_feed(struct image_intake *in, const void *bytes, size_t len);
void image_intake_feed_end(struct image_intake *in);
/* A frame of the client that sends the archive: feeds, or ends. NULL (nothing is under way): it is
 * dropped. False: as above. */
bool image_intake_take(struct image_intake *in, const struct frame *f);
/* The client is gone: reading ends with ERROR_CANCELLED, and the owner is not called any more.
 * NULL: nothing is under way. */
void image_intake_cancel(struct image_intake *in);
/* Where the bytes come from has failed: reading ends with that error. */
void image_intake_fail(struct image_intake *in, const struct error *err);

/* Wait until all was read and every layer is in the staging registry (if there is one), then push
 * configs and manifests, and tag them there by config digest. Results live in the intake's arena,
 * until close. Nothing is stored in the image store: that is the session's. */
int co_image_intake_run(struct image_intake *in, struct image_archive *out,
                        struct error *err) MUST_CHECK;
int co_image_intake_run_layer(struct image_intake *in, struct archive_layer *out,
                              struct error *err) MUST_CHECK;
/* Pushes a config and its manifest into the staging repository (import). */
int co_image_intake_push(struct image_intake *in, const struct archived_image *image,
                         struct error *err) MUST_CHECK;
void image_intake_close(struct image_intake *in); /* not while one of the above is under way */

#endif
