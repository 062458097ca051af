/* SPDX-License-Identifier: Apache-2.0
 * The registry client with a real docker-registry; see docker_rig.h. */
#include "test/kit/docker_rig.h"

struct registry_client *docker_rig_client(struct http_client *http,
                                          const struct docker_registry *at, bool ca)
{
    struct registry_client *c = NULL;
    struct error err;
    char mirrors[128], ca_file[128];
    snprintf(mirrors, sizeof mirrors, "127.0.0.1:%d=%s://127.0.0.1:%d", at->port,
             at->secure ? "https" : "http", at->port);
    snprintf(ca_file, sizeof ca_file, "%s/cert.pem", at->dir);
    struct registry_options options = {.mirrors = mirrors, .ca_file = ca ? ca_file : NULL};
    assert_int_equal(registry_client_open(http, &options, &c, &err), 0);
    return c;
}

struct rig *docker_rig_open(struct docker_registry *at, bool secure)
{
    static const struct registry_options none;
    docker_registry_start(at, secure);
    struct rig *f = registry_rig_open(&none, NULL, NULL);
    registry_client_close(f->registry);
    f->registry = docker_rig_client(f->http, at, secure);
    return f;
}

void docker_rig_close(struct rig *f, struct docker_registry *at)
{
    registry_rig_close(f);
    docker_registry_stop(at);
}
