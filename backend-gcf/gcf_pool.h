/* SPDX-License-Identifier: Apache-2.0
 *
 * The pool: what is known of this backend's functions, and which containers use them. A function
 * depends on image, agent, size and account only, so all containers of one image share it, one
 * after another and at once: each run is an instance of its own. A function that no container
 * needs is kept for the next one of its image, up to SOCKERLESS_GCF_POOL_MAX of them and for
 * SOCKERLESS_GCF_POOL_IDLE.
 *
 * Nothing here has to outlive the process: functions are found again by their labels, and what
 * containers own is in their rows.
 */
#ifndef SOCKERLESS_GCF_POOL_H
#define SOCKERLESS_GCF_POOL_H

#include "base/access_token.h"
#include "gcf_deploy.h"

struct gcf_pool *gcf_pool_new(void);
void gcf_pool_free(struct gcf_pool *pool); /* no call may be under way */

/* The function is there, for the owner (gcf_names.h) in any case from now on; owned NULL: for
 * whoever comes. Many at once make it once; a failure is told to all who wait. */
int co_gcf_pool_claim(struct gcf_api *api, const struct gcf_deployment *d, const char *owned,
                      struct error *err) MUST_CHECK;
/* The owner does not need it any more. */
void gcf_pool_release(struct gcf_api *api, const char *owned);

/* What is in the cloud with our label. */
int co_gcf_pool_load(struct gcf_api *api, struct error *err) MUST_CHECK;
/* See co_maintain of driver.h. */
int co_gcf_pool_maintain(struct gcf_api *api, const char *const *in_use, size_t count, bool closing,
                         struct error *err) MUST_CHECK;

/* Where a function is called; NULL in *uri: there is none. Owned by the caller. */
int co_gcf_pool_uri(struct gcf_api *api, const char *name, char **uri,
                    struct error *err) MUST_CHECK;
/* It was not there when it was called. */
void gcf_pool_forget(struct gcf_api *api, const char *name);
/* It could not be called: it is not kept for another container. */
void gcf_pool_spoil(struct gcf_api *api, const char *name);
/* A token to call it with, for a while the same; the receiver frees it. */
int co_gcf_pool_token(struct gcf_api *api, const char *name, const char *uri,
                      struct access_token *out, struct error *err) MUST_CHECK;
void gcf_pool_reject_token(struct gcf_api *api, const char *name);

#endif
