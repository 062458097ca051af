/* SPDX-License-Identifier: Apache-2.0
 * A scripted registry with a token service; see token_registry.h. */
#include "test/kit/token_registry.h"

struct token_registry token_registry = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct token_registry *const srv = &token_registry;

static bool mode_is(const char *mode)
{
    return strcmp(srv->mode, mode) == 0;
}

static bool give_token(struct mock_request *r)
{
    char text[256], auth[512] = "";
    bool is_post = strcmp(r->method, "POST") == 0;
    bool has_login = mock_header(r, "Authorization", auth, sizeof auth);
    *(is_post ? &srv->posts : &srv->gets) += 1;
    if (!is_post || !mode_is("get-only"))
        snprintf(srv->auth, sizeof srv->auth, "%s", has_login ? auth : "none");
    snprintf(srv->query, sizeof srv->query, "%.2000s", r->path);
    if (is_post)
        snprintf(srv->form, sizeof srv->form, "%s", r->body);
    if (is_post && mode_is("get-only"))
        return mock_text(r, 405, "", "");
    if (has_login && strstr(auth, "Basic bWFsbG9yeTpi")) /* mallory:b */
        return mock_text(r, 401, "", "{\"details\":\"incorrect username or password\"}");
    if (mode_is("flaky") && srv->gets == 1)
        return mock_text(r, 503, "", "");
    const char *refresh =
        strstr(r->path, "offline_token=true") || strstr(srv->form, "access_type=off")
            ? ",\"refresh_token\":\"identity\""
            : "";
    snprintf(text, sizeof text, "{\"%s\":\"token%d\",\"expires_in\":3600%s}",
             is_post ? "access_token" : "token", srv->serial, refresh);
    return mock_text(r, 200, "", text);
}

static bool answer(struct mock_request *r)
{
    char auth[512] = "", wanted[64];
    if (str_starts(r->path, "/token"))
        return give_token(r);
    mock_header(r, "Authorization", auth, sizeof auth);
    if (mode_is("basic") && strcmp(auth, "Basic YWxpY2U6czNjcmV0") == 0)
        return mock_text(r, 200, "", "{}");
    snprintf(wanted, sizeof wanted, "Bearer token%d", srv->serial);
    if (!mode_is("basic") && strcmp(auth, wanted) == 0 && !mode_is("deaf")) {
        if (strstr(r->path, "mount="))
            return mock_text(r, 201, "", "");
        return mock_text(r, strstr(r->path, "/blobs/") ? 404 : 200, "", "{}");
    }
    srv->challenges++;
    if (mode_is("basic"))
        return mock_text(r, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
    return mock_textf(
        r, 401, "",
        "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:%d/token\",service=\"registry\","
        "scope=\"repository:x:pull\"%s\r\n",
        r->mock->port, *auth ? ",error=\"insufficient_scope\"" : "");
}

static bool serve(void *arg, struct mock_request *r)
{
    (void)arg;
    pthread_mutex_lock(&srv->lock);
    bool go_on = answer(r);
    pthread_mutex_unlock(&srv->lock);
    return go_on;
}

/* A forward proxy that answers for whatever host it is asked for. */
static bool serve_proxy(void *arg, struct mock_request *r)
{
    (void)arg;
    pthread_mutex_lock(&srv->lock);
    snprintf(srv->proxied, sizeof srv->proxied, "%s %.400s", r->method, r->path);
    pthread_mutex_unlock(&srv->lock);
    return mock_text(r, strcmp(r->method, "CONNECT") == 0 ? 403 : 404, "", "");
}

struct rig *token_registry_open(void)
{
    return registry_rig_scripted(serve, serve_proxy);
}

void token_registry_forget(const char *mode)
{
    srv->gets = srv->posts = srv->challenges = 0;
    srv->serial++;
    srv->query[0] = srv->form[0] = srv->auth[0] = '\0';
    snprintf(srv->mode, sizeof srv->mode, "%s", mode);
}
