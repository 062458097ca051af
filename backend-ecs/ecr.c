/* SPDX-License-Identifier: Apache-2.0
 * Elastic Container Registry login; see ecr.h. */
#include "ecr.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "loop/renewal.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

enum {
    REGIONS_MAX = 16,
    REGION_NAME_MAX = 32,
    ACCOUNT_LEN = 12,
    LIFE_S = 12 * 3600, /* when the answer does not say (API reference, GetAuthorizationToken) */
};
static const int64_t ns_per_s = 1000000000;

/* One login per region: a token is good for every registry that we may read there. */
struct login {
    struct ecr *ecr;
    char region[REGION_NAME_MAX]; /* "": free slot */
    char *username, *password;    /* NULL: none yet */
    struct renewal renewal;
    int64_t used_ms;
    int users; /* coroutines that hold the slot */
};
struct ecr {
    struct aws_client *client;
    struct login logins[REGIONS_MAX];
};

struct ecr *ecr_new(struct aws_client *client)
{
    struct ecr *e = NEW(struct ecr);
    e->client = client;
    return e;
}

static void login_forget(struct login *l)
{
    free(l->username);
    secret_free(l->password);
    l->username = l->password = NULL;
}

static void login_clear(struct login *l)
{
    login_forget(l);
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

/* ---- host names ---- */

/* What follows the account; FIPS and dual-stack endpoints take the same login. */
static const char *const marks[] = {".dkr.ecr.", ".dkr.ecr-fips.", ".dkr-ecr.", ".dkr-ecr-fips."};
/* What follows the region: of AWS's partitions, then of the dual-stack names. */
static const char *const ends[] = {
    ".amazonaws.com",  ".amazonaws.com.cn", ".amazonaws.eu",
    ".c2s.ic.gov",     ".sc2s.sgov.gov",    ".csp.hci.ic.gov",
    ".cloud.adc-e.uk", ".on.aws",           ".on.amazonwebservices.com.cn"};

bool ecr_host_region(const char *host, char *out, size_t size)
{
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

/* ---- the login ---- */

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
        if (!l->users && (!oldest || l->used_ms < oldest->used_ms))
            oldest = l;
    }
    if (oldest) {
        login_clear(oldest);
        strcpy(oldest->region, region);
        oldest->ecr = e;
        oldest->renewal.name = "ECR login";
    }
    return oldest;
}

static int read_reply(const json_t *reply, struct login *l, int64_t *expires_ns, struct error *err)
{
    const json_t *data = json_array_get(json_object_get(reply, "authorizationData"), 0);
    const char *token = json_string_value(json_object_get(data, "authorizationToken"));
    double expires_s = json_number_value(json_object_get(data, "expiresAt"));
    char *username, *password;
    if (!token || !ecr_decode_token(token, &username, &password))
        return error_set(err, ERROR_SYSTEM,
                         "ecr: GetAuthorizationToken: the answer holds no usable token");
    login_forget(l);
    l->username = username;
    l->password = password;
    *expires_ns = expires_s > 0 && expires_s < 9e9 ? (int64_t)expires_s * ns_per_s
                                                   : time_now_ns() + LIFE_S * ns_per_s;
    return 0;
}

static int co_login(void *owner, int64_t *expires_ns, struct error *err)
{
    struct login *l = owner;
    AUTO(buf) struct buf body = BUF_INIT;
    struct cloud_error why;
    json_t *reply = NULL;
    buf_puts(&body, "{}");
    const struct aws_call call = {
        .api = AWS_API_GetAuthorizationToken, .region = l->region, .body = &body};
    int rc = co_aws_call(l->ecr->client, &call, &reply, &why, err);
    if (rc == 0)
        rc = read_reply(reply, l, expires_ns, err);
    json_decref(reply);
    return rc;
}

int co_ecr_credentials(struct ecr *e, const char *registry_host, struct registry_credentials *out,
                       struct error *err)
{
    char region[REGION_NAME_MAX];
    *out = (struct registry_credentials){0};
    if (!ecr_host_region(registry_host, region, sizeof region))
        return 0;
    struct login *l = find_login(e, region);
    if (!l)
        return error_set(err, ERROR_UNAVAILABLE,
                         "ecr: logins in %d regions are under way; try again", REGIONS_MAX);
    l->users++;
    int rc = co_renewal_ensure(&l->renewal, co_login, l, err);
    l->users--;
    l->used_ms = time_mono_ms();
    if (rc)
        return error_wrap(err, "registry login in %s", region);
    *out = (struct registry_credentials){
        .found = true,
        .username = xstrdup(l->username),
        .password = xstrdup(l->password),
        .expires_ns = l->renewal.expires_ns,
    };
    return 0;
}
