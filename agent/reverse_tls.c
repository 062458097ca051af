/* SPDX-License-Identifier: Apache-2.0
 * TLS of the reverse agent; see reverse_tls.h. */
#include "agent/reverse_tls.h"

#include "base/alloc.h"
#include "base/str.h"

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>

/* Where distributions keep their certificates: Debian and Alpine, Alpine's LibreSSL, Fedora. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
};

static int trust_image(nng_tls_config *tls, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(bundles); i++)
        if (nng_tls_config_ca_file(tls, bundles[i]) == 0)
            return 0;
    return error_set(
        err, ERROR_INVALID_PARAMETER,
        "SOCKERLESS_CALLBACK_URL is wss:// and this image has no certificates to check "
        "the backend's with: give the backend SOCKERLESS_CALLBACK_CA_FILE");
}

static int trust(nng_tls_config *tls, const char *host, const char *ca_pem, struct error *err)
{
    int rc = nng_tls_config_auth_mode(tls, NNG_TLS_AUTH_MODE_REQUIRED);
    if (rc == 0)
        rc = nng_tls_config_server_name(tls, host);
    if (rc == 0 && *ca_pem)
        rc = nng_tls_config_ca_chain(tls, ca_pem, NULL);
    if (rc)
        return error_set(err, ERROR_INVALID_PARAMETER, "the backend's certificates: %s",
                         nng_strerror(rc));
    return *ca_pem ? 0 : trust_image(tls, err);
}

int reverse_tls_open(const char *url, const char *ca_pem, struct nng_tls_config **out,
                     struct error *err)
{
    nng_url *parsed;
    nng_tls_config *tls;
    int rc = nng_url_parse(&parsed, url);
    if (rc)
        return error_set(err, ERROR_INVALID_PARAMETER, "SOCKERLESS_CALLBACK_URL: %s",
                         nng_strerror(rc));
    rc = nng_tls_config_alloc(&tls, NNG_TLS_MODE_CLIENT);
    if (rc)
        error_set(err, ERROR_SYSTEM, "TLS: %s", nng_strerror(rc));
    else if (trust(tls, parsed->u_hostname, ca_pem, err))
        nng_tls_config_free(tls);
    else
        *out = tls;
    nng_url_free(parsed);
    return rc || !*out ? -1 : 0;
}
