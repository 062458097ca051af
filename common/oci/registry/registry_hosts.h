/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a registry is really asked: mirrors, other addresses, plain http, docker.io's other name.
 */
#ifndef SOCKERLESS_OCI_REGISTRY_HOSTS_H
#define SOCKERLESS_OCI_REGISTRY_HOSTS_H

#include "base/error.h"

#include <stdbool.h>

struct registry_hosts;

struct registry_endpoint {
    char base[320];   /* "https://registry-1.docker.io", without a slash at the end */
    char host[264];   /* what credentials belong to: host and port of it, or the registry's name */
    char prefix[128]; /* "" or "dockerhub/": a mirror's path goes before the repository's name */
    bool is_mirror;   /* another host than the reference names */
    bool is_plain;    /* http */
};

/* mirrors: "docker.io=http://127.0.0.1:5000,ghcr.io=https://cache.example/ghcr"; a mirror stands in
 * for the registry, which itself is not asked. insecure: "10.0.0.1:5000,reg.local" are spoken to by
 * plain http, as loopback always is. Either may be NULL. Owned: registry_hosts_free. */
int registry_hosts_parse(const char *mirrors, const char *insecure, struct registry_hosts **out,
                         struct error *err) MUST_CHECK;
/* endpoints, in the same form: the registry itself, only spoken to at another address (a private
 * endpoint, a simulator). Unlike a mirror it gets the name's credentials and what is pushed. Comes
 * before a mirror of that name. NULL: none. */
int registry_hosts_add_endpoints(struct registry_hosts *h, const char *endpoints,
                                 struct error *err) MUST_CHECK;
void registry_hosts_free(struct registry_hosts *h);

/* domain: of an image_ref. */
void registry_hosts_find(const struct registry_hosts *h, const char *domain,
                         struct registry_endpoint *out);
/* The registry itself, for pushes and logins. */
void registry_hosts_find_itself(const struct registry_hosts *h, const char *domain,
                                struct registry_endpoint *out);

#endif
