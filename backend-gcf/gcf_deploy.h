/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions in Google Cloud: making one, from nothing or from whatever an earlier try has left, and
 * deleting it.
 */
#ifndef SOCKERLESS_GCF_DEPLOY_H
#define SOCKERLESS_GCF_DEPLOY_H

#include "gcf_service.h"

struct gcf_deployment {
    const char *name;    /* of the function */
    const char *content; /* the hash in it */
    struct gcf_shape shape;
};

/* Minutes, for a new one. What an earlier call has begun is finished; what has failed is deleted
 * and made anew. *uri: where it is called, owned by the caller. */
int co_gcf_deploy(struct gcf_api *api, const struct gcf_deployment *d, char **uri,
                  struct error *err) MUST_CHECK;
/* wait: until it is gone; else the deletion is under way. Success when there is none. */
int co_gcf_delete(struct gcf_api *api, const char *name, bool wait, struct error *err) MUST_CHECK;
/* Where a function that is there is called; NULL in *uri: there is none. */
int co_gcf_find_uri(struct gcf_api *api, const char *name, char **uri,
                    struct error *err) MUST_CHECK;

#endif
