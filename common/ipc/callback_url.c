/* SPDX-License-Identifier: Apache-2.0
 * The way of reverse agents to the backend; see callback_url.h. */
#include "ipc/callback_url.h"

#include "base/alloc.h"
#include "base/str.h"

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <string.h>

enum { PORT_MAX = 65535 };

/* ---- the URL ---- */

static bool port_usable(const char *text)
{
    int64_t port;
    return str_to_i64(text, &port) && port >= 1 && port <= PORT_MAX;
}

/* nng's parser takes more than it dials. */
static const char *url_fault(const char *url, const nng_url *parsed)
{
    if (strlen(url) >= CALLBACK_URL_MAX) /* a path may be added */
        return "it is too long";
    for (const char *at = url; *at; at++)
        if (*at <= ' ' || *at > '~' || *at == '"' || *at == '\\')
            return "it may have no spaces, quotes, backslashes or characters beyond ASCII";
    if (!str_starts(url, "ws://") && !str_starts(url, "wss://"))
        return "it does not begin with ws:// or wss://";
    if (!parsed)
        return "it is not a URL";
    if (str_empty(parsed->u_hostname) || strchr(parsed->u_hostname, '%'))
        return "it names no host";
    if (!port_usable(parsed->u_port))
        return "its port is none";
    if (parsed->u_userinfo || parsed->u_fragment)
        return "it may have no user and no fragment";
    return NULL;
}

static const char *path_of(const nng_url *url)
{
    return str_empty(url->u_path) ? "/" : url->u_path;
}

/* The same port on both sides: nothing seems to stand between the two. Then another path is
 * answered 404, and without TLS nothing at all. */
static int direct_check(const nng_url *url, const nng_url *listen, struct error *err)
{
    if (strcmp(url->u_scheme, "ws") != 0 && strcmp(listen->u_scheme, "wss") != 0)
        return 0; /* a proxy is there for TLS */
    if (strcmp(url->u_port, listen->u_port) != 0)
        return 0;
    if (strcmp(url->u_scheme, listen->u_scheme) != 0)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_CALLBACK_LISTEN: TLS needs a wss:// address in "
                         "SOCKERLESS_CALLBACK_URL, which begins with ws://");
    if (strcmp(path_of(url), path_of(listen)) != 0)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_CALLBACK_LISTEN: must have the path of "
                         "SOCKERLESS_CALLBACK_URL, %s",
                         path_of(url));
    return 0;
}

static int listen_check(const nng_url *url, const char *listen, struct error *err)
{
    nng_url *parsed = NULL;
    if ((!str_starts(listen, "ws://") && !str_starts(listen, "wss://")) ||
        nng_url_parse(&parsed, listen))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_CALLBACK_LISTEN: must be a ws:// or wss:// URL");
    int rc = direct_check(url, parsed, err);
    nng_url_free(parsed);
    return rc;
}

char *callback_url_make(const char *url, const char *listen, struct error *err)
{
    nng_url *parsed = NULL;
    if (nng_url_parse(&parsed, url))
        parsed = NULL;
    const char *fault = url_fault(url, parsed);
    char *made = NULL;
    if (fault)
        error_set(err, ERROR_INVALID_PARAMETER,
                  "SOCKERLESS_CALLBACK_URL: %s; it must be a ws:// or wss:// URL of less than %d "
                  "characters, the one at which agents reach SOCKERLESS_CALLBACK_LISTEN",
                  fault, CALLBACK_URL_MAX);
    else if (listen_check(parsed, listen, err) == 0)
        /* without a path nng would send none: "GET  HTTP/1.1" */
        made = xasprintf("%s://%s%s%s", parsed->u_scheme, parsed->u_host,
                         *parsed->u_requri == '/' ? "" : "/", parsed->u_requri);
    if (parsed)
        nng_url_free(parsed);
    return made;
}

/* ---- the certificates ---- */

static bool only_certificates(const char *pem)
{
    static const char begin[] = "-----BEGIN ", certificate[] = "-----BEGIN CERTIFICATE-----";
    if (!str_starts(pem, certificate) || strlen(pem) > CALLBACK_CA_MAX)
        return false;
    for (const char *at = pem; (at = strstr(at, begin)); at++)
        if (!str_starts(at, certificate))
            return false;
    return true;
}

int callback_ca_check(const char *pem, const char *path, struct error *err)
{
    nng_tls_config *tls;
    int rc = nng_tls_config_alloc(&tls, NNG_TLS_MODE_CLIENT);
    if (rc)
        return error_set(err, ERROR_SYSTEM, "TLS: %s", nng_strerror(rc));
    if (only_certificates(pem))
        rc = nng_tls_config_ca_chain(tls, pem, NULL);
    else
        rc = NNG_ECRYPTO;
    nng_tls_config_free(tls);
    return rc ? error_set(err, ERROR_INVALID_PARAMETER,
                          "SOCKERLESS_CALLBACK_CA_FILE: %s must hold nothing but certificates in "
                          "PEM, at most %d bytes",
                          path, CALLBACK_CA_MAX)
              : 0;
}
