/* SPDX-License-Identifier: Apache-2.0
 * Signature Version 4; see sigv4.h. */
#include "test/sim/aws/sigv4.h"

#include "base/alloc.h"
#include "base/str.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { HASH = 32 };

static void sha256_hex(const void *data, size_t len, char out[2 * HASH + 1])
{
    unsigned char hash[HASH];
    EVP_Digest(data, len, hash, NULL, EVP_sha256(), NULL);
    hex_encode(hash, HASH, out);
}

static void hmac(const void *key, size_t key_len, const char *text, unsigned char out[HASH])
{
    unsigned len = HASH;
    HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), out, &len);
}

/* "Key=value" up to a comma, of a header like "AWS4-HMAC-SHA256 A=…, B=…". */
static bool take_part(const char *header, const char *key, char *out, size_t size)
{
    const char *at = strstr(header, key);
    if (!at)
        return false;
    at += strlen(key);
    size_t len = strcspn(at, ", ");
    if (len == 0 || len >= size)
        return false;
    memcpy(out, at, len);
    out[len] = '\0';
    return true;
}

static bool split_scope(char *credential, struct sigv4_scope *out)
{
    char *parts[5], *save = NULL;
    int n = 0;
    for (char *p = strtok_r(credential, "/", &save); p && n < 5; p = strtok_r(NULL, "/", &save))
        parts[n++] = p;
    if (n != 5 || strcmp(parts[4], "aws4_request") || strlen(parts[0]) >= sizeof out->access_key ||
        strlen(parts[1]) != 8 || strlen(parts[2]) >= sizeof out->region ||
        strlen(parts[3]) >= sizeof out->service)
        return false;
    strcpy(out->access_key, parts[0]);
    strcpy(out->date, parts[1]);
    strcpy(out->region, parts[2]);
    strcpy(out->service, parts[3]);
    return true;
}

static bool is_signed(const char *signed_headers, const char *name)
{
    size_t len = strlen(name);
    for (const char *p = signed_headers; *p;) {
        size_t n = strcspn(p, ";");
        if (n == len && !memcmp(p, name, len))
            return true;
        p += n + (p[n] == ';');
    }
    return false;
}

/* host and every x-amz-* header that was sent must be signed, or it could be changed on the way. */
static bool signs_what_it_must(const struct http_request *request, const char *signed_headers)
{
    if (!is_signed(signed_headers, "host"))
        return false;
    for (size_t i = 0; i < request->header_count; i++) {
        char name[128];
        const char *from = request->headers[i].name;
        if (strncasecmp(from, "x-amz-", 6) != 0)
            continue;
        size_t n = 0;
        for (; from[n] && n + 1 < sizeof name; n++)
            name[n] = (char)tolower((unsigned char)from[n]);
        name[n] = '\0';
        if (!is_signed(signed_headers, name))
            return false;
    }
    return true;
}

enum sigv4_result sigv4_parse(const struct http_request *request, struct sigv4_scope *out)
{
    const char *header = http_request_header(request, "Authorization");
    char credential[512];
    if (!header)
        return SIGV4_MISSING;
    if (!str_starts(header, "AWS4-HMAC-SHA256 ") ||
        !take_part(header, "Credential=", credential, sizeof credential) ||
        !take_part(header, "SignedHeaders=", out->signed_headers, sizeof out->signed_headers) ||
        !take_part(header, "Signature=", out->signature, sizeof out->signature) ||
        strlen(out->signature) != 64 || !split_scope(credential, out) ||
        !http_request_header(request, "x-amz-date") ||
        !signs_what_it_must(request, out->signed_headers))
        return SIGV4_INCOMPLETE;
    return SIGV4_OK;
}

static bool is_unreserved(unsigned char c)
{
    return isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* The path is encoded once more, as every service but S3 wants it. */
static void put_path(struct buf *out, const char *path)
{
    for (const char *p = path; *p; p++) {
        if (*p == '/' && p > path && p[-1] == '/')
            continue; /* "//" is normalised */
        if (*p == '/' || is_unreserved((unsigned char)*p))
            buf_putc(out, *p);
        else
            buf_printf(out, "%%%02X", (unsigned char)*p);
    }
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Encoded pairs sorted by name, then value; names without a value get "=". A tab in place of '='
 * while sorting: it sorts below every character a name may have. */
static void put_query(struct buf *out, const char *query)
{
    struct strv pairs = STRV_INIT;
    for (const char *p = query; *p;) {
        size_t len = strcspn(p, "&"), name = strcspn(p, "=&");
        if (len)
            strv_push_owned(&pairs, xasprintf("%.*s\t%.*s", (int)name, p,
                                              (int)(len > name ? len - name - 1 : 0),
                                              len > name ? p + name + 1 : ""));
        p += len + (p[len] == '&');
    }
    if (pairs.count)
        qsort(pairs.items, pairs.count, sizeof *pairs.items, compare_text);
    for (size_t i = 0; i < pairs.count; i++) {
        *strchr(pairs.items[i], '\t') = '=';
        buf_printf(out, "%s%s", i ? "&" : "", pairs.items[i]);
    }
    strv_free(&pairs);
}

/* A value trimmed, runs of spaces as one. */
static void put_trimmed(struct buf *out, const char *value)
{
    while (*value == ' ' || *value == '\t')
        value++;
    size_t len = strlen(value);
    while (len && (value[len - 1] == ' ' || value[len - 1] == '\t'))
        len--;
    for (size_t i = 0; i < len; i++)
        if (value[i] != ' ' || value[i - 1] != ' ')
            buf_putc(out, value[i]);
}

static void put_headers(struct buf *out, const struct http_request *request,
                        const char *signed_headers)
{
    for (const char *p = signed_headers; *p;) {
        size_t len = strcspn(p, ";");
        bool any = false;
        buf_printf(out, "%.*s:", (int)len, p);
        for (size_t i = 0; i < request->header_count; i++) {
            if (strlen(request->headers[i].name) != len ||
                strncasecmp(request->headers[i].name, p, len) != 0)
                continue;
            if (any)
                buf_putc(out, ',');
            put_trimmed(out, request->headers[i].value);
            any = true;
        }
        buf_putc(out, '\n');
        p += len + (p[len] == ';');
    }
}

void sigv4_canonical_request(const struct http_request *request, const char *signed_headers,
                             struct buf *out)
{
    char payload[2 * HASH + 1];
    sha256_hex(request->body, request->body_len, payload);
    buf_printf(out, "%s\n", request->method);
    put_path(out, request->path);
    buf_putc(out, '\n');
    put_query(out, request->query);
    buf_putc(out, '\n');
    put_headers(out, request, signed_headers);
    buf_printf(out, "\n%s\n%s", signed_headers, payload);
}

static void sign(const struct sigv4_scope *scope, const char *secret, const char *string_to_sign,
                 char out[2 * HASH + 1])
{
    unsigned char key[HASH], next[HASH];
    AUTO_FREE char *initial = xasprintf("AWS4%s", secret);
    hmac(initial, strlen(initial), scope->date, key);
    hmac(key, HASH, scope->region, next);
    hmac(next, HASH, scope->service, key);
    hmac(key, HASH, "aws4_request", next);
    hmac(next, HASH, string_to_sign, key);
    hex_encode(key, HASH, out);
}

static bool in_time(const char *amz_date, const char *scope_date, int64_t now_s)
{
    struct tm tm = {0};
    const char *end = strptime(amz_date, "%Y%m%dT%H%M%SZ", &tm);
    if (!end || *end || strncmp(amz_date, scope_date, 8) != 0)
        return false;
    int64_t skew = (int64_t)timegm(&tm) - now_s;
    return skew <= SIGV4_MAX_SKEW_S && skew >= -SIGV4_MAX_SKEW_S;
}

enum sigv4_result sigv4_verify(const struct http_request *request, const struct sigv4_scope *scope,
                               const char *secret_key, int64_t now_s)
{
    const char *amz_date = http_request_header(request, "x-amz-date");
    struct buf canonical = BUF_INIT;
    char hash[2 * HASH + 1], expected[2 * HASH + 1];
    if (!amz_date)
        return SIGV4_INCOMPLETE;
    sigv4_canonical_request(request, scope->signed_headers, &canonical);
    sha256_hex(canonical.data, canonical.len, hash);
    buf_free(&canonical);
    AUTO_FREE char *string_to_sign =
        xasprintf("AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", amz_date, scope->date,
                  scope->region, scope->service, hash);
    sign(scope, secret_key, string_to_sign, expected);
    if (!str_equal_secret(expected, scope->signature))
        return SIGV4_MISMATCH;
    return in_time(amz_date, scope->date, now_s) ? SIGV4_OK : SIGV4_EXPIRED;
}
