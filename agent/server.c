/* SPDX-License-Identifier: Apache-2.0
 * The agent's server; see server.h. nng keeps one HTTP server per address: the /health handler and
 * the WebSocket listener of the channel share it. Accepted channels become sessions (session.c). */
#include "agent/server.h"

#include "base/alloc.h"
#include "base/str.h"
#include "ipc/channel.h"

#include <nng/nng.h>
#include <nng/supplemental/http/http.h>

/* Health checks of the container itself are not here yet, hence "none". */
static const char health_body[] = "{\"status\":\"ok\",\"container_health\":\"none\"}";

struct server {
    const struct agent_options *options;
    struct session_list *sessions;
    nng_http_server *http;
    struct channel_listener *listener;
};

static bool on_authorize(void *owner, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    struct server *s = owner;
    return str_starts(authorization, scheme) &&
           str_equal_secret(s->options->token, authorization + sizeof scheme - 1);
}

static void on_accept(void *owner, struct channel *c)
{
    struct server *s = owner;
    session_accept(s->sessions, c);
}

static int health_serve(struct server *s, const char *address, struct error *err)
{
    nng_url *url = NULL;
    nng_http_handler *handler = NULL;
    int rc = nng_url_parse(&url, address);
    if (rc == 0)
        rc = nng_http_server_hold(&s->http, url);
    if (rc == 0)
        rc = nng_http_handler_alloc_static(&handler, "/health", health_body, sizeof health_body - 1,
                                           "application/json");
    if (rc == 0)
        rc = nng_http_server_add_handler(s->http, handler);
    if (rc && handler)
        nng_http_handler_free(handler);
    if (url)
        nng_url_free(url);
    return rc ? error_set(err, ERROR_SYSTEM, "health: %s", nng_strerror(rc)) : 0;
}

int server_open(struct loop *l, const struct agent_options *options, struct session_list *sessions,
                struct server **out, struct error *err)
{
    struct server *s = NEW(struct server);
    s->options = options;
    s->sessions = sessions;
    const char *host = options->address;
    long long port = (long long)options->port;
    AUTO_FREE char *http = xasprintf("http://%s:%lld/", host, port);
    AUTO_FREE char *ws = xasprintf("ws://%s:%lld/", host, port);
    struct channel_options listening = {.authorize = on_authorize, .channels_max = SESSIONS_MAX};
    if (health_serve(s, http, err) ||
        channel_listen(l, ws, &listening, on_accept, s, &s->listener, err)) {
        free(s); /* the process ends now */
        return -1;
    }
    *out = s;
    return 0;
}
