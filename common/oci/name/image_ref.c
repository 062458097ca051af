/* SPDX-License-Identifier: Apache-2.0
 *
 * Image references; see image_ref.h. Hand-written from the grammar: each scan_… function takes a
 * cursor, moves it behind what it recognised, and says whether that was anything.
 */
#include "oci/name/image_ref.h"

#include "base/id.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char invalid_format[] = "invalid reference format";

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* domain-component := alnum | alnum (alnum|'-')* alnum */
static bool scan_domain_component(const char **p)
{
    const char *s = *p;
    if (!is_alnum(*s))
        return false;
    while (is_alnum(*s) || *s == '-')
        s++;
    if (s[-1] == '-')
        return false;
    *p = s;
    return true;
}

/* host := component ('.' component)* | '[' (hex|':')+ ']'; then an optional ':' digits */
static bool domain_valid(const char *s)
{
    if (*s == '[') {
        size_t n = strspn(s + 1, "0123456789abcdefABCDEF:");
        if (n == 0 || s[1 + n] != ']')
            return false;
        s += n + 2;
    } else {
        if (!scan_domain_component(&s))
            return false;
        while (*s == '.') {
            s++;
            if (!scan_domain_component(&s))
                return false;
        }
    }
    if (*s == '\0')
        return true;
    return *s == ':' && s[1] && strspn(s + 1, "0123456789") == strlen(s + 1);
}

/* separator := '.' | '_' | '__' | '-'+ */
static bool scan_separator(const char **p)
{
    const char *s = *p;
    if (*s == '-')
        while (*s == '-')
            s++;
    else if (*s == '.')
        s++;
    else if (*s == '_')
        s += s[1] == '_' ? 2 : 1;
    else
        return false;
    *p = s;
    return true;
}

/* path := component ('/' component)*, component := [a-z0-9]+ (separator [a-z0-9]+)* */
static bool path_valid(const char *s)
{
    for (;;) {
        do {
            if (!is_lower_alnum(*s))
                return false;
            while (is_lower_alnum(*s))
                s++;
        } while (scan_separator(&s));
        if (*s == '\0')
            return true;
        if (*s++ != '/')
            return false;
    }
}

bool image_ref_tag_valid(const char *tag)
{
    if (!is_alnum(*tag) && *tag != '_')
        return false;
    size_t n = 0;
    while (is_alnum(tag[n]) || tag[n] == '_' || tag[n] == '.' || tag[n] == '-')
        n++;
    return n <= IMAGE_REF_TAG_MAX && tag[n] == '\0';
}

/* Does the reference start with a registry? Then its length up to the first '/', else 0. */
static size_t domain_length(const char *text)
{
    const char *slash = strchr(text, '/');
    if (!slash)
        return 0;
    size_t n = (size_t)(slash - text);
    if (n == strlen("localhost") && memcmp(text, "localhost", n) == 0)
        return n;
    for (size_t i = 0; i < n; i++)
        if (text[i] == '.' || text[i] == ':' || (text[i] >= 'A' && text[i] <= 'Z'))
            return n;
    return 0;
}

/* out := [from, to), refused when it does not fit. */
static int copy_part(char *out, size_t size, const char *from, const char *to, struct error *err)
{
    size_t n = (size_t)(to - from);
    if (n >= size)
        return error_set(err, ERROR_INVALID_PARAMETER, "%s", invalid_format);
    memcpy(out, from, n);
    out[n] = '\0';
    return 0;
}

static int set_name(struct image_ref *out, const char *text, const char *remainder,
                    const char *name_end, struct error *err)
{
    for (const char *c = remainder; c < name_end; c++)
        if (isupper((unsigned char)*c))
            return error_set(err, ERROR_INVALID_PARAMETER, "%s: repository name must be lowercase",
                             invalid_format);
    bool has_domain = remainder > text;
    const char *domain_end = has_domain ? remainder - 1 : text;
    if (copy_part(out->domain, sizeof out->domain, text, domain_end, err))
        return -1;
    if (!has_domain || strcmp(out->domain, "index.docker.io") == 0)
        strncpy(out->domain, "docker.io", sizeof out->domain); /* and zeros: equal by memcmp */
    bool official = strcmp(out->domain, "docker.io") == 0 &&
                    !memchr(remainder, '/', (size_t)(name_end - remainder));
    size_t prefix = official ? strlen("library/") : 0;
    size_t len = (size_t)(name_end - remainder);
    if (strlen(out->domain) + 1 + prefix + len > IMAGE_REF_NAME_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "%s: repository name must not be more than %d characters", invalid_format,
                         IMAGE_REF_NAME_MAX);
    memcpy(out->path, "library/", prefix);
    memcpy(out->path + prefix, remainder, len);
    out->path[prefix + len] = '\0';
    if (!domain_valid(out->domain) || !path_valid(out->path))
        return error_set(err, ERROR_INVALID_PARAMETER, "%s", invalid_format);
    return 0;
}

int image_ref_parse(const char *text, struct image_ref *out, struct error *err)
{
    *out = (struct image_ref){0};
    if (strlen(text) == ID_HEX_LEN && str_is_hex(text, ID_HEX_LEN))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "invalid repository name (%s), cannot specify 64-byte hexadecimal strings",
                         text);
    size_t domain = domain_length(text);
    const char *remainder = domain ? text + domain + 1 : text;
    const char *at = strchr(remainder, '@');
    const char *end = remainder + strlen(remainder);
    const char *before_digest = at ? at : end;
    const char *colon = memchr(remainder, ':', (size_t)(before_digest - remainder));
    if (set_name(out, text, remainder, colon ? colon : before_digest, err))
        return -1;
    if (colon && (copy_part(out->tag, sizeof out->tag, colon + 1, before_digest, err) ||
                  !image_ref_tag_valid(out->tag)))
        return error_set(err, ERROR_INVALID_PARAMETER, "%s", invalid_format);
    if (at && (copy_part(out->digest, sizeof out->digest, at + 1, end, err) ||
               !digest_valid(out->digest)))
        return error_set(err, ERROR_INVALID_PARAMETER, "%s", invalid_format);
    return 0;
}

int image_ref_parse_any(const char *text, struct image_ref *out, struct error *err)
{
    *out = (struct image_ref){0};
    if (strlen(text) == ID_HEX_LEN && str_is_hex(text, ID_HEX_LEN)) {
        snprintf(out->digest, sizeof out->digest, "sha256:%s", text);
        return 0;
    }
    if (digest_valid(text)) {
        snprintf(out->digest, sizeof out->digest, "%s", text);
        return 0;
    }
    return image_ref_parse(text, out, err);
}

void image_ref_default_tag(struct image_ref *ref)
{
    if (!ref->tag[0] && !ref->digest[0])
        snprintf(ref->tag, sizeof ref->tag, "latest");
}

int image_ref_set_tag(struct image_ref *ref, const char *tag, struct error *err)
{
    if (!*tag)
        return 0;
    if (!image_ref_tag_valid(tag))
        return error_set(err, ERROR_INVALID_PARAMETER, "invalid tag format");
    strcpy(ref->tag, tag); /* as long as a valid one may be */
    return 0;
}

int image_ref_parse_pull(const char *image, const char *tag, struct image_ref *out,
                         struct error *err)
{
    char name[IMAGE_REF_TEXT_MAX];
    size_t len = strlen(image);
    if (len && len < sizeof name && image[len - 1] == ':') {
        memcpy(name, image, len - 1);
        name[len - 1] = '\0';
        image = name;
    }
    if (image_ref_parse(image, out, err))
        return -1;
    if (!digest_valid(tag))
        return image_ref_set_tag(out, tag, err);
    out->tag[0] = '\0';
    strcpy(out->digest, tag); /* as long as a valid one may be */
    return 0;
}

/* ---- and back ---- */

static char *join(const struct image_ref *ref, const char *domain, const char *path, char *out,
                  size_t size)
{
    snprintf(out, size, "%s%s%s%s%s%s%s", domain, *domain ? "/" : "", path, ref->tag[0] ? ":" : "",
             ref->tag, ref->digest[0] && *path ? "@" : "", ref->digest);
    return out;
}

/* The path to show without docker.io; library/ is dropped only in front of a single component. */
static const char *familiar_path(const struct image_ref *ref)
{
    static const char official[] = "library/";
    size_t n = sizeof official - 1;
    return str_starts(ref->path, official) && !strchr(ref->path + n, '/') ? ref->path + n
                                                                          : ref->path;
}

/* The short form, unless it reads as something else: docker.io/a.b/c would become registry a.b. */
static char *familiar(const struct image_ref *ref, char *out, size_t size)
{
    struct image_ref again;
    struct error ignored;
    if (strcmp(ref->domain, "docker.io") != 0)
        return image_ref_full(ref, out, size);
    join(ref, "", familiar_path(ref), out, size);
    if (image_ref_parse_any(out, &again, &ignored) || strcmp(again.domain, ref->domain) != 0 ||
        strcmp(again.path, ref->path) != 0)
        return image_ref_full(ref, out, size);
    return out;
}

char *image_ref_full(const struct image_ref *ref, char *out, size_t size)
{
    return join(ref, ref->domain, ref->path, out, size);
}

char *image_ref_familiar_name(const struct image_ref *ref, char *out, size_t size)
{
    struct image_ref bare = *ref;
    bare.tag[0] = bare.digest[0] = '\0';
    return familiar(&bare, out, size);
}

char *image_ref_familiar(const struct image_ref *ref, char *out, size_t size)
{
    return familiar(ref, out, size);
}
