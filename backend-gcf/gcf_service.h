/* SPDX-License-Identifier: Apache-2.0
 *
 * The Cloud Run service under a function: it gets the container's image, which a function itself
 * cannot be given. That a service keeps it is not promised anywhere: it is read back, and changed
 * only where it really differs, since each change is a revision that needs CPU quota.
 */
#ifndef SOCKERLESS_GCF_SERVICE_H
#define SOCKERLESS_GCF_SERVICE_H

#include "cloud/cloud_size.h"
#include "gcf_api.h"

#include <stdbool.h>

/* What the service of a function has to be. */
struct gcf_shape {
    const char *image;
    struct cloud_size size;
};

/* What to do about a refusal with this text, as "; …"; "": nothing. CPU quota is refused in several
 * disguises: as itself, as a failed health check, as a container that does not listen. */
const char *gcf_quota_hint(const char *message);

/* Brings the service to that shape, and waits until it serves. *uri: where, owned by the caller.
 * Errors tell Google's own reason, also where it comes as another one (a quota as a health check).
 */
int co_gcf_service_settle(struct gcf_api *api, const char *service, const struct gcf_shape *shape,
                          char **uri, struct error *err) MUST_CHECK;

/* A template (run.v2 RevisionTemplate) is of that shape. Pure. */
bool gcf_template_fits(const struct gcf_config *config, const struct gcf_shape *shape,
                       const json_t *template);
/* Changes it into that shape. Pure. */
void gcf_template_change(const struct gcf_config *config, const struct gcf_shape *shape,
                         json_t *template);

#endif
