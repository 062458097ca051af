/* SPDX-License-Identifier: Apache-2.0
 * Elastic Container Registry login; see ecr.h. */
#include "ecr.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "loop/co.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

enum { REGIONS_MAX = 16, REGION_NAME_MAX = 32, ACCOUNT_LEN = 12, WAIT_MS = 120000 };
static const int64_t early_ns = 600 * (int64_t)1000000000; /* renew ten minutes before the end */

/* One login per region: a token is good for every registry that we may read there. */
struct login {
    char region[REGION_NAME_MAX]; /* "": free slot */
    char *username, *password;    /* NULL: none yet */
    int64_t expires_ns;
    int64_t used_ms;
    bool refreshing;
};
struct ecr {
    struct aws_client *client;
    struct login logins[REGIONS_MAX];
    struct co_cond refreshed;
};

struct ecr *ecr_new(struct aws_client *client)
{
    struct ecr *e = NEW(struct ecr);
    e->client = client;
    return e;
}

static void login_clear(struct login *l)
{
    if (l->password)
        explicit_bzero(l->password, strlen(l->password));
    free(l->username);
    free(l->password);
    *l = (struct login){0};
}

void ecr_free(struct ecr *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < REGIONS_MAX; i++)
        login_clear(&e->logins[i]);
    free(e);
}

bool ecr_host_region(const char *host, char *out, size_t size)
{
    static const char *const marks[] = {".dkr.ecr.", ".dkr.ecr-fips."};
    static const char *const ends[] = {".amazonaws.com", ".amazonaws.com.cn"};
    if (strspn(host, "0123456789") != ACCOUNT_LEN)
        return false;
    const char *region = NULL;
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (str_starts(host + ACCOUNT_LEN, marks[i]))
            region = host + ACCOUNT_LEN + strlen(marks[i]);
    if (!region)
        return false;
    size_t len = strcspn(region, ".");
    bool ended = false;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        ended |= strcmp(region + len, ends[i]) == 0;
    if (!ended || !len || len >= size)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)region[i]) && region[i] != '-')
            return false;
    memcpy(out, region, len);
    out[len] = '\0';
    return true;
}

bool ecr_decode_token(const char *token, char **username, char **password)
{
    size_t len;
    char *text = (char *)base64_decode(token, strlen(token), &len);
    char *colon = text ? strchr(text, ':') : NULL;
    bool ok = colon && colon != text && strlen(text) == len;
    if (ok) {
        *username = xstrndup(text, (size_t)(colon - text));
        *password = xstrdup(colon + 1);
    }
    if (text)
        explicit_bzero(text, len);
    free(text);
    return ok;
}

/* The region's slot; the one used longest ago makes room. NULL: all are busy. */
static struct login *find_login(struct ecr *e, const char *region)
{
    struct login *oldest = NULL;
    for (size_t i = 0; i < REGIONS_MAX; i++) {
        struct login *l = &e->logins[i];
        if (strcmp(l->region, region) == 0)
            return l;
        if (!l->refreshing && (!oldest || l->used_ms < oldest->used_ms))
            oldest = l;
    }
    if (oldest) {
        login_clear(oldest);
        strcpy(oldest->region, region);
    }
    return oldest;
}

static int read_reply(const json_t *reply, struct login *out, struct error *err)
{
    const json_t *data = json_array_get(json_object_get(reply, "authorizationData"), 0);
    const char *token = json_string_value(json_object_get(data, "authorizationToken"));
    double expires_s = json_number_value(json_object_get(data, "expiresAt"));
    char *username, *password;
    if (!token || !ecr_decode_token(token, &username, &password))
        return error_set(err, ERROR_SYSTEM,
                         "ecr: GetAuthorizationToken: the answer holds no usable token");
    free(out->username);
    free(out->password);
    out->username = username;
    out->password = password;
    out->expires_ns = expires_s > 0 && expires_s < 9e9 ? (int64_t)expires_s * 1000000000 : 0;
    return 0;
}

static int co_login(struct ecr *e, struct login *l, struct error *err)
{
    AUTO(buf) struct buf body = BUF_INIT;
    struct aws_error why;
    json_t *reply = NULL;
    buf_puts(&body, "{}");
    const struct aws_call call = {
        .api = AWS_API_GetAuthorizationToken, .region = l->region, .body = &body};
    l->refreshing = true; /* keeps the slot from being given away */
    int rc = co_aws_call(e->client, &call, &reply, &why, err);
    l->refreshing = false;
    if (rc == 0)
        rc = read_reply(reply, l, err);
    json_decref(reply);
    co_cond_broadcast(&e->refreshed);
    return rc;
}

static bool is_fresh(const struct login *l)
{
    return l->password && l->expires_ns > time_now_ns() + early_ns;
}

int co_ecr_credentials(struct ecr *e, const char *registry_host, struct registry_credentials *out,
                       struct error *err)
{
    char region[REGION_NAME_MAX];
    *out = (struct registry_credentials){0};
    if (!ecr_host_region(registry_host, region, sizeof region))
        return 0;
    struct login *l;
    int64_t deadline = time_mono_ms() + WAIT_MS;
    while ((l = find_login(e, region)) == NULL || l->refreshing)
        if (co_cond_wait(&e->refreshed, deadline, err))
            return error_wrap(err, "ecr: login in %s", region);
    if (!is_fresh(l) && co_login(e, l, err))
        return -1;
    l->used_ms = time_mono_ms();
    *out = (struct registry_credentials){
        .found = true,
        .username = xstrdup(l->username),
        .password = xstrdup(l->password),
        .expires_ns = l->expires_ns,
    };
    return 0;
}
