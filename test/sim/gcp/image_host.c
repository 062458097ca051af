/* SPDX-License-Identifier: Apache-2.0
 * The registries that Cloud Run pulls from; see image_host.h. */
#include "test/sim/gcp/image_host.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/gcp/artifact_registry.h"
#include "test/sim/host/reference.h"

#include <string.h>

/* [region.]gcr.io, [region-]docker.pkg.dev: a label with its separator, or nothing, before it. */
static bool is_below(const char *host, const char *name, char separator)
{
    size_t len = strlen(host), n = strlen(name);
    if (len < n || strcmp(host + len - n, name) != 0)
        return false;
    return len == n || (len > n + 1 && host[len - n - 1] == separator &&
                        strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-") >= len - n - 1);
}

static bool is_supported(const struct gcp *gcp, const char *host)
{
    const char *own = artifact_registry_upstream(gcp->registry);
    return is_below(host, "gcr.io", '.') || is_below(host, "docker.pkg.dev", '-') ||
           !strcmp(host, "docker.io") ||
           (own && str_ends(own, host) && own[strlen(own) - strlen(host) - 1] == '/');
}

static int check_image(const struct gcp *gcp, const char *image, const char *where,
                       struct error *err)
{
    struct image_reference ref;
    struct error unreadable;
    bool supported = false;
    if (image_reference_parse(image, &ref, &unreadable) == 0) {
        supported = is_supported(gcp, ref.host);
        image_reference_fini(&ref);
    }
    return supported
               ? 0
               : error_set(err, ERROR_INVALID_PARAMETER,
                           "%s.containers[0].image: Expected an image path like "
                           "[host/]repo-path[:tag and/or @digest], where host is one of "
                           "[region.]gcr.io, [region-]docker.pkg.dev or docker.io but obtained %s. "
                           "To deploy container images from other public or private registries, "
                           "set up an Artifact Registry remote repository. See "
                           "https://cloud.google.com/artifact-registry/docs/repositories/"
                           "remote-repo.",
                           where, image);
}

int image_host_check(const struct gcp *gcp, const json_t *template, const char *where,
                     struct error *err)
{
    size_t i;
    json_t *container;
    json_array_foreach(json_object_get(template, "containers"), i, container)
    {
        if (check_image(gcp, value_string(container, "image"), where, err))
            return -1;
    }
    return 0;
}
