/* SPDX-License-Identifier: Apache-2.0
 * libcurl's result codes as messages; see http_error.h. */
#include "loop/http_error.h"

#include "base/alloc.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* What a failure is about: decides which facts the text names. */
enum failure_kind {
    FAILED_LOOKUP,  /* the host's name */
    FAILED_CONNECT, /* address and errno */
    FAILED_READ,    /* address and errno */
    FAILED_WRITE,
    FAILED_TLS,
    FAILED_PLAIN, /* the fixed text */
};

static const struct failure {
    CURLcode curl;
    enum failure_kind kind;
    enum error_code code;
    const char *text;
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, FAILED_LOOKUP, ERROR_UNAVAILABLE, "no such host"},
    {CURLE_COULDNT_CONNECT, FAILED_CONNECT, ERROR_UNAVAILABLE, "cannot connect"},
    {CURLE_OPERATION_TIMEDOUT, FAILED_PLAIN, ERROR_UNAVAILABLE, "connect: i/o timeout"},
    {CURLE_RECV_ERROR, FAILED_READ, ERROR_UNAVAILABLE, "connection reset"},
    {CURLE_SEND_ERROR, FAILED_WRITE, ERROR_UNAVAILABLE, "connection reset"},
    {CURLE_GOT_NOTHING, FAILED_PLAIN, ERROR_UNAVAILABLE, "EOF: closed without an answer"},
    {CURLE_PARTIAL_FILE, FAILED_PLAIN, ERROR_UNAVAILABLE, "unexpected EOF"},
    {CURLE_PEER_FAILED_VERIFICATION, FAILED_TLS, ERROR_UNAVAILABLE, NULL},
    {CURLE_SSL_CONNECT_ERROR, FAILED_TLS, ERROR_UNAVAILABLE, NULL},
    {CURLE_SSL_CERTPROBLEM, FAILED_TLS, ERROR_UNAVAILABLE, NULL},
    {CURLE_SSL_CACERT_BADFILE, FAILED_TLS, ERROR_UNAVAILABLE, NULL},
    {CURLE_TOO_MANY_REDIRECTS, FAILED_PLAIN, ERROR_UNAVAILABLE, "too many redirects"},
    {CURLE_FILESIZE_EXCEEDED, FAILED_PLAIN, ERROR_TOO_LARGE, "the answer is too large"},
    {CURLE_UNSUPPORTED_PROTOCOL, FAILED_PLAIN, ERROR_UNAVAILABLE,
     "malformed HTTP response, or an address that is neither http nor https"},
    {CURLE_URL_MALFORMAT, FAILED_PLAIN, ERROR_INVALID_PARAMETER, "malformed URL"},
};

int http_peer_parse(const char *url, struct http_peer *out, struct error *err)
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    int rc = -1;
    if (parts && !curl_url_set(parts, CURLUPART_URL, url, 0) &&
        !curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) &&
        (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
        !curl_url_get(parts, CURLUPART_HOST, &host, 0) && *host &&
        !curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT)) {
        snprintf(out->host, sizeof out->host, "%s", host);
        snprintf(out->host_port, sizeof out->host_port, "%s:%s", out->host, port);
        rc = 0;
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return rc ? error_set(err, ERROR_INVALID_PARAMETER, "%.200s: not an http or https URL", url)
              : 0;
}

/* The operating system's word, in lower case as Go prints it: libcurl's errno for a connect, else
 * what follows in "Recv failure: Connection reset by peer". (Its errno is not reset between the
 * uses of a handle.) */
static void cause_text(CURL *easy, const struct failure *f, const char *detail, char *out,
                       size_t size)
{
    static const char *const marks[] = {"Recv failure: ", "Send failure: "};
    const char *text = f->text;
    long os_errno = 0;
    if (f->kind == FAILED_CONNECT)
        curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
    if (os_errno > 0)
        text = strerror((int)os_errno);
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        const char *found = strstr(detail, marks[i]);
        if (found)
            text = found + strlen(marks[i]);
    }
    snprintf(out, size, "%s", str_or_empty(text));
    out[0] = (char)tolower((unsigned char)out[0]);
}

int http_error_set(struct error *err, CURL *easy, CURLcode code, const struct http_peer *peer,
                   const char *detail)
{
    const struct failure *f = failures;
    const struct failure *end = failures + ARRAY_LEN(failures);
    while (f < end && f->curl != code)
        f++;
    const char *words = str_empty(detail) ? curl_easy_strerror(code) : detail;
    if (f == end)
        return error_set(err, ERROR_UNAVAILABLE, "%s: %s", peer->host_port, words);
    char cause[128];
    cause_text(easy, f, detail, cause, sizeof cause);
    switch (f->kind) {
    case FAILED_LOOKUP:
        return error_set(err, f->code, "dial tcp: lookup %s: %s", peer->host, f->text);
    case FAILED_CONNECT:
        return error_set(err, f->code, "dial tcp %s: connect: %s", peer->host_port, cause);
    case FAILED_READ: return error_set(err, f->code, "read tcp %s: %s", peer->host_port, cause);
    case FAILED_WRITE: return error_set(err, f->code, "write tcp %s: %s", peer->host_port, cause);
    case FAILED_TLS: return error_set(err, f->code, "tls: %s: %s", peer->host_port, words);
    case FAILED_PLAIN: break;
    }
    return error_set(err, f->code, "%s: %s", peer->host_port, f->text);
}
