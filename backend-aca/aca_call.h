/* SPDX-License-Identifier: Apache-2.0
 *
 * Single calls of Microsoft.App, in short form.
 */
#ifndef SOCKERLESS_ACA_CALL_H
#define SOCKERLESS_ACA_CALL_H

#include "aca_api.h"

/* GET ID[SUFFIX]. *reply as of co_azure_call. */
int co_aca_get(struct aca_api *api, const char *what, const char *id, const char *suffix,
               struct azure_reply *reply, struct cloud_error *why, struct error *err) MUST_CHECK;

/* A POST or DELETE, without a body. */
struct aca_action {
    const char *what, *method, *id, *suffix;
    bool repeatable;
    int64_t deadline_ms; /* monotonic; 0: the usual */
};
int co_aca_act(struct aca_api *api, const struct aca_action *action, struct azure_reply *reply,
               struct cloud_error *why, struct error *err) MUST_CHECK;

/* Wait for the operation that a call's answer names. resource: NULL, or whose provisioning state
 * tells where the answer names none. *reply is the caller's in every case. */
int co_aca_wait(struct aca_api *api, const char *what, const char *resource, int64_t longest_ms,
                struct azure_reply *reply, struct cloud_error *why, struct error *err) MUST_CHECK;

/* All pages of a list: each item goes to take, which returns false when it is enough. */
typedef bool (*aca_list_take)(void *arg, const json_t *item);
int co_aca_list_items(struct aca_api *api, const char *what, const char *id, aca_list_take take,
                      void *arg, struct cloud_error *why, struct error *err) MUST_CHECK;

/* Azure says that it is not there. */
bool aca_not_found(const struct cloud_error *why);

#endif
