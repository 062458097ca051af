/* SPDX-License-Identifier: Apache-2.0
 * Artifact Registry's API v1 as far as its repositories go: create, get, list, delete. Their names
 * are kept by artifact_registry.c, which is the registry itself. Operations are done at once. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/gcp/artifact_registry.h"
#include "test/sim/gcp/gcp.h"
#include "test/sim/http/form.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { ID_MAX = 63, PAGE_MAX = 1000 };
#define TYPE "type.googleapis.com/google.devtools.artifactregistry.v1."

static json_t *repository_json(const struct gcp *gcp, const char *id)
{
    AUTO_FREE char *name =
        xasprintf("projects/%s/locations/%s/repositories/%s", gcp->project, gcp->region, id);
    AUTO_FREE char *uri = xasprintf("%s-docker.pkg.dev/%s/%s", gcp->region, gcp->project, id);
    return json_pack("{s:s, s:s, s:s, s:s}", "name", name, "format", "DOCKER", "mode",
                     "STANDARD_REPOSITORY", "registryUri", uri);
}

/* response: transferred. */
static void reply_done(struct gcp *gcp, struct gcp_reply *reply, const char *type, json_t *response)
{
    char id[37];
    value_uuid(id);
    AUTO_FREE char *name =
        xasprintf("projects/%s/locations/%s/operations/%s", gcp->project, gcp->region, id);
    value_set_text(response, "@type", type);
    gcp_reply_json(reply, json_pack("{s:s, s:b, s:{s:s}, s:o}", "name", name, "done", 1, "metadata",
                                    "@type", TYPE "OperationMetadata", "response", response));
}

static bool location_ok(const struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    if (!strcmp(call->part[1], gcp->region))
        return true;
    gcp_reply_error(reply, "PERMISSION_DENIED",
                    "Permission denied on 'locations/%s' (or it may not exist).", call->part[1]);
    return false;
}

static bool id_ok(const char *id)
{
    size_t len = strlen(id);
    if (len == 0 || len > ID_MAX || !islower((unsigned char)id[0]) || id[len - 1] == '-')
        return false;
    return strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* The enum by name or, as Google's clients write it, by number. */
static bool is_docker(const json_t *body)
{
    return !strcmp(value_string(body, "format"), "DOCKER") || value_int(body, "format", 0) == 1;
}

static void create(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    AUTO_FREE char *id = form_parameter(call->request, "repositoryId");
    AUTO_FREE char *name = xasprintf("%s/%s", gcp->project, str_or_empty(id));
    if (!location_ok(gcp, call, reply))
        return;
    if (!id_ok(str_or_empty(id)))
        gcp_reply_error(reply, "INVALID_ARGUMENT", "Invalid value for 'repository_id': \"%s\"",
                        str_or_empty(id));
    else if (!is_docker(call->body))
        gcp_reply_error(reply, "INVALID_ARGUMENT",
                        "format: the simulator has repositories of the format DOCKER only");
    else if (artifact_registry_has(gcp->registry, name))
        gcp_reply_error(reply, "ALREADY_EXISTS", "the repository already exists");
    else if (!artifact_registry_add(gcp->registry, name))
        gcp_reply_error(reply, "RESOURCE_EXHAUSTED", "too many repositories");
    else
        reply_done(gcp, reply, TYPE "Repository", repository_json(gcp, id));
}

/* PROJECT/ID of a call's repository; NULL with the reply set. Heap. */
static char *need(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    AUTO_FREE char *name = xasprintf("%s/%s", gcp->project, call->part[2]);
    if (!location_ok(gcp, call, reply))
        return NULL;
    if (artifact_registry_has(gcp->registry, name))
        return STEAL(name);
    gcp_reply_error(reply, "NOT_FOUND", "Requested entity was not found.");
    return NULL;
}

static void get(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    AUTO_FREE char *name = need(gcp, call, reply);
    if (name)
        gcp_reply_json(reply, repository_json(gcp, call->part[2]));
}

static void delete_one(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    AUTO_FREE char *name = need(gcp, call, reply);
    if (name && artifact_registry_remove(gcp->registry, name))
        reply_done(gcp, reply, "type.googleapis.com/google.protobuf.Empty", json_object());
}

static void list(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    size_t begin, count, i;
    json_t *name;
    if (!location_ok(gcp, call, reply) || !gcp_page(call, PAGE_MAX, &begin, &count, reply))
        return;
    json_t *names = artifact_registry_list(gcp->registry), *all = json_array();
    json_array_foreach(names, i, name)
    {
        const char *slash = strchr(json_string_value(name), '/');
        if (slash && (size_t)(slash - json_string_value(name)) == strlen(gcp->project) &&
            str_starts(json_string_value(name), gcp->project))
            json_array_append_new(all, repository_json(gcp, slash + 1));
    }
    gcp_reply_json(reply, gcp_page_json("repositories", all, begin, count));
    json_decref(all);
    json_decref(names);
}

#define REPOSITORIES "/v1/projects/*/locations/*/repositories"
#define ID "projects.locations.repositories."
const struct gcp_method artifact_methods[] = {
    {"artifactregistry", ID "create", "POST", REPOSITORIES, create, false},
    {"artifactregistry", ID "list", "GET", REPOSITORIES, list, false},
    {"artifactregistry", ID "get", "GET", REPOSITORIES "/*", get, false},
    {"artifactregistry", ID "delete", "DELETE", REPOSITORIES "/*", delete_one, false},
    {0}};
