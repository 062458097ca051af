/* SPDX-License-Identifier: Apache-2.0
 *
 * The image store: pulls from registries, unpacks each image once per digest, keeps it under
 * STATE/images/<hex>/{rootfs,config.json} over restarts.
 */
#ifndef SOCKERLESS_SIM_HOST_IMAGE_H
#define SOCKERLESS_SIM_HOST_IMAGE_H

#include "base/error.h"
#include "base/str.h"

struct image_store;

/* An unpacked image. Lives as long as the store; never changes. */
struct image {
    char digest[72]; /* of the platform's manifest */
    char *rootfs;    /* directory, read-only by convention */
    struct strv entrypoint, cmd, env;
    char *user, *workdir;
};

/* registries: see registry_base_url(). Both are copied. */
struct image_store *image_store_open(const char *state_dir, const char *registries,
                                     struct error *err) MUST_CHECK;
void image_store_close(struct image_store *s);
/* Resolve the reference at its registry now, pull what is not here yet. Thread-safe: concurrent
 * pulls of one digest download once. The image is borrowed. */
const struct image *image_store_pull(struct image_store *s, const char *reference,
                                     struct error *err) MUST_CHECK;

#endif
