/* SPDX-License-Identifier: Apache-2.0
 * The credential chain; see aws_credentials.h. */
#include "aws_credentials.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "credentials_source.h"
#include "loop/co.h"
#include "oci/json_doc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    EARLY_S = 300,          /* renew this long before the end … */
    EARLY_SHARE = 4,        /* … but not before three quarters of the life are over */
    RENEW_PAUSE_MS = 30000, /* after a failed renewal of credentials that still hold */
    CREDENTIAL_FILE_MAX = 64 * 1024,
};
static const int64_t ns_per_s = 1000000000;

/* The order is the one of AWS's own SDKs. */
static const struct {
    const char *name;
    co_credentials_source co_find;
} sources[] = {
    {"environment", co_credentials_environment},
    {"web identity", co_credentials_web_identity},
    {"profile", co_credentials_profile},
    {"container endpoint", co_credentials_container},
    {"instance metadata", co_credentials_instance},
};

struct aws_credential_chain {
    struct aws_credentials_context context;
    struct aws_credentials current; /* access_key NULL: none yet */
    int64_t obtained_ns;
    unsigned generation;
    bool rejected;   /* current was refused by a service */
    bool refreshing; /* one coroutine walks the sources, the others wait */
    struct co_cond refreshed;
    struct error last_error; /* of the last walk; ERROR_NONE: it succeeded */
    int64_t pause_until_ms;  /* no renewal before (monotonic) */
};

static void free_secret(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void aws_credentials_free(struct aws_credentials *c)
{
    free_secret(c->access_key);
    free_secret(c->secret_key);
    free_secret(c->session_token);
    *c = (struct aws_credentials){0};
}

void aws_credentials_copy(const struct aws_credentials *from, struct aws_credentials *to)
{
    *to = *from;
    to->access_key = xstrdup(from->access_key);
    to->secret_key = xstrdup(from->secret_key);
    to->session_token = from->session_token ? xstrdup(from->session_token) : NULL;
}

struct aws_credential_chain *aws_credential_chain_new(const struct aws_credentials_context *context)
{
    struct aws_credential_chain *chain = NEW(struct aws_credential_chain);
    chain->context = *context;
    return chain;
}

void aws_credential_chain_free(struct aws_credential_chain *chain)
{
    if (!chain)
        return;
    aws_credentials_free(&chain->current);
    free(chain);
}

static bool is_usable(const struct aws_credential_chain *chain)
{
    const struct aws_credentials *c = &chain->current;
    return c->access_key && !chain->rejected &&
           (!c->expires_ns || c->expires_ns > time_now_ns() + ns_per_s);
}

static bool is_due(const struct aws_credential_chain *chain)
{
    const struct aws_credentials *c = &chain->current;
    if (!is_usable(chain))
        return true;
    if (!c->expires_ns || time_mono_ms() < chain->pause_until_ms)
        return false;
    int64_t early = (c->expires_ns - chain->obtained_ns) / EARLY_SHARE;
    if (early > EARLY_S * ns_per_s)
        early = EARLY_S * ns_per_s;
    return time_now_ns() >= c->expires_ns - early;
}

static int co_walk(struct aws_credential_chain *chain, struct aws_credentials *out,
                   struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        bool found = false;
        if (sources[i].co_find(&chain->context, out, &found, err))
            return error_wrap(err, "AWS credentials from %s", sources[i].name);
        if (!found)
            continue;
        out->source = sources[i].name;
        return 0;
    }
    return error_set(
        err, ERROR_FORBIDDEN,
        "no AWS credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        "AWS_PROFILE, or run with a task or instance role");
}

/* Walk the sources and keep what they give. The only place that writes chain->current. */
static void co_refresh(struct aws_credential_chain *chain)
{
    struct aws_credentials fresh = {0};
    struct error err = {0};
    chain->refreshing = true;
    int rc = co_walk(chain, &fresh, &err);
    chain->refreshing = false;
    if (rc == 0) {
        aws_credentials_free(&chain->current);
        chain->current = fresh;
        chain->obtained_ns = time_now_ns();
        chain->generation++;
        chain->rejected = false;
        chain->last_error.code = ERROR_NONE;
        log_info("AWS credentials obtained", LOG_STR("source", fresh.source),
                 LOG_INT("valid_s", fresh.expires_ns
                                        ? (fresh.expires_ns - chain->obtained_ns) / ns_per_s
                                        : 0));
    } else {
        aws_credentials_free(&fresh);
        chain->last_error = err;
        chain->pause_until_ms = time_mono_ms() + RENEW_PAUSE_MS;
        if (is_usable(chain))
            log_warn("AWS credentials not renewed; the old ones still hold",
                     LOG_STR("error", err.message));
    }
    co_cond_broadcast(&chain->refreshed);
}

int co_aws_credentials_get(struct aws_credential_chain *chain, struct aws_credentials *out,
                           unsigned *generation, struct error *err)
{
    bool waited = false;
    while (is_due(chain)) {
        if (chain->refreshing && is_usable(chain))
            break;
        if (chain->refreshing) {
            if (co_cond_wait(&chain->refreshed, time_mono_ms() + 60000, err))
                return -1;
            waited = true;
            continue;
        }
        /* A walk that somebody else cancelled says nothing about us. */
        bool failed = waited && chain->last_error.code != ERROR_NONE &&
                      chain->last_error.code != ERROR_CANCELLED;
        if (!failed)
            co_refresh(chain);
        if (!is_usable(chain)) {
            *err = chain->last_error;
            return -1;
        }
        break;
    }
    aws_credentials_copy(&chain->current, out);
    *generation = chain->generation;
    return 0;
}

void aws_credential_chain_reject(struct aws_credential_chain *chain, unsigned generation)
{
    if (generation == chain->generation)
        chain->rejected = true;
}

int credentials_parse_json(const char *body, size_t len, const char *source,
                           struct aws_credentials *out, struct error *err)
{
    json_t *root = json_doc_load(len ? body : "", len, err);
    if (!root)
        return error_wrap(err, "%s", source);
    const char *access = json_string_value(json_object_get(root, "AccessKeyId"));
    const char *secret = json_string_value(json_object_get(root, "SecretAccessKey"));
    const char *token = json_string_value(json_object_get(root, "Token"));
    const char *end = json_string_value(json_object_get(root, "Expiration"));
    int64_t expires_ns = 0;
    int rc = 0;
    if (!access || !secret)
        rc = error_set(err, ERROR_FORBIDDEN, "%s: the answer holds no access key", source);
    else if (end && !timefmt_parse_rfc3339(end, &expires_ns))
        rc = error_set(err, ERROR_FORBIDDEN, "%s: bad Expiration \"%.40s\"", source, end);
    else
        *out = (struct aws_credentials){
            .access_key = xstrdup(access),
            .secret_key = xstrdup(secret),
            .session_token = str_empty(token) ? NULL : xstrdup(token),
            .expires_ns = expires_ns,
        };
    json_decref(root);
    return rc;
}

char *credentials_read_file(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        error_errno(err, ERROR_FORBIDDEN, errno, "%s", path);
        return NULL;
    }
    char *text = xmalloc(CREDENTIAL_FILE_MAX + 1);
    size_t len = 0;
    ssize_t n;
    while ((n = read(fd, text + len, CREDENTIAL_FILE_MAX - len)) > 0)
        len += (size_t)n;
    int problem = n < 0 ? errno : len == CREDENTIAL_FILE_MAX ? EFBIG : 0;
    close(fd);
    if (problem) {
        error_errno(err, ERROR_FORBIDDEN, problem, "%s", path);
        free(text);
        return NULL;
    }
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    text[len] = '\0';
    return text;
}
