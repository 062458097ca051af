/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry client, and with it one image: manifest, index entry if need be, configuration; see
 * registry.h. The requests are registry_repo.h's.
 */
#include "oci/registry/registry.h"

#include "base/alloc.h"
#include "base/str.h"
#include "oci/name/digest.h"
#include "oci/document/image_config.h"
#include "oci/registry/registry_internal.h"
#include "oci/registry/registry_retry.h"

#include <string.h>

enum { INDEX_DEPTH_MAX = 3, DEFAULT_TIMEOUT_MS = 30000 };

/* One co_registry_fetch_image under way. */
struct fetch {
    const struct registry_fetch *what;
    struct registry_repo *repo;
    struct platform platform;
    bool platform_asked;
    struct arena *arena;
    struct registry_image *out;
};

int registry_client_open(struct http_client *http, const struct registry_options *options,
                         struct registry_client **out, struct error *err)
{
    struct registry_client *c = NEW(struct registry_client);
    c->http = http;
    c->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
    c->backoff_ms = options->backoff_ms > 0 ? options->backoff_ms : RETRY_BACKOFF_MS;
    const char *platform = str_empty(options->platform) ? "linux/amd64" : options->platform;
    if (platform_parse(platform, &c->platform, err) ||
        registry_hosts_parse(options->mirrors, options->insecure, &c->hosts, err) ||
        registry_hosts_add_endpoints(c->hosts, options->endpoints, err)) {
        registry_hosts_free(c->hosts);
        free(c);
        return -1;
    }
    c->auth = registry_auth_new();
    c->ca_file = str_empty(options->ca_file) ? NULL : xstrdup(options->ca_file);
    *out = c;
    return 0;
}

void registry_client_close(struct registry_client *c)
{
    if (!c)
        return;
    registry_hosts_free(c->hosts);
    registry_auth_free(c->auth);
    free(c->ca_file);
    free(c);
}

/* ---- the image ---- */

static int co_manifest_get(struct fetch *f, const char *reference, int64_t size,
                           struct registry_manifest *raw, struct manifest *out, struct error *err)
{
    if (co_registry_manifest_get(f->repo, reference, f->arena, raw, err))
        return -1;
    if (size >= 0 && (uint64_t)size != raw->len)
        return error_set(err, ERROR_SYSTEM,
                         "verification failed: manifests %.140s has %zu bytes instead of %lld",
                         reference, raw->len, (long long)size);
    const char *type = str_empty(raw->media_type) ? NULL : raw->media_type;
    return manifest_parse(raw->bytes, raw->len, type, f->arena, out, err);
}

/* From the reference to the one manifest for our platform, through indexes. */
static int co_find_manifest(struct fetch *f, struct manifest *out, struct error *err)
{
    const struct image_ref *ref = f->what->ref;
    const char *tag = ref->tag[0] ? ref->tag : "latest";
    struct registry_manifest raw;
    if (co_manifest_get(f, ref->digest[0] ? ref->digest : tag, -1, &raw, out, err))
        return -1;
    f->out->manifest_digest = arena_strdup(f->arena, raw.digest);
    for (int depth = 0; out->is_index; depth++) {
        const struct descriptor *next;
        if (depth == INDEX_DEPTH_MAX)
            return error_set(err, ERROR_INVALID_PARAMETER, "indexes nested deeper than %d",
                             INDEX_DEPTH_MAX);
        if (manifest_select(out, &f->platform, &next, err) ||
            co_manifest_get(f, next->digest, next->size, &raw, out, err))
            return -1;
    }
    f->out->platform_digest = arena_strdup(f->arena, raw.digest);
    f->out->raw_manifest = raw.bytes;
    f->out->raw_manifest_len = raw.len;
    /* Docker's manifests say what they are; one that came without a type of its own is OCI's. */
    f->out->manifest_type =
        str_starts(raw.media_type, "application/vnd.")
            ? raw.media_type
            : arena_strdup(f->arena, "application/vnd.oci.image.manifest.v1+json");
    return 0;
}

static int check_platform(struct fetch *f, const Sockerless__Image *image, struct error *err)
{
    struct platform actual;
    platform_set(&actual, image->os, image->architecture, image->variant);
    if (!f->platform_asked || platform_rank(&f->platform, &actual))
        return 0;
    char name[IMAGE_REF_TEXT_MAX], wanted[PLATFORM_TEXT_MAX], has[PLATFORM_TEXT_MAX];
    return error_set(err, ERROR_NOT_FOUND,
                     "image with reference %s was found but does not match the specified "
                     "platform: wanted %s, actual: %s",
                     image_ref_familiar(f->what->ref, name, sizeof name),
                     platform_text(&f->platform, wanted), platform_text(&actual, has));
}

static int co_config_get(struct fetch *f, const struct manifest *m, struct error *err)
{
    struct registry_image *out = f->out;
    if (m->config.size > REGISTRY_CONFIG_MAX)
        return error_set(err, ERROR_TOO_LARGE, "the image's configuration is larger than %d bytes",
                         REGISTRY_CONFIG_MAX);
    if (co_registry_blob_get(f->repo, m->config.digest, m->config.size, REGISTRY_CONFIG_MAX,
                             f->arena, &out->raw_config, &out->raw_config_len, err))
        return -1;
    return image_config_parse(out->raw_config, out->raw_config_len, f->arena, &out->image, err);
}

static int co_fetch_run(struct fetch *f, struct error *err)
{
    struct registry_image *out = f->out;
    struct manifest m;
    if (co_find_manifest(f, &m, err) || co_config_get(f, &m, err))
        return -1;
    if (out->image->n_diff_ids && out->image->n_diff_ids != m.layer_count)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "layers from manifest don't match image configuration");
    if (check_platform(f, out->image, err))
        return -1;
    out->layers = m.layers;
    out->layer_count = m.layer_count;
    out->size = m.layers_size;
    out->image->size = m.layers_size;
    out->image->id = arena_strdup(f->arena, m.config.digest);
    return 0;
}

int co_registry_fetch_image(struct registry_client *c, const struct registry_fetch *what,
                            struct arena *arena, struct registry_image *out, struct error *err)
{
    *out = (struct registry_image){0};
    struct fetch f = {.what = what, .arena = arena, .out = out, .platform = c->platform};
    f.platform_asked = !str_empty(what->platform);
    if (f.platform_asked && platform_parse(what->platform, &f.platform, err))
        return -1;
    struct registry_repo_options options = {
        .ref = what->ref,
        .auth_json = what->auth_json,
        .auth_json_len = what->auth_json_len,
        .login = what->login,
        .login_arg = what->login_arg,
    };
    if (registry_repo_open(c, &options, &f.repo, err))
        return -1;
    int rc = co_fetch_run(&f, err);
    registry_repo_close(f.repo);
    return rc;
}
