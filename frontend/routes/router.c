/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the handler of a request; see router.h. Runs as soon as the head is complete, so that the
 * body can be kept or dropped as the route requires.
 */
#include "frontend/routes/router.h"

#include "base/str.h"
#include "frontend/http/reply.h"
#include "frontend/json/version.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- pseudo routes ---- */

static void handle_not_found(struct exchange *x)
{
    x->plain = true;
    reply_error(x, 404, "page not found");
}

static void handle_options(struct exchange *x)
{
    reply_empty(x, 200);
}

static void handle_too_new(struct exchange *x)
{
    reply_error(x, 400,
                "client version %s is too new. Maximum supported API version is " API_VERSION_MAX,
                x->arg);
}

static void handle_too_old(struct exchange *x)
{
    reply_text(x, 400, "",
               arena_printf(&x->arena,
                            "client version %s is too old. Minimum supported API version "
                            "is " API_VERSION_MIN
                            ", please upgrade your client to a newer version\n",
                            x->arg));
}

/* dockerd looks where it uses the query; here no handler has to. */
static void handle_broken_query(struct exchange *x)
{
    reply_error(x, 400, "%s", x->query.broken);
}

/* Go's mux redirects to the cleaned path. */
static void handle_redirect(struct exchange *x)
{
    x->plain = true;
    const char *location = arena_printf(&x->arena, "Location: %s\r\n", x->arg);
    reply_text(x, 301, location, "");
}

static const struct http_handler not_found = {.handle = handle_not_found};
static const struct http_handler broken_query = {.handle = handle_broken_query};
static const struct http_handler options = {.handle = handle_options};
static const struct http_handler too_new = {.handle = handle_too_new};
static const struct http_handler too_old = {.handle = handle_too_old};
static const struct http_handler redirect = {.handle = handle_redirect};

/* ---- path ---- */

/* Removes "//", "/./" and "/../" segments; a slash at the end stays. True if anything changed. */
static bool path_clean(struct arena *a, const char *path, size_t len, const char **out)
{
    char *clean = arena_alloc(a, len + 2);
    size_t n = 0, i = 0;
    while (i < len) {
        while (i < len && path[i] == '/')
            i++;
        size_t start = i;
        while (i < len && path[i] != '/')
            i++;
        size_t seg = i - start;
        if (!seg || (seg == 1 && path[start] == '.'))
            continue;
        if (seg == 2 && path[start] == '.' && path[start + 1] == '.') {
            while (n && clean[--n] != '/')
                ;
            continue;
        }
        clean[n++] = '/';
        memcpy(clean + n, path + start, seg);
        n += seg;
    }
    if (!n || path[len - 1] == '/')
        clean[n++] = '/';
    clean[n] = '\0';
    *out = clean;
    return n != len || memcmp(clean, path, len) != 0;
}

/* What may stand in a path as it is; the rest is written as %XX. */
static const char *path_encode(struct arena *a, const char *path, const char *query)
{
    size_t len = strlen(path), n = 0;
    char *out = arena_alloc(a, 3 * len + 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)path[i];
        if (isalnum(c) || strchr("/-_.~$&+,:;=@!'()", c)) {
            out[n++] = (char)c;
            continue;
        }
        static const char digits[] = "0123456789ABCDEF";
        out[n++] = '%';
        out[n++] = digits[c >> 4];
        out[n++] = digits[c & 15];
    }
    out[n] = '\0';
    return str_empty(query) ? out : arena_printf(a, "%s?%s", out, query);
}

/* ---- version ---- */

/* Versions compare number by number, missing ones counting 0, as moby's versions package does. */
static int version_compare(const char *a, const char *b)
{
    while (*a || *b) {
        unsigned long na = strtoul(a, (char **)(uintptr_t)&a, 10);
        unsigned long nb = strtoul(b, (char **)(uintptr_t)&b, 10);
        if (na != nb)
            return na < nb ? -1 : 1;
        a += *a == '.';
        b += *b == '.';
    }
    return 0;
}

/* Length of a "/v1.44" prefix followed by a slash, 0 without. */
static size_t version_prefix(const char *path)
{
    if (path[0] != '/' || path[1] != 'v')
        return 0;
    size_t digits = strspn(path + 2, "0123456789.");
    return digits && path[2 + digits] == '/' ? 2 + digits : 0;
}

static const struct http_handler *version_check(struct exchange *x, const char *version)
{
    x->arg = version;
    if (strlen(version) > 16 || version_compare(version, API_VERSION_MAX) > 0) {
        x->arg = arena_strndup(&x->arena, version, strnlen(version, 32));
        return &too_new;
    }
    if (version_compare(version, API_VERSION_MIN) < 0)
        return &too_old;
    const char *dot = strchr(version, '.');
    x->api = dot ? (unsigned)strtoul(dot + 1, NULL, 10) : 0;
    return NULL;
}

/* ---- table ---- */

static bool route_matches(const struct route *r, struct exchange *x)
{
    size_t prefix = strlen(r->prefix);
    if (r->method != x->method || x->path_len < prefix || memcmp(x->path, r->prefix, prefix) != 0)
        return false;
    if (!r->suffix)
        return x->path_len == prefix;
    size_t suffix = strlen(r->suffix);
    if (x->path_len < prefix + suffix ||
        memcmp(x->path + x->path_len - suffix, r->suffix, suffix) != 0)
        return false;
    x->arg = arena_strndup(&x->arena, x->path + prefix, x->path_len - prefix - suffix);
    return true;
}

static const struct http_handler *route_find(struct exchange *x)
{
    for (const struct route *r = route_table; r->prefix; r++)
        if (route_matches(r, x))
            return &r->handler;
    return &not_found;
}

const struct http_handler *router_resolve(struct exchange *x)
{
    const char *target = x->target, *clean;
    x->api = API_MINOR_MAX;
    if (strncasecmp(target, "http://", 7) == 0) { /* absolute form */
        target += 7;
        target += strcspn(target, "/?");
        if (*target != '/')
            target = "/";
    }
    if (target[0] != '/')
        return NULL;
    size_t raw = strcspn(target, "?#"), len;
    const char *question = target[raw] == '?' ? target + raw + 1 : "";
    char *path = query_decode(&x->arena, target, raw, false, &len);
    if (!path)
        return NULL;
    query_parse(&x->query, &x->arena, question);
    x->path = path;
    x->path_len = len;
    if (x->method == HTTP_OPTIONS)
        return &options;
    if (path_clean(&x->arena, path, len, &clean)) {
        x->arg = path_encode(&x->arena, clean, question);
        return &redirect;
    }
    size_t prefix = version_prefix(path);
    x->path += prefix;
    x->path_len -= prefix;
    const struct http_handler *found = route_find(x);
    if (prefix && found != &not_found) {
        const char *arg = x->arg;
        const struct http_handler *bad =
            version_check(x, arena_strndup(&x->arena, path + 2, prefix - 2));
        if (bad)
            return bad;
        x->arg = arg;
    }
    return x->query.broken && found != &not_found ? &broken_query : found;
}

/* The headers are what moby's version middleware puts on every routed answer. */
const struct http_service router_service = {
    .resolve = router_resolve,
    .headers = "Api-Version: " API_VERSION_MAX "\r\nDocker-Experimental: false\r\n"
               "Ostype: linux\r\nServer: Sockerless/" SOCKERLESS_VERSION " (linux)\r\n",
};
