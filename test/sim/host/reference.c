/* SPDX-License-Identifier: Apache-2.0
 * Image references; see reference.h. Grammar: distribution/reference. */
#include "test/sim/host/reference.h"

#include "base/alloc.h"
#include "base/str.h"

#include <ctype.h>
#include <string.h>

/* Docker's rule: the first component is a host if it has a dot or colon, or is "localhost". */
static bool is_host(const char *text, size_t len)
{
    return memchr(text, '.', len) || memchr(text, ':', len) ||
           (len == 9 && !memcmp(text, "localhost", 9));
}

static bool is_repository(const char *s)
{
    if (!*s || strlen(s) > 255)
        return false;
    bool start = true; /* of a path component: a letter or digit must come */
    for (; *s; s++) {
        if (islower((unsigned char)*s) || isdigit((unsigned char)*s))
            start = false;
        else if (start)
            return false;
        else if (*s == '/')
            start = true;
        else if (*s != '.' && *s != '_' && *s != '-')
            return false;
    }
    return !start;
}

static bool is_tag(const char *s)
{
    if (!isalnum((unsigned char)*s) && *s != '_')
        return false;
    size_t n = 0;
    for (; s[n]; n++)
        if (!isalnum((unsigned char)s[n]) && !strchr("._-", s[n]))
            return false;
    return n <= 128;
}

static bool is_digest(const char *s)
{
    return str_starts(s, "sha256:") && strlen(s) == 71 && str_is_hex(s + 7, 64);
}

static int fail(struct image_reference *out, const char *text, struct error *err)
{
    image_reference_fini(out);
    return error_set(err, ERROR_INVALID_PARAMETER, "invalid reference format: %s", text);
}

int image_reference_parse(const char *text, struct image_reference *out, struct error *err)
{
    *out = (struct image_reference){0};
    AUTO_FREE char *rest = xstrdup(text);
    char *at = strchr(rest, '@');
    if (at) {
        *at = '\0';
        out->digest = xstrdup(at + 1);
        if (!is_digest(out->digest))
            return fail(out, text, err);
    }
    char *name = rest;
    char *slash = strchr(rest, '/');
    if (slash && is_host(rest, (size_t)(slash - rest))) {
        *slash = '\0';
        out->host = xstrdup(rest);
        name = slash + 1;
    }
    char *colon = strrchr(name, ':');
    if (colon) {
        *colon = '\0';
        if (!is_tag(colon + 1))
            return fail(out, text, err);
        if (!out->digest) /* name:tag@digest: the digest decides */
            out->tag = xstrdup(colon + 1);
    } else if (!out->digest) {
        out->tag = xstrdup("latest");
    }
    if (!is_repository(name))
        return fail(out, text, err);
    if (!out->host || !strcmp(out->host, "index.docker.io")) {
        free(out->host);
        out->host = xstrdup("docker.io");
    }
    bool official = !strcmp(out->host, "docker.io") && !strchr(name, '/');
    out->repository = xasprintf("%s%s", official ? "library/" : "", name);
    return 0;
}

void image_reference_fini(struct image_reference *ref)
{
    free(ref->host);
    free(ref->repository);
    free(ref->tag);
    free(ref->digest);
    *ref = (struct image_reference){0};
}

char *image_reference_text(const struct image_reference *ref)
{
    return xasprintf("%s/%s%s%s", ref->host, ref->repository, ref->digest ? "@" : ":",
                     ref->digest ? ref->digest : ref->tag);
}

static bool is_loopback(const char *host)
{
    return str_starts(host, "127.") || !strcmp(host, "localhost") ||
           str_starts(host, "localhost:") || str_starts(host, "[::1]");
}

char *registry_base_url(const char *mapping, const char *host)
{
    size_t host_len = strlen(host);
    for (const char *p = mapping; p && *p;) {
        size_t len = strcspn(p, ",");
        if (len > host_len && !memcmp(p, host, host_len) && p[host_len] == '=') {
            char *url = xstrndup(p + host_len + 1, len - host_len - 1);
            size_t n = strlen(url);
            while (n && url[n - 1] == '/')
                url[--n] = '\0';
            return url;
        }
        p += len + (p[len] == ',');
    }
    if (is_loopback(host))
        return xasprintf("http://%s", host);
    return xasprintf("https://%s", strcmp(host, "docker.io") ? host : "registry-1.docker.io");
}
