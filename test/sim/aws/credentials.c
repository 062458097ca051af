/* SPDX-License-Identifier: Apache-2.0
 * Credentials; see credentials.h. */
#include "test/sim/aws/credentials.h"

#include "base/alloc.h"
#include "test/sim/aws/aws.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { ISSUED_MAX = 1024 }; /* then the oldest is forgotten */

struct credential_store {
    pthread_mutex_t lock;
    struct credential constant;
    char account[16];
    struct credential issued[ISSUED_MAX];
    unsigned next;
};

struct credential_store *credential_store_new(const char *access_key, const char *secret_key,
                                              const char *account)
{
    struct credential_store *s = NEW(struct credential_store);
    pthread_mutex_init(&s->lock, NULL);
    snprintf(s->account, sizeof s->account, "%s", account);
    snprintf(s->constant.access_key, sizeof s->constant.access_key, "%s", access_key);
    snprintf(s->constant.secret_key, sizeof s->constant.secret_key, "%s", secret_key);
    snprintf(s->constant.arn, sizeof s->constant.arn, "arn:aws:iam::%s:user/sockerless", account);
    snprintf(s->constant.user_id, sizeof s->constant.user_id, "AIDASOCKERLESS000000");
    return s;
}

void credential_store_free(struct credential_store *s)
{
    if (!s)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* arn:aws:iam::ACCOUNT:role/PATH/NAME -> arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION */
static void assumed_arn(const char *role_arn, const char *session, const char *account, char *out,
                        size_t size)
{
    const char *name = strrchr(role_arn, '/');
    snprintf(out, size, "arn:aws:sts::%s:assumed-role/%s/%s", account, name ? name + 1 : role_arn,
             session);
}

void credential_store_issue(struct credential_store *s, const char *role_arn,
                            const char *session_name, int64_t ttl_s, struct credential *out)
{
    char hex[65], role_id[17];
    *out = (struct credential){.expires_ms = value_now_ms() + ttl_s * 1000};
    value_random_hex(role_id, 16);
    snprintf(out->access_key, sizeof out->access_key, "ASIA%s", role_id);
    for (char *p = out->access_key; *p; p++)
        if (*p >= 'a' && *p <= 'f')
            *p = (char)(*p - 'a' + 'A');
    value_random_hex(out->secret_key, 40);
    value_random_hex(hex, 64);
    /* '/', '+' and '=' as in real tokens: they show where one forgot to encode. */
    snprintf(out->session_token, sizeof out->session_token, "IQoJb3JpZ2luX2Vj/%s+%s==", hex,
             role_id);
    assumed_arn(role_arn, session_name, s->account, out->arn, sizeof out->arn);
    snprintf(out->user_id, sizeof out->user_id, "AROASOCKERLESS000000:%s", session_name);
    pthread_mutex_lock(&s->lock);
    s->issued[s->next++ % ISSUED_MAX] = *out;
    pthread_mutex_unlock(&s->lock);
}

bool credential_store_find(struct credential_store *s, const char *access_key,
                           struct credential *out)
{
    bool found = !strcmp(s->constant.access_key, access_key);
    if (found) {
        *out = s->constant;
        return true;
    }
    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < ISSUED_MAX && !found; i++)
        if (*s->issued[i].access_key && !strcmp(s->issued[i].access_key, access_key)) {
            *out = s->issued[i];
            found = true;
        }
    pthread_mutex_unlock(&s->lock);
    return found;
}
