/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/cloud_registry.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "oci/registry/registry.h"

static const char cloud_config[] =
    "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"serve\"],\"Env\":[\"A=1\"]"
    "},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:"
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]}}";

static bool cloud_registry_token(struct cloud_registry *r, struct mock_request *m)
{
    r->token_requests++;
    snprintf(r->token_request, sizeof r->token_request, "%s\n%s", m->head, m->body);
    if (!strstr(r->token_request, r->wanted))
        return mock_text(m, 401, "",
                         "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"who are you\"}]}");
    return mock_text(m, 200, "", "{\"access_token\":\"let-me-in\",\"expires_in\":300}");
}

static bool cloud_registry_challenge(struct cloud_registry *r, struct mock_request *m)
{
    char header[512];
    r->turned_away++;
    if (r->realm_path)
        snprintf(header, sizeof header,
                 "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:%d%s\",service=\"%s\"\r\n",
                 m->mock->port, r->realm_path, r->host);
    else
        snprintf(header, sizeof header, "WWW-Authenticate: Basic realm=\"%s\"\r\n", r->host);
    return mock_text(m, 401, header,
                     "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"log in\"}]}");
}

static bool cloud_registry_content(struct cloud_registry *r, struct mock_request *m)
{
    char header[512];
    if (strstr(m->path, "/manifests/")) {
        snprintf(header, sizeof header,
                 "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n"
                 "Docker-Content-Digest: %s\r\n",
                 r->manifest_digest);
        return mock_text(m, 200, header, r->manifest);
    }
    if (strstr(m->path, r->config_digest))
        return mock_text(m, 200, "", cloud_config);
    return mock_text(m, 404, "", "{}");
}

static bool cloud_registry_serve(void *arg, struct mock_request *m)
{
    struct cloud_registry *r = arg;
    char path[4096], authorization[4096] = "";
    bool go_on;
    snprintf(path, sizeof path, "%.*s", (int)strcspn(m->path, "?"), m->path);
    mock_header(m, "Authorization", authorization, sizeof authorization);
    pthread_mutex_lock(&r->lock);
    bool known = r->realm_path ? strcmp(authorization, "Bearer let-me-in") == 0
                               : strstr(authorization, r->wanted) != NULL;
    if (r->realm_path && strcmp(path, r->realm_path) == 0) {
        go_on = cloud_registry_token(r, m);
    } else if (!known) {
        go_on = cloud_registry_challenge(r, m);
    } else {
        r->let_in++;
        go_on = cloud_registry_content(r, m);
    }
    pthread_mutex_unlock(&r->lock);
    return go_on;
}

void cloud_registry_start(struct cloud_registry *r)
{
    digest_sha256(cloud_config, strlen(cloud_config), r->config_digest);
    snprintf(r->manifest, sizeof r->manifest,
             "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
             "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":"
             "\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":"
             "\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"sha256:"
             "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\",\"size\":7}]}",
             r->config_digest, strlen(cloud_config));
    digest_sha256(r->manifest, strlen(r->manifest), r->manifest_digest);
    pthread_mutex_init(&r->lock, NULL);
    r->mock = mock_start(cloud_registry_serve, r);
}

void cloud_registry_stop(struct cloud_registry *r)
{
    mock_stop(r->mock);
    pthread_mutex_destroy(&r->lock);
}

/* The registry client asks for the address it really speaks to; here that is loopback. */
static int co_cloud_login(void *arg, const char *host, struct registry_login *out,
                          struct error *err)
{
    struct cloud_login *l = arg;
    struct registry_credentials found = {0};
    (void)host;
    l->asked++;
    if (l->co_credentials(l->arg, l->registry->host, &found, err))
        return -1;
    out->username = found.username;
    out->password = found.password;
    out->identity_token = found.identity_token;
    return 0;
}

int co_cloud_pull(struct harness *h, struct cloud_login *login, struct error *err)
{
    AUTO_FREE char *mirrors =
        xasprintf("%s=http://127.0.0.1:%d", login->registry->host, login->registry->mock->port);
    AUTO_FREE char *name = xasprintf("%s/app/web:1", login->registry->host);
    const struct registry_options options = {.mirrors = mirrors};
    struct registry_client *client;
    struct registry_image image = {0};
    struct image_ref ref;
    struct arena arena;
    if (image_ref_parse(name, &ref, err) || registry_client_open(h->http, &options, &client, err))
        return -1;
    arena_init(&arena);
    const struct registry_fetch fetch = {.ref = &ref, .login = co_cloud_login, .login_arg = login};
    int rc = co_registry_fetch_image(client, &fetch, &arena, &image, err);
    if (rc == 0 && strcmp(image.manifest_digest, login->registry->manifest_digest) != 0)
        rc = error_set(err, ERROR_SYSTEM, "another manifest: %s", image.manifest_digest);
    if (rc == 0 && (image.raw_config_len != strlen(cloud_config) ||
                    memcmp(image.raw_config, cloud_config, image.raw_config_len) != 0))
        rc = error_set(err, ERROR_SYSTEM, "another configuration");
    arena_fini(&arena);
    registry_client_close(client);
    return rc;
}
