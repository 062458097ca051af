/* SPDX-License-Identifier: Apache-2.0
 * What agents are told of the way to the backend, and what is refused at the backend's start. */
#include "base/alloc.h"
#include "base/str.h"
#include "ipc/callback_url.h"
#include "test/kit/test.h"
#include <string.h>

static const char everywhere[] = "ws://0.0.0.0:9112/";

TEST(urls)
{
    static const struct {
        const char *given, *listen, *told;
    } cases[] = {
        {"ws://10.0.0.1:9112/", everywhere, "ws://10.0.0.1:9112/"},
        {"ws://10.0.0.1:9112", everywhere, "ws://10.0.0.1:9112/"},
        {"ws://backend.internal:9112", everywhere, "ws://backend.internal:9112/"},
        {"ws://[fd00::1]:9112", "ws://[::]:9112/", "ws://[fd00::1]:9112/"},
        {"ws://[fd00::1]:9112/", "ws://[fd00::1]:9112/", "ws://[fd00::1]:9112/"},
        {"ws://a:9112/agents", "ws://0.0.0.0:9112/agents", "ws://a:9112/agents"},
        {"ws://a:9112/", "ws://10.0.0.1:9112/", "ws://a:9112/"},
        {"wss://a:9112/x", "wss://0.0.0.0:9112/x", "wss://a:9112/x"},
        {"wss://a/x", "wss://0.0.0.0:9112/", "wss://a/x"}, /* a proxy chooses the path */
        {"wss://a/agents/x?tenant=1", everywhere, "wss://a/agents/x?tenant=1"},
        {"wss://a?tenant=1", everywhere, "wss://a/?tenant=1"},
        {"wss://a:9112/agents", everywhere, "wss://a:9112/agents"}, /* a proxy is there for TLS */
        {"ws://a/agents", everywhere, "ws://a/agents"},             /* … or another one, at 80 */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err = {.message = ""};
        AUTO_FREE char *told = callback_url_make(cases[i].given, cases[i].listen, &err);
        assert_string_equal(err.message, "");
        assert_string_equal(told, cases[i].told);
    }
}

/* Agents would be refused, and have nobody to tell. */
TEST(listens_that_refuse)
{
    static const struct {
        const char *given, *listen, *why;
    } cases[] = {
        {"ws://a:9112/agents", everywhere,
         "must have the path of SOCKERLESS_CALLBACK_URL, /agents"},
        {"ws://a:9112/", "ws://0.0.0.0:9112/agents", "must have the path"},
        {"wss://a:9112/agents", "wss://0.0.0.0:9112/", "must have the path"},
        {"ws://a:9112/", "wss://0.0.0.0:9112/", "TLS needs a wss:// address"},
        {"ws://a:9112/", "http://0.0.0.0:9112/", "must be a ws:// or wss:// URL"},
        {"ws://a:9112/", "ws://[::", "must be a ws:// or wss:// URL"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err;
        assert_null(callback_url_make(cases[i].given, cases[i].listen, &err));
        assert_true(str_starts(err.message, "SOCKERLESS_CALLBACK_LISTEN: "));
        assert_non_null(strstr(err.message, cases[i].why));
    }
}

TEST(lengths)
{
    char url[CALLBACK_URL_MAX + 2] = "ws://a:9112/";
    struct error err;
    memset(url + 12, 'x', CALLBACK_URL_MAX - 13);
    AUTO_FREE char *told = callback_url_make(url, "ws://0.0.0.0:1/", &err);
    assert_string_equal(told, url);
    strcat(url, "x");
    assert_null(callback_url_make(url, "ws://0.0.0.0:1/", &err));
    assert_non_null(strstr(err.message, "too long"));
}

#define BEGIN(what) "-----BEGIN " what "-----\n"
#define END(what) "-----END " what "-----\n"

TEST(what_is_no_certificate)
{
    static const char *const cases[] = {
        "",
        "nonsense",
        BEGIN("CERTIFICATE"),
        BEGIN("CERTIFICATE") "bm9uc2Vuc2U=\n" END("CERTIFICATE"),
        BEGIN("PRIVATE KEY") "bm9uc2Vuc2U=\n" END("PRIVATE KEY"),
    };
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(callback_ca_check(cases[i], "/x/ca.pem", &err), -1);
        assert_non_null(strstr(err.message, "SOCKERLESS_CALLBACK_CA_FILE: /x/ca.pem must hold"));
    }
}

/* A certificate's file often has its key behind it. */
TEST(a_key_is_not_handed_out)
{
    static const char certificate[] =
        "-----BEGIN CERTIFICATE-----\n"
        "MIIBdTCCARugAwIBAgIUX1ULSX4Xgw/GT61fDyClCn9y8f0wCgYIKoZIzj0EAwIw\n"
        "DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjIwNTIxMTVaGA8yMTI2MTAyOTA1MjEx\n"
        "NVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABE48\n"
        "NW7ykzbgUpPIF+OYg31NnIQvVyTwwgzEwmZiuvRokFmK8X1M7t5xX71elU6FhpZ6\n"
        "Qu9zX+HTxAkYjpPBugWjUzBRMB0GA1UdDgQWBBSEfBb6N+dtPbtsD7KMxPSPIkFw\n"
        "EzAfBgNVHSMEGDAWgBSEfBb6N+dtPbtsD7KMxPSPIkFwEzAPBgNVHRMBAf8EBTAD\n"
        "AQH/MAoGCCqGSM49BAMCA0gAMEUCIQD3GtPzU8pmJbBFBo9q14+gGfY4hGJ9jhDh\n"
        "laRSSYD32AIgNsPknwjsjF9V3/TNVq0QHut/IR9nF/j2FsHBq86srPQ=\n"
        "-----END CERTIFICATE-----\n";
    struct error err;
    assert_int_equal(callback_ca_check(certificate, "/x/ca.pem", &err), 0);
    AUTO_FREE char *both =
        xasprintf("%s%s", certificate, BEGIN("PRIVATE KEY") "MC4=\n" END("PRIVATE KEY"));
    assert_int_equal(callback_ca_check(both, "/x/ca.pem", &err), -1);
    assert_null(strstr(err.message, "MC4="));
    AUTO_FREE char *two = xasprintf("%s%s", certificate, certificate);
    assert_int_equal(callback_ca_check(two, "/x/ca.pem", &err), 0);
}
