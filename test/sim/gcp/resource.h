/* SPDX-License-Identifier: Apache-2.0
 *
 * What the resources of Cloud Run and Cloud Functions have alike: names, stamps, update masks.
 */
#ifndef SOCKERLESS_SIM_GCP_RESOURCE_H
#define SOCKERLESS_SIM_GCP_RESOURCE_H

#include "test/sim/gcp/gcp.h"

#include <pthread.h>

/* "projects/P/locations/L/COLLECTION/ID"; heap. */
char *resource_name(const struct gcp *gcp, const char *collection, const char *id);
/* Gives a new resource its name, uid, creator and time. */
void resource_begin(json_t *json, const char *name, const char *uid, const char *creator);
/* A new version: etag, generation, modifier, time. */
void resource_stamp(json_t *json, int64_t *generation, const char *modifier);
/* What a new version has of the one before: name, uid, creator, time of creation. */
void resource_keep(json_t *json, const json_t *before);
void resource_remove_members(json_t *json, const char *const *names, size_t count);
/* False: the reply is set. id: for the message. */
bool resource_etag_fits(const struct gcp_call *call, const char *id, const json_t *json,
                        struct gcp_reply *reply);
/* Only the region of the simulator, or "-", exists; false: the reply is set. */
bool resource_location_fits(const struct gcp *gcp, const struct gcp_call *call,
                            struct gcp_reply *reply);
/* The members that a mask ("labels,service_config.timeout_seconds") names are as in `from`. known:
 * the members that the resource has, separated by blanks. ERROR_INVALID_PARAMETER. */
int resource_apply_mask(json_t *json, const json_t *from, const char *mask, const char *known,
                        struct error *err) MUST_CHECK;
/* Whether the mask names the member or a part of it. */
bool resource_mask_has(const char *mask, const char *member);
/* A condition variable with the monotonic clock. */
void resource_cond_init(pthread_cond_t *cond);

#endif
