/* SPDX-License-Identifier: Apache-2.0
 * Registries: docker login, distribution inspect. Nothing here is tried twice: a wrong password
 * that is sent again locks accounts. */
#include "backend/api/op.h"
#include "backend/state/backend_internal.h"
#include "backend/image/credential_store.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "oci/name/image_ref.h"
#include "json/json_doc.h"
#include "oci/registry/registry_repo.h"

#include <stdio.h>
#include <string.h>

enum { AUTH_JSON_MAX = 64 * 1024, HOST_SIZE = 256 };

/* ---- docker login ---- */

/* The host that Docker's AuthConfig names. */
static int auth_host(const ProtobufCBinaryData *auth, char host[HOST_SIZE], struct error *err)
{
    if (auth->len > AUTH_JSON_MAX)
        return error_set(err, ERROR_TOO_LARGE, "the login is longer than %d bytes", AUTH_JSON_MAX);
    json_t *doc AUTO(json) = json_doc_load(auth->len ? (char *)auth->data : "", auth->len, err);
    if (!doc)
        return -1;
    return credential_host(json_doc_string(doc, "serveraddress"), host, HOST_SIZE, err);
}

/* A token stands for the password from now on: the password is not kept. */
static int keep_login(struct backend *b, const char *host, const struct registry_login *login,
                      char *identity_token, struct error *err)
{
    struct registry_login kept = *login; /* borrowed parts */
    if (registry_login_empty(login))
        return 0;
    if (!str_empty(identity_token)) {
        kept.password = NULL;
        kept.identity_token = identity_token;
    }
    return credential_store_put(b->credentials, host, &kept, err);
}

static int co_login(struct op *op, char **identity_token, struct error *err)
{
    const ProtobufCBinaryData *auth = &op->request->auth->auth;
    struct backend *b = op->backend;
    char host[HOST_SIZE];
    struct registry_login login AUTO(registry_login) = {0};
    if (auth_host(auth, host, err))
        return -1;
    registry_login_from_json(auth->data, auth->len, &login);
    if (co_registry_check_login(b->registry, host, &login, identity_token, err) ||
        keep_login(b, host, &login, *identity_token, err))
        return -1;
    log_info("logged in", LOG_STR("registry", host));
    return 0;
}

void co_op_auth(struct op *op)
{
    struct error err;
    char *identity_token = NULL;
    int rc = co_login(op, &identity_token, &err);
    /* The call's arena holds the request until it is answered. */
    if (op->request->auth->auth.len)
        explicit_bzero(op->request->auth->auth.data, op->request->auth->auth.len);
    if (rc) {
        registry_secret_free(identity_token);
        op_fail(op, &err);
        return;
    }
    Sockerless__AuthReply auth = SOCKERLESS__AUTH_REPLY__INIT;
    auth.status = (char *)"Login Succeeded";
    auth.identity_token = identity_token ? identity_token : (char *)"";
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    reply.result_case = SOCKERLESS__REPLY__RESULT_AUTH;
    reply.auth = &auth;
    op_reply(op, &reply);
    registry_secret_free(identity_token);
}

/* ---- distribution inspect ---- */

static void add_platform(Sockerless__DistributionReply *out, json_t *from, struct arena *arena)
{
    Sockerless__PlatformName *name = arena_alloc(arena, sizeof *name);
    sockerless__platform_name__init(name);
    name->os = arena_strdup(arena, str_or_empty(json_doc_string(from, "os")));
    name->architecture = arena_strdup(arena, str_or_empty(json_doc_string(from, "architecture")));
    name->variant = arena_strdup(arena, str_or_empty(json_doc_string(from, "variant")));
    out->platforms[out->n_platforms++] = name;
}

/* As written, not normalised: that is why the document is looked at once more. */
static int index_platforms(const struct registry_manifest *found, struct arena *arena,
                           Sockerless__DistributionReply *out, struct error *err)
{
    json_t *doc AUTO(json) = json_doc_load(found->bytes, found->len, err);
    if (!doc)
        return -1;
    json_t *entries = json_object_get(doc, "manifests");
    out->platforms = arena_alloc(arena, (json_array_size(entries) + 1) * sizeof *out->platforms);
    for (size_t i = 0; i < json_array_size(entries); i++)
        add_platform(out, json_object_get(json_array_get(entries, i), "platform"), arena);
    return 0;
}

/* dockerd goes without when the configuration cannot be had. */
static void co_config_platform(struct registry_repo *repo, const struct manifest *m,
                               struct arena *arena, Sockerless__DistributionReply *out)
{
    void *config;
    size_t len;
    struct error ignored;
    if (co_registry_blob_get(repo, m->config.digest, m->config.size, REGISTRY_CONFIG_MAX, arena,
                             &config, &len, &ignored))
        return;
    json_t *doc AUTO(json) = json_doc_load(config, len, &ignored);
    if (!json_doc_string(doc, "os") && !json_doc_string(doc, "architecture"))
        return;
    out->platforms = arena_alloc(arena, sizeof *out->platforms);
    add_platform(out, doc, arena);
}

/* dockerd says here what the registry said, without the reference in front. */
static int not_found_words(struct error *err)
{
    static const char mark[] = " not found: ";
    const char *words = strstr(err->message, mark);
    if (err->code == ERROR_NOT_FOUND && str_starts(err->message, "manifest for ") && words)
        memmove(err->message, words + sizeof mark - 1, strlen(words + sizeof mark - 1) + 1);
    return -1;
}

static int co_describe(struct op *op, struct registry_repo *repo, const struct image_ref *ref,
                       Sockerless__DistributionReply *out, struct error *err)
{
    struct registry_manifest found;
    struct manifest m;
    if (co_registry_manifest_get(repo, ref->digest[0] ? ref->digest : ref->tag, op->arena, &found,
                                 err))
        return not_found_words(err);
    if (manifest_parse(found.bytes, found.len, found.media_type, op->arena, &m, err))
        return -1;
    out->media_type = found.media_type;
    out->digest = arena_strdup(op->arena, found.digest);
    out->size = (int64_t)found.len;
    if (m.is_index)
        return index_platforms(&found, op->arena, out, err);
    co_config_platform(repo, &m, op->arena, out);
    return 0;
}

static int co_distribution(struct op *op, Sockerless__DistributionReply *out, struct error *err)
{
    const Sockerless__DistributionRequest *request = op->request->distribution;
    struct image_ref ref;
    struct registry_repo *repo;
    if (image_ref_parse_any(request->ref, &ref, err))
        return -1;
    if (image_ref_is_id(&ref))
        return error_set(err, ERROR_INVALID_PARAMETER, "no manifest found for full image ID");
    image_ref_default_tag(&ref);
    struct registry_repo_options options = {
        .ref = &ref,
        .auth_json = request->registry_auth.data,
        .auth_json_len = request->registry_auth.len,
        .login = co_backend_login,
        .login_arg = op->backend,
    };
    if (registry_repo_open(op->backend->registry, &options, &repo, err))
        return -1;
    int rc = co_describe(op, repo, &ref, out, err);
    registry_repo_close(repo);
    return rc;
}

void co_op_distribution(struct op *op)
{
    Sockerless__DistributionReply found = SOCKERLESS__DISTRIBUTION_REPLY__INIT;
    ProtobufCBinaryData *auth = &op->request->distribution->registry_auth;
    struct error err;
    int rc = co_distribution(op, &found, &err);
    if (auth->len)
        explicit_bzero(auth->data, auth->len);
    if (rc) {
        op_fail(op, &err);
        return;
    }
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    reply.result_case = SOCKERLESS__REPLY__RESULT_DISTRIBUTION;
    reply.distribution = &found;
    op_reply(op, &reply);
}
