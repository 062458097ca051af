/* SPDX-License-Identifier: Apache-2.0
 *
 * Image references, normalised as Docker does (busybox:1 is docker.io/library/busybox:1), and the
 * mapping from registry host to the URL it is really pulled from.
 */
#ifndef SOCKERLESS_SIM_HOST_REFERENCE_H
#define SOCKERLESS_SIM_HOST_REFERENCE_H

#include "base/error.h"

struct image_reference {
    char *host;       /* docker.io, 127.0.0.1:5000 … */
    char *repository; /* library/busybox */
    char *tag;        /* "latest" unless given; NULL when there is a digest */
    char *digest;     /* sha256:<64 hex> or NULL */
};

int image_reference_parse(const char *text, struct image_reference *out,
                          struct error *err) MUST_CHECK;
void image_reference_fini(struct image_reference *ref);
/* host/repository:tag or host/repository@digest; heap. */
char *image_reference_text(const struct image_reference *ref);
/* The base URL for a registry host. mapping: "host=url,host=url" or NULL. Unmapped loopback hosts
 * are plain http, docker.io is registry-1.docker.io, everything else https. Heap. */
char *registry_base_url(const char *mapping, const char *host);

#endif
