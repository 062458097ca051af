/* SPDX-License-Identifier: Apache-2.0
 * Where a registry is really asked; see registry_hosts.h. */
#include "oci/registry/registry_hosts.h"

#include "base/alloc.h"
#include "base/str.h"
#include "loop/http_url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct mirror {
    char *domain;
    struct registry_endpoint endpoint;
};

struct registry_hosts {
    struct mirror *mirrors; /* and endpoints */
    size_t mirror_count;
    struct strv insecure;
};

static bool host_valid(const char *host)
{
    return *host && strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789.-_:[]") == strlen(host);
}

/* "http[s]://host[:port][/prefix]" */
static bool endpoint_parse(const char *url, struct registry_endpoint *out)
{
    *out = (struct registry_endpoint){.is_mirror = true, .is_plain = str_starts(url, "http://")};
    if (!out->is_plain && !str_starts(url, "https://"))
        return false;
    const char *host = strstr(url, "://") + 3;
    size_t n = strcspn(host, "/");
    if (n >= sizeof out->host)
        return false;
    memcpy(out->host, host, n);
    snprintf(out->base, sizeof out->base, "%s://%s", out->is_plain ? "http" : "https", out->host);
    const char *path = host + n;
    path += strspn(path, "/");
    size_t len = strlen(path);
    while (len && path[len - 1] == '/')
        len--;
    if (len + 2 > sizeof out->prefix)
        return false;
    if (len)
        snprintf(out->prefix, sizeof out->prefix, "%.*s/", (int)len, path);
    return host_valid(out->host) && strspn(out->prefix, "abcdefghijklmnopqrstuvwxyz0123456789"
                                                        "._-/") == strlen(out->prefix);
}

static int add_mirror(struct registry_hosts *h, char *item, bool is_endpoint, struct error *err)
{
    struct mirror m = {0};
    char *equals = strchr(item, '=');
    if (equals)
        *equals = '\0';
    if (!equals || !host_valid(item) || !endpoint_parse(equals + 1, &m.endpoint))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "--registry-%ss: \"%.200s%s%.200s\": expected "
                         "HOST=http[s]://HOST[:PORT][/PREFIX]",
                         is_endpoint ? "endpoint" : "mirror", item, equals ? "=" : "",
                         equals ? equals + 1 : "");
    if (is_endpoint) /* so it is no mirror, as little as "localhost:5000=https://localhost:5000" */
        snprintf(m.endpoint.host, sizeof m.endpoint.host, "%s", item);
    m.domain = xstrdup(item);
    size_t at = is_endpoint ? 0 : h->mirror_count; /* the first that fits is taken */
    h->mirrors = xrealloc(h->mirrors, (h->mirror_count + 1) * sizeof *h->mirrors);
    memmove(h->mirrors + at + 1, h->mirrors + at, (h->mirror_count - at) * sizeof *h->mirrors);
    h->mirrors[at] = m;
    h->mirror_count++;
    return 0;
}

static int add_list(struct registry_hosts *h, const char *list, bool is_endpoint, struct error *err)
{
    AUTO(strv) struct strv items = STRV_INIT;
    strv_push_list(&items, list);
    for (size_t i = 0; i < items.count; i++)
        if (add_mirror(h, items.items[i], is_endpoint, err))
            return -1;
    return 0;
}

static int add_insecure(struct registry_hosts *h, const char *list, struct error *err)
{
    strv_push_list(&h->insecure, list);
    for (size_t i = 0; i < h->insecure.count; i++)
        if (!host_valid(h->insecure.items[i]))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "--insecure-registries: \"%.200s\" is not HOST[:PORT]; give hosts "
                             "without scheme and path",
                             h->insecure.items[i]);
    return 0;
}

int registry_hosts_add_endpoints(struct registry_hosts *h, const char *endpoints, struct error *err)
{
    return add_list(h, endpoints, true, err);
}

int registry_hosts_parse(const char *mirrors, const char *insecure, struct registry_hosts **out,
                         struct error *err)
{
    struct registry_hosts *h = NEW(struct registry_hosts);
    if (add_list(h, mirrors, false, err) || add_insecure(h, insecure, err)) {
        registry_hosts_free(h);
        return -1;
    }
    *out = h;
    return 0;
}

void registry_hosts_free(struct registry_hosts *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < h->mirror_count; i++)
        free(h->mirrors[i].domain);
    free(h->mirrors);
    strv_free(&h->insecure);
    free(h);
}

static bool is_loopback(const char *domain)
{
    char host[64];
    size_t n = *domain == '[' ? strcspn(domain, "]") + 1 : strcspn(domain, ":");
    if (n >= sizeof host)
        return false;
    memcpy(host, domain, n);
    host[n] = '\0';
    return http_host_is_loopback(host);
}

/* An entry without a port stands for every port of the host. */
static bool is_insecure(const struct registry_hosts *h, const char *domain)
{
    for (size_t i = 0; i < h->insecure.count; i++) {
        const char *entry = h->insecure.items[i];
        size_t n = strlen(entry);
        if (strncasecmp(domain, entry, n) == 0 && (domain[n] == '\0' || domain[n] == ':'))
            return true;
    }
    return false;
}

/* "localhost:5000=https://localhost:5000" only says how it is reached: that is not a mirror. */
static const struct mirror *find_mirror(const struct registry_hosts *h, const char *domain,
                                        bool itself)
{
    for (size_t i = 0; i < h->mirror_count; i++)
        if (strcasecmp(h->mirrors[i].domain, domain) == 0 &&
            (!itself || strcasecmp(h->mirrors[i].endpoint.host, domain) == 0))
            return &h->mirrors[i];
    return NULL;
}

static void find(const struct registry_hosts *h, const char *domain, bool itself,
                 struct registry_endpoint *out)
{
    const struct mirror *m = find_mirror(h, domain, itself);
    if (m) {
        *out = m->endpoint;
        out->is_mirror = strcasecmp(out->host, domain) != 0;
        return;
    }
    *out = (struct registry_endpoint){.is_plain = is_loopback(domain) || is_insecure(h, domain)};
    if (strcmp(domain, "docker.io") == 0)
        domain = "registry-1.docker.io";
    snprintf(out->host, sizeof out->host, "%s", domain);
    snprintf(out->base, sizeof out->base, "%s://%s", out->is_plain ? "http" : "https", out->host);
}

void registry_hosts_find(const struct registry_hosts *h, const char *domain,
                         struct registry_endpoint *out)
{
    find(h, domain, false, out);
}

void registry_hosts_find_itself(const struct registry_hosts *h, const char *domain,
                                struct registry_endpoint *out)
{
    find(h, domain, true, out);
}
