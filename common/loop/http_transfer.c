/* SPDX-License-Identifier: Apache-2.0
 *
 * One exchange on a libcurl handle; see http_transfer.h. Turns a request into libcurl's options,
 * keeps what comes within its limits, and libcurl's outcome into an error.
 */
#include "loop/http_transfer.h"

#include "base/alloc.h"
#include "base/timefmt.h"
#include "loop/http_url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    DEFAULT_CONNECT_TIMEOUT_MS = 5000,
    DEFAULT_TIMEOUT_MS = 30000,
    HEADERS_MAX_BYTES = 256 * 1024,
    HEADERS_MAX_COUNT = 512,
    REDIRECTS_MAX = 5,
    EXPECT_THRESHOLD = 1024 * 1024, /* bodies from which libcurl would wait for 100-continue */
    SEND_BUFFER = 256 * 1024,       /* for those */
};

/* ---- what arrives ---- */

size_t http_transfer_abort(struct http_transfer *t)
{
    t->aborted = true;
    return 0; /* libcurl: fewer bytes taken than given ends the transfer */
}

static void headers_restart(struct http_transfer *t)
{
    strv_free(&t->res->headers);
    t->res->headers = STRV_INIT;
    t->header_bytes = 0;
    t->headers_over = false;
}

/* Called for each line of every response: interim ones, redirects, and trailers too. */
static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_transfer *t = arg;
    size_t given = size * count, len = given;
    while (len && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
        len--;
    if (len >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        headers_restart(t);
        return given;
    }
    if (t->headers_over)
        return given;
    if (len == 0) {
        t->headers_over = true;
        if (t->head)
            t->head(t);
        return given;
    }
    t->header_bytes += len;
    if (t->header_bytes > HEADERS_MAX_BYTES || t->res->headers.count >= HEADERS_MAX_COUNT) {
        error_set(&t->abort_error, ERROR_TOO_LARGE, "%s: the answer's headers are too large",
                  t->peer.host_port);
        return http_transfer_abort(t);
    }
    while (len && (bytes[len - 1] == ' ' || bytes[len - 1] == '\t'))
        len--; /* RFC 9110: blanks around a value are not part of it */
    strv_push_owned(&t->res->headers, xstrndup(bytes, len));
    return given;
}

static size_t body_too_large(struct http_transfer *t)
{
    error_set(&t->abort_error, ERROR_TOO_LARGE, "%s: the answer is larger than %zu bytes",
              t->peer.host_port, t->max_body);
    return http_transfer_abort(t);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_transfer *t = arg;
    size_t len = size * count;
    if (t->body_seen == 0) {
        curl_off_t announced = -1;
        curl_easy_getinfo(t->job.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
        if (announced > 0 && (uint64_t)announced > t->max_body)
            return body_too_large(t);
    }
    if (len > t->max_body - t->body_seen)
        return body_too_large(t);
    size_t taken = t->body(t, bytes, len);
    if (taken == len)
        t->body_seen += len;
    return taken;
}

static void on_done(struct http_job *job, CURLcode result)
{
    struct http_transfer *t = CONTAINER_OF(job, struct http_transfer, job);
    t->done = true;
    t->result = result;
    http_transfer_wake(t);
}

/* ---- what is sent ---- */

/* A value from outside (a token, say) must not smuggle in another header. */
static bool header_is_clean(const char *line)
{
    for (; *line; line++)
        if ((unsigned char)*line < 0x20 && *line != '\t')
            return false;
    return true;
}

static bool header_is(const char *line, const char *name)
{
    size_t n = strlen(name);
    return strncasecmp(line, name, n) == 0 && line[n] == ':';
}

static void headers_push(struct http_transfer *t, const char *line)
{
    struct curl_slist *longer = curl_slist_append(t->headers, line);
    if (!longer)
        abort(); /* out of memory */
    t->headers = longer;
}

static int set_headers(struct http_transfer *t, const struct http_request *req, struct error *err)
{
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
        curl_easy_setopt(t->job.easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BUFFER);
        if (req->aws_sigv4) /* libcurl would sign the header that is not sent */
            curl_easy_setopt(t->job.easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
        else
            headers_push(t, "Expect:");
    }
    curl_easy_setopt(t->job.easy, CURLOPT_HTTPHEADER, t->headers);
    return 0;
}

static void set_method(struct http_transfer *t, const struct http_request *req)
{
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
    /* Only where libcurl does not do it itself, since a forced method also survives a 303. */
    if (!is_post && (req->body || strcmp(method, "GET") != 0))
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static void set_connection(struct http_transfer *t, const struct http_request *req)
{
    const struct http_client *c = t->client;
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
    /* A proxy's answer to CONNECT is not the answer. */
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    /* libcurl still reads its default directory of hashed CAs: the file adds to the system's. */
    const char *ca_file = req->ca_file ? req->ca_file : c->ca_file;
    if (ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    if (http_host_is_loopback(t->peer.host)) /* as Go: never through $http_proxy */
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

static int setup(struct http_transfer *t, const struct http_request *req, struct error *err)
{
    CURL *easy = t->job.easy;
    curl_easy_setopt(easy, CURLOPT_URL, req->url);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->detail);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    set_connection(t, req);
    set_method(t, req);
    return set_headers(t, req, err);
}

/* ---- the exchange ---- */

int http_transfer_init(struct http_client *c, const struct http_request *req,
                       struct http_transfer *t, struct error *err)
{
    t->client = c;
    t->timeout_ms = req->timeout_ms > 0 ? req->timeout_ms : DEFAULT_TIMEOUT_MS;
    t->timeout_is_idle = req->timeout_is_idle;
    t->max_body = req->max_body;
    t->job.done = on_done;
    if (http_peer_parse(req->url, &t->peer, err))
        return -1;
    c->under_way++;
    t->job.easy = http_multi_take(c->multi);
    return setup(t, req, err);
}

void http_transfer_add_header(struct http_transfer *t, const char *line)
{
    headers_push(t, line);
    curl_easy_setopt(t->job.easy, CURLOPT_HTTPHEADER, t->headers);
}

int http_transfer_start(struct http_transfer *t, struct error *err)
{
    http_transfer_rearm(t);
    return http_multi_add(t->client->multi, &t->job, err);
}

/* Headers may hold credentials. */
static void headers_free(struct curl_slist *list)
{
    for (struct curl_slist *item = list; item; item = item->next)
        explicit_bzero(item->data, strlen(item->data));
    curl_slist_free_all(list);
}

void http_transfer_fini(struct http_transfer *t)
{
    if (!t->job.easy)
        return;
    http_multi_remove(t->client->multi, &t->job);
    http_multi_give(t->client->multi, t->job.easy);
    headers_free(t->headers);
    t->job.easy = NULL;
    t->client->under_way--;
}

static int64_t bytes_moved(const struct http_transfer *t)
{
    curl_off_t up = 0, down = 0;
    curl_easy_getinfo(t->job.easy, CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(t->job.easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    return (int64_t)up + (int64_t)down;
}

void http_transfer_rearm(struct http_transfer *t)
{
    t->moved = t->timeout_is_idle ? bytes_moved(t) : 0;
    t->deadline_ms = time_mono_ms() + t->timeout_ms;
}

static int wait_failed(struct http_transfer *t, struct error *err)
{
    http_multi_remove(t->client->multi, &t->job);
    if (err->code != ERROR_DEADLINE)
        return error_wrap(err, "%s", t->peer.host_port);
    if (t->timeout_is_idle)
        return error_set(err, ERROR_DEADLINE, "%s: stalled: nothing moved for %lld ms",
                         t->peer.host_port, (long long)t->timeout_ms);
    return error_set(err, ERROR_DEADLINE, "%s: no complete answer within %lld ms",
                     t->peer.host_port, (long long)t->timeout_ms);
}

int co_http_transfer_wait(struct http_transfer *t, struct error *err)
{
    for (;;) {
        t->waiter = co_current();
        int rc = co_suspend(t->deadline_ms, err);
        t->waiter = NULL;
        if (rc == 0 || t->done)
            return rc == 0 || err->code == ERROR_DEADLINE ? 0 : wait_failed(t, err);
        if (err->code != ERROR_DEADLINE || !t->timeout_is_idle || bytes_moved(t) == t->moved)
            return wait_failed(t, err);
        http_transfer_rearm(t);
    }
}

void http_transfer_wake(struct http_transfer *t)
{
    if (t->waiter)
        co_wake(t->waiter);
}

void http_transfer_note_head(struct http_transfer *t)
{
    char *url = NULL;
    curl_easy_getinfo(t->job.easy, CURLINFO_RESPONSE_CODE, &t->res->status);
    curl_easy_getinfo(t->job.easy, CURLINFO_EFFECTIVE_URL, &url);
    snprintf(t->res->final_url, sizeof t->res->final_url, "%s", str_or_empty(url));
}

bool http_transfer_sent(const struct http_transfer *t)
{
    long bytes = 0;
    if (t->job.easy)
        curl_easy_getinfo(t->job.easy, CURLINFO_REQUEST_SIZE, &bytes);
    return bytes > 0;
}

int http_transfer_outcome(struct http_transfer *t, struct error *err)
{
    http_transfer_note_head(t);
    if (t->aborted) {
        *err = t->abort_error;
        return -1;
    }
    if (t->result == CURLE_OK)
        return 0;
    struct http_peer last = t->peer; /* after a redirect the trouble is with another host */
    struct error ignored;
    if (http_peer_parse(t->res->final_url, &last, &ignored))
        last = t->peer;
    return http_error_set(err, t->job.easy, t->result, &last, t->detail);
}
