/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP client: one exchange a call, seen by the calling coroutine as a function. Sets up an easy
 * handle, hands it to http_multi.c, sleeps until it is done, and turns the outcome into a response
 * or an error. Stands under everything that talks to a cloud API or a registry.
 */
#include "loop/http_client.h"

#include "base/alloc.h"
#include "base/timefmt.h"
#include "loop/co.h"
#include "loop/http_error.h"
#include "loop/http_multi.h"

#include <arpa/inet.h>
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    DEFAULT_CONNECTIONS = 64,
    DEFAULT_CONNECT_TIMEOUT_MS = 5000,
    DEFAULT_TIMEOUT_MS = 30000,
    DEFAULT_MAX_BODY = 16 * 1024 * 1024,
    HEADERS_MAX_BYTES = 256 * 1024,
    HEADERS_MAX_COUNT = 512,
    REDIRECTS_MAX = 5,
    EXPECT_THRESHOLD = 1024 * 1024, /* bodies from which libcurl would wait for 100-continue */
};

struct http_client {
    struct http_multi *multi;
    char *ca_file;
    char *user_agent;
    unsigned under_way;
};

/* Lives on the stack of the coroutine, which leaves only when libcurl has let go of it. */
struct transfer {
    struct http_job job;
    struct co *owner;
    const struct http_request *req;
    struct http_response *res;
    struct http_peer peer;
    struct curl_slist *headers;
    size_t max_body, body_seen;
    size_t header_bytes;
    bool headers_over;  /* what comes now are trailers, until the next status line */
    bool done, aborted; /* aborted: abort_error says why we stopped it */
    CURLcode result;
    struct error abort_error;
    char detail[CURL_ERROR_SIZE];
};

int http_client_open(struct loop *l, const struct http_client_options *options,
                     struct http_client **out, struct error *err)
{
    static const struct http_client_options defaults;
    if (!options)
        options = &defaults;
    /* OpenSSL writes without MSG_NOSIGNAL: a peer that resets would end the process. */
    signal(SIGPIPE, SIG_IGN);
    struct http_client *c = NEW(struct http_client);
    int max = options->max_connections > 0 ? options->max_connections : DEFAULT_CONNECTIONS;
    if (http_multi_open(l, max, &c->multi, err)) {
        free(c);
        return error_wrap(err, "http client");
    }
    c->ca_file = options->ca_file ? xstrdup(options->ca_file) : NULL;
    c->user_agent = xstrdup(options->user_agent ? options->user_agent : "sockerless");
    *out = c;
    return 0;
}

void http_client_close(struct http_client *c)
{
    if (!c)
        return;
    assert(c->under_way == 0);
    http_multi_close(c->multi);
    free(c->ca_file);
    free(c->user_agent);
    free(c);
}

/* ---- what arrives ---- */

static size_t transfer_abort(struct transfer *t)
{
    t->aborted = true;
    return 0; /* libcurl: fewer bytes taken than given ends the transfer */
}

static void headers_restart(struct transfer *t)
{
    strv_free(&t->res->headers);
    t->res->headers = STRV_INIT;
    t->header_bytes = 0;
    t->headers_over = false;
}

/* Called for each line of every response: interim ones, redirects, and trailers too. */
static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t given = size * count, len = given;
    while (len && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
        len--;
    if (len >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        headers_restart(t);
        return given;
    }
    if (len == 0)
        t->headers_over = true;
    if (t->headers_over)
        return given;
    t->header_bytes += len;
    if (t->header_bytes > HEADERS_MAX_BYTES || t->res->headers.count >= HEADERS_MAX_COUNT) {
        error_set(&t->abort_error, ERROR_TOO_LARGE, "%s: the answer's headers are too large",
                  t->peer.host_port);
        return transfer_abort(t);
    }
    while (len && (bytes[len - 1] == ' ' || bytes[len - 1] == '\t'))
        len--; /* RFC 9110: blanks around a value are not part of it */
    strv_push_owned(&t->res->headers, xstrndup(bytes, len));
    return given;
}

static size_t body_too_large(struct transfer *t)
{
    error_set(&t->abort_error, ERROR_TOO_LARGE, "%s: the answer is larger than %zu bytes",
              t->peer.host_port, t->max_body);
    return transfer_abort(t);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * count;
    if (t->body_seen == 0) {
        curl_off_t announced = -1;
        curl_easy_getinfo(t->job.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
        if (announced > 0 && (uint64_t)announced > t->max_body)
            return body_too_large(t);
        if (announced > 0 && !t->req->on_body)
            buf_reserve(&t->res->body, (size_t)announced);
    }
    if (len > t->max_body - t->body_seen)
        return body_too_large(t);
    t->body_seen += len;
    if (!t->req->on_body) {
        buf_append(&t->res->body, bytes, len);
        return len;
    }
    if (t->req->on_body(t->req->on_body_arg, bytes, len) == 0)
        return len;
    error_set(&t->abort_error, ERROR_CANCELLED, "%s: the receiver stopped reading the answer",
              t->peer.host_port);
    return transfer_abort(t);
}

static void on_done(struct http_job *job, CURLcode result)
{
    struct transfer *t = CONTAINER_OF(job, struct transfer, job);
    t->done = true;
    t->result = result;
    co_wake(t->owner);
}

/* ---- what is sent ---- */

static bool header_is(const char *line, const char *name)
{
    size_t n = strlen(name);
    return strncasecmp(line, name, n) == 0 && line[n] == ':';
}

/* A value from outside (a token, say) must not smuggle in another header. */
static bool header_is_clean(const char *line)
{
    for (; *line; line++)
        if ((unsigned char)*line < 0x20 && *line != '\t')
            return false;
    return true;
}

static void headers_push(struct transfer *t, const char *line)
{
    struct curl_slist *longer = curl_slist_append(t->headers, line);
    if (!longer)
        abort(); /* out of memory */
    t->headers = longer;
}

static int set_headers(struct transfer *t, struct error *err)
{
    const struct http_request *req = t->req;
    bool has_type = false;
    for (const char *const *h = req->headers; h && *h; h++) {
        if (!header_is_clean(*h))
            return error_set(err, ERROR_INVALID_PARAMETER,
                             "%s: a request header holds control characters", t->peer.host_port);
        has_type = has_type || header_is(*h, "Content-Type");
        headers_push(t, *h);
    }
    if (req->body && !has_type && !req->aws_sigv4)
        headers_push(t, "Content-Type:"); /* or libcurl says it is a form */
    if (req->body_len >= EXPECT_THRESHOLD) {
        if (req->aws_sigv4) /* libcurl would sign the header that is not sent */
            curl_easy_setopt(t->job.easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
        else
            headers_push(t, "Expect:");
    }
    curl_easy_setopt(t->job.easy, CURLOPT_HTTPHEADER, t->headers);
    return 0;
}

static void set_method(struct transfer *t)
{
    const struct http_request *req = t->req;
    CURL *easy = t->job.easy;
    const char *method = req->method ? req->method : "GET";
    if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    bool is_post = strcmp(method, "POST") == 0;
    if (is_post || req->body || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, req->body ? req->body : "");
    }
    /* Only where libcurl cannot know it, since a forced method also survives a 303. */
    if (!is_post && (req->body || strcmp(method, "GET") != 0))
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static bool host_is_loopback(const char *host)
{
    struct in_addr address;
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

static void set_connection(struct http_client *c, struct transfer *t)
{
    const struct http_request *req = t->req;
    CURL *easy = t->job.easy;
    int64_t connect_ms =
        req->connect_timeout_ms > 0 ? req->connect_timeout_ms : DEFAULT_CONNECT_TIMEOUT_MS;
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    /* Giving up on a slow name lookup must not wait for its thread. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, c->user_agent);
    /* libcurl still reads its default directory of hashed CAs: the file adds to the system's. */
    const char *ca_file = req->ca_file ? req->ca_file : c->ca_file;
    if (ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    if (host_is_loopback(t->peer.host)) /* as Go: never through $http_proxy */
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (req->never_twice)
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    if (req->follow_redirects) {
        /* libcurl keeps Authorization to the first scheme, host and port (UNRESTRICTED_AUTH 0). */
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    }
    if (req->aws_sigv4) {
        curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, req->aws_sigv4);
        curl_easy_setopt(easy, CURLOPT_USERNAME, str_or_empty(req->aws_access_key));
        curl_easy_setopt(easy, CURLOPT_PASSWORD, str_or_empty(req->aws_secret_key));
    }
}

static int transfer_setup(struct http_client *c, struct transfer *t, struct error *err)
{
    CURL *easy = t->job.easy;
    curl_easy_setopt(easy, CURLOPT_URL, t->req->url);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->detail);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    set_connection(c, t);
    set_method(t);
    return set_headers(t, err);
}

/* ---- the exchange ---- */

static int co_transfer_wait(struct http_client *c, struct transfer *t, struct error *err)
{
    int64_t limit_ms = t->req->timeout_ms > 0 ? t->req->timeout_ms : DEFAULT_TIMEOUT_MS;
    int64_t deadline_ms = time_mono_ms() + limit_ms;
    while (!t->done) {
        if (co_suspend(deadline_ms, err) == 0)
            continue;
        http_multi_remove(c->multi, &t->job);
        if (err->code == ERROR_DEADLINE)
            return error_set(err, ERROR_DEADLINE, "%s: no complete answer within %lld ms",
                             t->peer.host_port, (long long)limit_ms);
        return error_wrap(err, "%s", t->peer.host_port);
    }
    return 0;
}

static int transfer_outcome(struct transfer *t, struct error *err)
{
    char *url = NULL;
    curl_easy_getinfo(t->job.easy, CURLINFO_RESPONSE_CODE, &t->res->status);
    curl_easy_getinfo(t->job.easy, CURLINFO_EFFECTIVE_URL, &url);
    snprintf(t->res->final_url, sizeof t->res->final_url, "%s", str_or_empty(url));
    if (t->aborted) {
        *err = t->abort_error;
        return -1;
    }
    if (t->result == CURLE_OK)
        return 0;
    struct http_peer last = t->peer; /* after a redirect the trouble is with another host */
    struct error ignored;
    if (url && http_peer_parse(url, &last, &ignored))
        last = t->peer;
    return http_error_set(err, t->job.easy, t->result, &last, t->detail);
}

int co_http_do(struct http_client *c, const struct http_request *req, struct http_response *res,
               struct error *err)
{
    *res = (struct http_response){0};
    struct transfer t = {.req = req, .res = res, .owner = co_current(), .job.done = on_done};
    t.max_body = req->max_body ? req->max_body : DEFAULT_MAX_BODY;
    if (http_peer_parse(req->url, &t.peer, err))
        return -1;
    c->under_way++;
    t.job.easy = http_multi_take(c->multi);
    int rc = transfer_setup(c, &t, err);
    if (rc == 0)
        rc = http_multi_add(c->multi, &t.job, err);
    if (rc == 0)
        rc = co_transfer_wait(c, &t, err);
    if (rc == 0)
        rc = transfer_outcome(&t, err);
    http_multi_give(c->multi, t.job.easy);
    curl_slist_free_all(t.headers);
    c->under_way--;
    return rc;
}

void http_response_free(struct http_response *res)
{
    buf_free(&res->body);
    strv_free(&res->headers);
    res->headers = STRV_INIT;
}

const char *http_response_header(const struct http_response *res, const char *name)
{
    for (size_t i = 0; i < res->headers.count; i++) {
        const char *line = res->headers.items[i];
        if (!header_is(line, name))
            continue;
        line += strlen(name) + 1;
        return line + strspn(line, " \t");
    }
    return NULL;
}
