/* SPDX-License-Identifier: Apache-2.0
 * Registry client; see registry.h. One fetch: manifest, index entry if need be, configuration. */
#include "oci/registry.h"

#include "base/alloc.h"
#include "base/str.h"
#include "oci/digest.h"
#include "oci/image_config.h"
#include "oci/registry_error.h"
#include "oci/registry_hosts.h"

#include <stdio.h>
#include <string.h>

enum { INDEX_DEPTH_MAX = 3, URL_MAX = 1200 };

struct registry_client {
    struct http_client *http;
    struct registry_hosts *hosts;
    struct registry_auth *auth;
    char *ca_file;
    struct platform platform;
    int64_t timeout_ms;
};

/* One co_registry_fetch_image under way. */
struct fetch {
    struct registry_client *client;
    const struct registry_fetch *what;
    struct registry_endpoint endpoint;
    char repository[128 + IMAGE_REF_NAME_MAX + 1];
    struct auth_session session;
    struct platform platform;
    bool platform_asked;
    bool reached; /* the registry has answered something */
    struct arena *arena;
    struct registry_image *out;
};

int registry_client_open(struct http_client *http, const struct registry_options *options,
                         struct registry_client **out, struct error *err)
{
    struct registry_client *c = NEW(struct registry_client);
    c->http = http;
    c->timeout_ms = options->timeout_ms;
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

/* ---- one document ---- */

struct document {
    const char *kind;      /* "manifests", "blobs" */
    const char *reference; /* tag or digest */
    const char *digest;    /* expected; NULL: by tag */
    int64_t size;          /* expected; -1: unknown */
    const char *accept;
    size_t max;
};

static int co_exchange(struct fetch *f, const struct document *d, const char *url,
                       struct http_response *res, struct error *err)
{
    char *value AUTO_FREE = auth_session_value(&f->session);
    char *authorization AUTO_FREE = value ? xasprintf("Authorization: %s", value) : NULL;
    char *accept AUTO_FREE = xasprintf("Accept: %s", d->accept);
    const char *headers[] = {accept, authorization, NULL};
    struct http_request req = {
        .url = url,
        .headers = headers,
        .ca_file = f->client->ca_file,
        .timeout_ms = f->client->timeout_ms,
        .max_body = d->max,
        .follow_redirects = true,
    };
    if (co_http_do(f->client->http, &req, res, err) == 0) {
        f->reached = true;
        return 0;
    }
    /* As Docker: 500 with Go's text; 503 would say that the daemon itself is not there. */
    if (err->code == ERROR_UNAVAILABLE || err->code == ERROR_DEADLINE)
        err->code = ERROR_SYSTEM;
    return f->reached ? error_wrap(err, "Get \"%s\"", url)
                      : error_wrap(err, "Get \"%s/v2/\"", f->endpoint.base);
}

static int check_document(const struct document *d, const struct http_response *res,
                          struct error *err)
{
    const char *bytes = res->body.data ? res->body.data : "";
    if (d->size >= 0 && (uint64_t)d->size != res->body.len)
        return error_set(err, ERROR_SYSTEM,
                         "verification failed: %s %.140s has %zu bytes instead of %lld", d->kind,
                         d->reference, res->body.len, (long long)d->size);
    if (d->digest)
        return digest_verify(d->digest, bytes, res->body.len, err);
    const char *said = http_response_header(res, "Docker-Content-Digest");
    return said && digest_valid(said) ? digest_verify(said, bytes, res->body.len, err) : 0;
}

/* The caller releases *res in every case. */
static int co_document_get(struct fetch *f, const struct document *d, struct http_response *res,
                           struct error *err)
{
    char url[URL_MAX];
    snprintf(url, sizeof url, "%s/v2/%s/%s/%s", f->endpoint.base, f->repository, d->kind,
             d->reference);
    if (co_exchange(f, d, url, res, err))
        return -1;
    if (res->status == 401) {
        if (co_auth_session_answer(&f->session, res, url, err))
            return -1;
        http_response_free(res);
        if (co_exchange(f, d, url, res, err))
            return -1;
    }
    if (res->status != 200)
        return registry_error_set(err, res, f->what->ref, f->session.denied);
    return check_document(d, res, err);
}

/* ---- the image ---- */

static int co_manifest_get(struct fetch *f, const char *reference, const char *digest, int64_t size,
                           struct manifest *out, char digest_out[DIGEST_MAX], struct error *err)
{
    struct document d = {.kind = "manifests",
                         .reference = reference,
                         .digest = digest,
                         .size = size,
                         .accept = MANIFEST_ACCEPT,
                         .max = REGISTRY_MANIFEST_MAX};
    struct http_response res AUTO(http_response) = {0};
    if (co_document_get(f, &d, &res, err))
        return -1;
    if (digest)
        snprintf(digest_out, DIGEST_MAX, "%s", digest);
    else
        digest_sha256(res.body.data ? res.body.data : "", res.body.len, digest_out);
    return manifest_parse(res.body.data ? res.body.data : "", res.body.len,
                          http_response_header(&res, "Content-Type"), f->arena, out, err);
}

/* From the reference to the one manifest for our platform, through indexes. */
static int co_find_manifest(struct fetch *f, struct manifest *out, struct error *err)
{
    const struct image_ref *ref = f->what->ref;
    const char *digest = ref->digest[0] ? ref->digest : NULL;
    const char *tag = ref->tag[0] ? ref->tag : "latest";
    char found[DIGEST_MAX];
    if (co_manifest_get(f, digest ? digest : tag, digest, -1, out, found, err))
        return -1;
    f->out->manifest_digest = arena_strdup(f->arena, found);
    for (int depth = 0; out->is_index; depth++) {
        const struct descriptor *next;
        if (depth == INDEX_DEPTH_MAX)
            return error_set(err, ERROR_INVALID_PARAMETER, "indexes nested deeper than %d",
                             INDEX_DEPTH_MAX);
        if (manifest_select(out, &f->platform, &next, err) ||
            co_manifest_get(f, next->digest, next->digest, next->size, out, found, err))
            return -1;
    }
    f->out->platform_digest = arena_strdup(f->arena, found);
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
    struct document d = {.kind = "blobs",
                         .reference = m->config.digest,
                         .digest = m->config.digest,
                         .size = m->config.size,
                         .accept = "*/*",
                         .max = REGISTRY_CONFIG_MAX};
    if (m->config.size > REGISTRY_CONFIG_MAX)
        return error_set(err, ERROR_TOO_LARGE, "the image's configuration is larger than %d bytes",
                         REGISTRY_CONFIG_MAX);
    struct http_response res AUTO(http_response) = {0};
    if (co_document_get(f, &d, &res, err))
        return -1;
    out->raw_config_len = res.body.len;
    out->raw_config = arena_strndup(f->arena, res.body.data ? res.body.data : "", res.body.len);
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

static int fetch_open(struct fetch *f, struct error *err)
{
    const struct registry_fetch *what = f->what;
    f->platform = f->client->platform;
    f->platform_asked = !str_empty(what->platform);
    if (f->platform_asked && platform_parse(what->platform, &f->platform, err))
        return -1;
    registry_hosts_find(f->client->hosts, what->ref->domain, &f->endpoint);
    snprintf(f->repository, sizeof f->repository, "%s%s", f->endpoint.prefix, what->ref->path);
    f->session = (struct auth_session){
        .http = f->client->http,
        .auth = f->client->auth,
        .endpoint = &f->endpoint,
        .repository = f->repository,
        .ref = what->ref,
        .ca_file = f->client->ca_file,
        .timeout_ms = f->client->timeout_ms,
        .login_fn = what->login,
        .login_arg = what->login_arg,
    };
    /* What the client sent is for the registry it named, not for whoever mirrors it. */
    if (!f->endpoint.is_mirror)
        registry_login_from_json(what->auth_json, what->auth_json_len, &f->session.login);
    auth_session_open(&f->session);
    return 0;
}

int co_registry_fetch_image(struct registry_client *c, const struct registry_fetch *what,
                            struct arena *arena, struct registry_image *out, struct error *err)
{
    *out = (struct registry_image){0};
    struct fetch f = {.client = c, .what = what, .arena = arena, .out = out};
    if (image_ref_is_id(what->ref))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "%.140s is an image id: a registry needs a repository's name",
                         what->ref->digest);
    if (fetch_open(&f, err))
        return -1;
    int rc = co_fetch_run(&f, err);
    auth_session_close(&f.session);
    return rc;
}
