/* SPDX-License-Identifier: Apache-2.0
 *
 * After a pull: an image that its registry gives to users with a login only is noted as private
 * (image_place.h) and copied to the staging registry at once, since the login may have come with
 * this request alone.
 */
#ifndef SOCKERLESS_BACKEND_PULL_PRIVATE_H
#define SOCKERLESS_BACKEND_PULL_PRIVATE_H

#include "backend/state/backend_internal.h"
#include "base/arena.h"
#include "oci/name/image_ref.h"

struct pull_login {
    const void *auth_json; /* what came with the request, decoded; NULL: nothing */
    size_t auth_json_len;
};

/* rec: as stored. fetched: its registry was asked just now, not only for its digest. Without a
 * staging registry nothing is copied: a start says so. */
int co_pull_private(struct backend *b, const Sockerless__ImageRecord *rec,
                    const struct image_ref *ref, const struct pull_login *login, bool fetched,
                    struct arena *arena, struct error *err) MUST_CHECK;

#endif
