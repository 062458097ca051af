/* SPDX-License-Identifier: Apache-2.0
 * What the tests of the clouds' registry logins share; see login_rig.h. */
#include "test/kit/login_rig.h"

#include "base/secret.h"
#include "test/kit/test.h"

struct login_rig login_rig;
static int failures;

static void forget(struct registry_credentials *c)
{
    free(c->username);
    secret_free(c->password);
    secret_free(c->identity_token);
    *c = (struct registry_credentials){0};
}

void login_rig_open(co_cloud_credentials_fn co_credentials, void *service)
{
    login_rig = (struct login_rig){.co_credentials = co_credentials, .service = service};
}

void login_rig_close(void)
{
    forget(&login_rig.got);
}

static void co_get(struct harness *h)
{
    (void)h;
    forget(&login_rig.got);
    login_rig.err = (struct error){0};
    login_rig.result =
        login_rig.co_credentials(login_rig.service, login_rig.host, &login_rig.got, &login_rig.err);
}

void login_rig_get(struct harness *h, const char *host)
{
    login_rig.host = host;
    harness_run(h, co_get);
}

static void check_ok(void)
{
    if (login_rig.result)
        fail_msg("%s", login_rig.err.message);
    assert_int_equal(login_rig.result, 0);
}

void login_rig_get_found(struct harness *h, const char *host)
{
    login_rig_get(h, host);
    check_ok();
    assert_true(login_rig.got.found);
}

void login_rig_get_none(struct harness *h, const char *host)
{
    login_rig_get(h, host);
    check_ok();
    assert_false(login_rig.got.found);
}

static void check_error(enum error_code code, const char *text)
{
    assert_int_equal(login_rig.result, -1);
    if (code)
        assert_int_equal(login_rig.err.code, code);
    if (!strstr(login_rig.err.message, text))
        fail_msg("\"%s\" lacks \"%s\"", login_rig.err.message, text);
}

void login_rig_get_error(struct harness *h, const char *host, enum error_code code,
                         const char *text)
{
    login_rig_get(h, host);
    check_error(code, text);
    assert_false(login_rig.got.found);
}

void login_rig_get_until(struct harness *h, const char *host, bool (*enough)(struct harness *h))
{
    login_rig.host = host;
    harness_repeat(h, co_get, enough, &login_rig.result);
    check_ok();
}

static void co_get_mine(struct harness *h)
{
    struct registry_credentials mine = {0};
    struct error err = {0};
    (void)h;
    failures += login_rig.co_credentials(login_rig.service, login_rig.host, &mine, &err) != 0;
    forget(&mine);
}

int login_rig_get_many(struct harness *h, const char *host, int count)
{
    login_rig.host = host;
    failures = 0;
    harness_run_many(h, co_get_mine, count);
    return failures;
}

/* ---- through the registry client ---- */

static void co_pull(struct harness *h)
{
    login_rig.err = (struct error){0};
    login_rig.result = co_cloud_pull(h, &login_rig.login, &login_rig.err);
}

static void pull(struct harness *h, struct cloud_registry as)
{
    login_rig.registry = as;
    login_rig.login = (struct cloud_login){.registry = &login_rig.registry,
                                           .co_credentials = login_rig.co_credentials,
                                           .arg = login_rig.service};
    cloud_registry_start(&login_rig.registry);
    harness_run(h, co_pull);
    cloud_registry_stop(&login_rig.registry);
}

void login_rig_pull(struct harness *h, struct cloud_registry as)
{
    pull(h, as);
    check_ok();
}

void login_rig_pull_refused(struct harness *h, struct cloud_registry as, const char *secret)
{
    pull(h, as);
    check_error(ERROR_UNAUTHORIZED, "who are you");
    assert_null(strstr(login_rig.err.message, secret));
}
