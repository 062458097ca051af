/* SPDX-License-Identifier: Apache-2.0
 * Environment and storages; see environment.h. */
#include "test/sim/azure/environment.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/azure/storage_account.h"
#include "test/sim/http/members.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

enum { STORAGES_MAX = 256, NAME_MAX_LEN = 63 };

struct storage {
    struct storage *next;
    char name[NAME_MAX_LEN + 1];
    json_t *file; /* AzureFileProperties, without the key */
    bool key_fits;
};

struct environment {
    struct azure *azure;
    const char *name;
    pthread_mutex_t lock;
    struct storage *storages;
    size_t count;
};

struct environment *environment_new(struct azure *azure, const char *name)
{
    struct environment *e = NEW(struct environment);
    e->azure = azure;
    e->name = name;
    pthread_mutex_init(&e->lock, NULL);
    return e;
}

static void drop(struct environment *e, struct storage *s)
{
    LL_DELETE(e->storages, s);
    e->count--;
    json_decref(s->file);
    free(s);
}

void environment_free(struct environment *e)
{
    if (!e)
        return;
    while (e->storages)
        drop(e, e->storages);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

const char *environment_name(const struct environment *e)
{
    return e->name;
}

static char *environment_id(const struct environment *e)
{
    return xasprintf("/subscriptions/%s/resourceGroups/%s" AZURE_APP "/managedEnvironments/%s",
                     e->azure->subscription, e->azure->group, e->name);
}

bool environment_is(const struct environment *e, const char *id)
{
    AUTO_FREE char *own = environment_id(e);
    return !strcasecmp(own, id);
}

static struct storage *find(struct environment *e, const char *name)
{
    struct storage *s = e->storages;
    while (s && strcasecmp(s->name, name) != 0)
        s = s->next;
    return s;
}

bool environment_has_storage(struct environment *e, const char *storage)
{
    pthread_mutex_lock(&e->lock);
    bool has = find(e, storage);
    pthread_mutex_unlock(&e->lock);
    return has;
}

char *environment_share(struct environment *e, const char *storage, bool *read_only,
                        struct error *err)
{
    char *path = NULL;
    pthread_mutex_lock(&e->lock);
    const struct storage *s = find(e, storage);
    if (!s || !s->key_fits) {
        error_set(err, ERROR_FORBIDDEN,
                  "MountVolume.MountDevice failed for volume \"%s\": mount error(13): Permission "
                  "denied",
                  storage);
    } else {
        path = xasprintf("%s/%s/%s", e->azure->files_dir, value_string(s->file, "accountName"),
                         value_string(s->file, "shareName"));
        *read_only = !strcmp(value_string(s->file, "accessMode"), "ReadOnly");
    }
    pthread_mutex_unlock(&e->lock);
    return path;
}

json_t *environment_storages(struct environment *e)
{
    json_t *out = json_array();
    pthread_mutex_lock(&e->lock);
    for (const struct storage *s = e->storages; s; s = s->next)
        json_array_append_new(out, value_text(s->name));
    pthread_mutex_unlock(&e->lock);
    return out;
}

/* ---- the environment ---- */

static json_t *environment_json(const struct environment *e)
{
    AUTO_FREE char *id = environment_id(e);
    AUTO_FREE char *domain = xasprintf("%s.%s.azurecontainerapps.io", e->name, e->azure->location);
    bool plain = e->azure->tuning.log_plain;
    json_t *analytics =
        plain ? json_null()
              : json_pack("{s:s, s:n}", "customerId", e->azure->workspace, "sharedKey");
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:n, s:s, s:s, s:{s:s, s:o}, s:b}}", "id", id,
                     "name", e->name, "type", "Microsoft.App/managedEnvironments", "location",
                     e->azure->location, "properties", "provisioningState", "Succeeded",
                     "deploymentErrors", "defaultDomain", domain, "staticIp", "20.42.33.145",
                     "appLogsConfiguration", "destination",
                     plain ? "azure-monitor" : "log-analytics", "logAnalyticsConfiguration",
                     analytics, "zoneRedundant", 0);
}

static bool is_ours(const struct azure *azure, const char *name, struct azure_reply *reply)
{
    if (!strcasecmp(name, azure->environment->name))
        return true;
    azure_reply_error(reply, 404, "ResourceNotFound",
                      "The Resource 'Microsoft.App/managedEnvironments/%s' under resource group "
                      "'%s' was not found. For more details please go to "
                      "https://aka.ms/ARMResourceNotFoundFix",
                      name, azure->group);
    return false;
}

static void environment_get(struct azure *azure, const struct azure_call *call,
                            struct azure_reply *reply)
{
    if (is_ours(azure, call->part[2], reply))
        azure_reply_json(reply, 200, environment_json(azure->environment));
}

static void environment_list(struct azure *azure, const struct azure_call *call,
                             struct azure_reply *reply)
{
    json_t *all = json_pack("[o]", environment_json(azure->environment));
    azure_reply_page(azure, call, all, reply);
    json_decref(all);
}

/* ---- storages ---- */

static json_t *storage_json(const struct environment *e, const struct storage *s)
{
    AUTO_FREE char *parent = environment_id(e);
    AUTO_FREE char *id = xasprintf("%s/storages/%s", parent, s->name);
    return json_pack("{s:s, s:s, s:s, s:{s:O}}", "id", id, "name", s->name, "type",
                     "Microsoft.App/managedEnvironments/storages", "properties", "azureFile",
                     s->file);
}

static const struct member_schema schemas[] = {
    {"storage", "id name type systemData properties:properties"},
    {"properties", "azureFile:azureFile"},
    {"azureFile", "accountName accountKey accessMode shareName"},
    {0}};

/* One path component each. */
static bool share_name_valid(const char *text)
{
    return *text && strlen(text) <= NAME_MAX_LEN && value_only(text, "-");
}

static bool storage_check(const json_t *body, const char *name, struct azure_reply *reply)
{
    struct member_problem problem;
    const json_t *file = json_object_get(json_object_get(body, "properties"), "azureFile");
    const char *mode = value_string(file, "accessMode");
    if (!members_check(schemas, body, "storage", true, &problem))
        azure_reply_error(reply, 400, "InvalidRequestContent",
                          "The request content was invalid and could not be deserialized: 'Could "
                          "not find member '%s' on object of type '%s'. Path '%s'.'",
                          problem.name, problem.schema, problem.path);
    else if (!share_name_valid(name) || !share_name_valid(value_string(file, "accountName")) ||
             !share_name_valid(value_string(file, "shareName")))
        azure_reply_error(reply, 400, "InvalidParameterValueInStorage",
                          "The storage's name, accountName or shareName is missing or not valid.");
    else if (!*value_string(file, "accountKey"))
        azure_reply_error(reply, 400, "ManagedEnvironmentStorageAccountKeyRequired",
                          "accountKey is required to link a file share.");
    else if (strcmp(mode, "ReadOnly") != 0 && strcmp(mode, "ReadWrite") != 0)
        azure_reply_error(reply, 400, "InvalidParameterValueInStorage",
                          "accessMode must be ReadOnly or ReadWrite.");
    else
        return true;
    return false;
}

static void storage_put(struct azure *azure, const struct azure_call *call,
                        struct azure_reply *reply)
{
    struct environment *e = azure->environment;
    const char *name = call->part[3];
    if (!is_ours(azure, call->part[2], reply) || !storage_check(call->body, name, reply))
        return;
    pthread_mutex_lock(&e->lock);
    struct storage *s = find(e, name);
    if (!s && e->count >= STORAGES_MAX) {
        azure_reply_error(reply, 400, "QuotaExceeded", "At most %d storages per environment.",
                          STORAGES_MAX);
    } else {
        if (!s) {
            s = NEW(struct storage);
            snprintf(s->name, sizeof s->name, "%s", name);
            LL_PREPEND(e->storages, s);
            e->count++;
        }
        json_decref(s->file);
        s->file =
            json_deep_copy(json_object_get(json_object_get(call->body, "properties"), "azureFile"));
        s->key_fits = storage_account_key_fits(azure, value_string(s->file, "accountName"),
                                               value_string(s->file, "accountKey"));
        json_object_del(s->file, "accountKey"); /* never comes back */
        azure_reply_json(reply, 200, storage_json(e, s));
    }
    pthread_mutex_unlock(&e->lock);
}

static void storage_get(struct azure *azure, const struct azure_call *call,
                        struct azure_reply *reply)
{
    struct environment *e = azure->environment;
    if (!is_ours(azure, call->part[2], reply))
        return;
    pthread_mutex_lock(&e->lock);
    const struct storage *s = find(e, call->part[3]);
    if (s)
        azure_reply_json(reply, 200, storage_json(e, s));
    else
        azure_reply_error(reply, 404, "ManagedEnvironmentStorageNotFound",
                          "The storage '%s' of the environment '%s' was not found.", call->part[3],
                          e->name);
    pthread_mutex_unlock(&e->lock);
}

/* Not in pages, as the real one. */
static void storage_list(struct azure *azure, const struct azure_call *call,
                         struct azure_reply *reply)
{
    struct environment *e = azure->environment;
    if (!is_ours(azure, call->part[2], reply))
        return;
    json_t *all = json_array();
    pthread_mutex_lock(&e->lock);
    for (const struct storage *s = e->storages; s; s = s->next)
        json_array_append_new(all, storage_json(e, s));
    pthread_mutex_unlock(&e->lock);
    azure_reply_json(reply, 200, json_pack("{s:o}", "value", all));
}

static void storage_delete(struct azure *azure, const struct azure_call *call,
                           struct azure_reply *reply)
{
    struct environment *e = azure->environment;
    if (!is_ours(azure, call->part[2], reply))
        return;
    pthread_mutex_lock(&e->lock);
    struct storage *s = find(e, call->part[3]);
    azure_reply_json(reply, s ? 200 : 204, NULL);
    if (s)
        drop(e, s);
    pthread_mutex_unlock(&e->lock);
}

#define ENVIRONMENTS AZURE_GROUP_PATH AZURE_APP "/managedEnvironments"
#define STORAGES ENVIRONMENTS "/*/storages"
#define ACTION "Microsoft.App/managedEnvironments/"
const struct azure_method environment_methods[] = {
    {"ManagedEnvironments_ListByResourceGroup", "environments.list", "GET", ENVIRONMENTS,
     ACTION "read", environment_list, false},
    {"ManagedEnvironments_Get", "environments.get", "GET", ENVIRONMENTS "/*", ACTION "read",
     environment_get, false},
    {"ManagedEnvironmentsStorages_List", "storages.list", "GET", STORAGES, ACTION "storages/read",
     storage_list, false},
    {"ManagedEnvironmentsStorages_Get", "storages.get", "GET", STORAGES "/*",
     ACTION "storages/read", storage_get, false},
    {"ManagedEnvironmentsStorages_CreateOrUpdate", "storages.put", "PUT", STORAGES "/*",
     ACTION "storages/write", storage_put, false},
    {"ManagedEnvironmentsStorages_Delete", "storages.delete", "DELETE", STORAGES "/*",
     ACTION "storages/delete", storage_delete, false},
    {0}};
