/* SPDX-License-Identifier: Apache-2.0
 *
 * `docker login`: whether credentials are good, and the identity token that stands for them from
 * now on; see registry_repo.h.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "oci/registry/registry_internal.h"

#include <stdio.h>

static char *dup_or_null(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static int co_check(struct registry_repo *r, struct error *err)
{
    char *url AUTO_FREE = xasprintf("%s/v2/", r->endpoint.base);
    struct registry_call call = {.method = "GET", .url = url, .repeat = REPEAT_ALL};
    struct http_response res AUTO(http_response);
    if (co_registry_call(r, &call, &res, err)) /* the token service's no, as Docker has it */
        return err->code == ERROR_UNAUTHORIZED ? error_wrap(err, "Get \"%s\"", url) : -1;
    if (res.status == 200)
        return 0;
    if (res.status == 401)
        return error_set(err, ERROR_UNAUTHORIZED,
                         "login attempt to %s failed with status: 401 Unauthorized", url);
    if (res.status == 429)
        return registry_refused(r, &res, err);
    return error_set(err, res.status >= 500 ? ERROR_UNAVAILABLE : ERROR_SYSTEM,
                     "login attempt to %s failed with status: %ld", url, res.status);
}

int co_registry_check_login(struct registry_client *c, const char *host,
                            const struct registry_login *login, char **identity_token,
                            struct error *err)
{
    struct registry_repo r = {0};
    struct registry_auth *fresh = registry_auth_new(); /* what was good once must be good now */
    *identity_token = NULL;
    registry_hosts_find_itself(c->hosts, host, &r.endpoint);
    registry_repo_init(&r, c, fresh);
    r.session.offline = true;
    r.session.login = (struct registry_login){
        .username = dup_or_null(login->username),
        .password = dup_or_null(login->password),
        .identity_token = dup_or_null(login->identity_token),
        .registry_token = dup_or_null(login->registry_token),
    };
    auth_session_open(&r.session);
    int rc = co_check(&r, err);
    if (rc == 0)
        *identity_token = STEAL(r.session.identity_token);
    auth_session_close(&r.session);
    registry_auth_free(fresh);
    return rc;
}
