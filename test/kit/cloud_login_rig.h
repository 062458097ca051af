/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the clouds' registry logins share: asking for a host's login once, from many
 * coroutines at once and until it is renewed, and a pull with it.
 */
#ifndef SOCKERLESS_TEST_UNIT_CLOUD_LOGIN_RIG_H
#define SOCKERLESS_TEST_UNIT_CLOUD_LOGIN_RIG_H

#include "base/secret.h"
#include "test/kit/cloud_registry.h"

/* What is asked: by setup. */
static co_cloud_credentials_fn co_credentials;
static void *login_service;

/* The last answer. */
static const char *asked_host;
static struct registry_credentials got;
static struct error problem;
static int result;

static void login_forget(struct registry_credentials *c)
{
    free(c->username);
    secret_free(c->password);
    secret_free(c->identity_token);
    *c = (struct registry_credentials){0};
}

static void co_get(struct harness *h)
{
    (void)h;
    login_forget(&got);
    problem = (struct error){0};
    result = co_credentials(login_service, asked_host, &got, &problem);
}

static void get(struct harness *h, const char *host)
{
    asked_host = host;
    harness_run(h, co_get);
}

/* Every single answer must do. */
static void get_until(struct harness *h, const char *host, bool (*enough)(struct harness *h))
{
    asked_host = host;
    harness_repeat(h, co_get, enough, &result);
}

static int failures;

static void co_get_mine(struct harness *h)
{
    struct registry_credentials mine = {0};
    struct error err = {0};
    (void)h;
    failures += co_credentials(login_service, asked_host, &mine, &err) != 0;
    login_forget(&mine);
}

static void get_many(struct harness *h, const char *host, int count)
{
    asked_host = host;
    failures = 0;
    harness_run_many(h, co_get_mine, count);
}

/* ---- through the registry client ---- */

static struct cloud_registry scripted;
static struct cloud_login login;

static void co_pull(struct harness *h)
{
    problem = (struct error){0};
    result = co_cloud_pull(h, &login, &problem);
}

__attribute__((unused)) static void pull_from(struct harness *h, struct cloud_registry as)
{
    scripted = as;
    login = (struct cloud_login){
        .registry = &scripted, .co_credentials = co_credentials, .arg = login_service};
    cloud_registry_start(&scripted);
    harness_run(h, co_pull);
    cloud_registry_stop(&scripted);
}

#endif
