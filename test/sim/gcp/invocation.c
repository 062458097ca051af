/* SPDX-License-Identifier: Apache-2.0
 * A request to a service: who calls, an instance with room for it, the answer; see service.h.
 * Google's front end answers in HTML where it refuses. The request is held open until the container
 * has answered or the revision's timeout is over, whether its sender still waits or not. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/str.h"
#include "test/sim/gcp/id_token.h"
#include "test/sim/gcp/service.h"
#include "test/sim/host/runner.h"
#include "test/sim/http/call_counts.h"
#include "test/sim/http/fault.h"
#include "test/sim/http/form.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

enum {
    ANSWER_MAX = 32 * 1024 * 1024,
    HEADERS_MAX = 14,
    TRIES_MAX = 5, /* instances that do not even accept the connection */
    SETTLE_MS = 50 /* a container that ends after its answer gets no other request */
};

/* One delivery of a request. */
struct invocation {
    struct invocation *prev, *next;
    struct gcp *gcp;
    char service[SERVICE_ID_MAX + 1];
    const struct instance *instance; /* NULL: it waits for one */
    int64_t started_ns;
    /* The request, owned. */
    char *method, *path, *body;
    size_t body_len;
    struct curl_slist *headers;
    /* The answer. */
    int status;
    struct strv lines; /* "Name: value" */
    struct buf answer;
    bool too_large;
};

json_t *invocation_list_json(const struct run *run)
{
    json_t *out = json_array();
    for (const struct invocation *v = run->invocations; v; v = v->next)
        json_array_append_new(out,
                              json_pack("{s:s, s:s, s:s, s:i}", "service", v->service, "instance",
                                        v->instance ? v->instance->id : "", "revision",
                                        v->instance ? v->instance->revision->id : "", "pid",
                                        v->instance ? process_pid(&v->instance->process) : 0));
    return out;
}

/* ---- answers of the front end ---- */

static void front_end(struct invocation *v, int status, const char *text)
{
    v->status = status;
    strv_free(&v->lines);
    strv_push(&v->lines, "Content-Type: text/html; charset=UTF-8");
    buf_clear(&v->answer);
    buf_puts(&v->answer, text);
}

static void refuse(struct http_reply *reply, int status, const char *title, const char *text)
{
    AUTO_FREE char *page =
        xasprintf("<html><head>\n<title>%d %s</title>\n</head>\n<body>\n<h1>Error: %s</h1>\n"
                  "<h2>%s</h2>\n</body></html>\n",
                  status, title, title, text);
    http_reply_text(reply, status, "text/html; charset=UTF-8", page);
}

/* Says what is wrong of an error as Cloud Run does, with what the simulator knows. */
static void unavailable(struct invocation *v, const char *why)
{
    AUTO_FREE char *text = xasprintf("Service Unavailable: %s", why);
    front_end(v, 503, text);
}

/* ---- an instance ---- */

static long timeout_ms(const struct revision *r)
{
    int64_t ns;
    return duration_parse_seconds(value_string(r->template, "timeout"), &ns) ? ns / 1000000
                                                                             : 300 * 1000;
}

static struct instance *with_room(const struct revision *r)
{
    unsigned room = (unsigned)value_int(r->template, "maxInstanceRequestConcurrency", 1);
    for (struct instance *i = r->instances; i; i = i->next)
        if (i->state == INSTANCE_READY && !i->end_requested && !i->process.ended &&
            i->in_flight < room)
            return i;
    return NULL;
}

static bool may_start(const struct revision *r)
{
    const json_t *scaling = json_object_get(r->template, "scaling");
    int64_t most = value_int(scaling, "maxInstanceCount", INSTANCES_MAX);
    int64_t alive = 0;
    for (const struct instance *i = r->instances; i; i = i->next)
        alive += i->state != INSTANCE_ENDING;
    return alive < most && r->service->run->instance_count < INSTANCES_MAX;
}

/* An instance of the ready revision that this request alone starts; NULL: answered. */
static struct instance *start_own(struct invocation *v, struct revision *r)
{
    struct run *run = r->service->run;
    struct instance *i = instance_start(r);
    if (!i) {
        unavailable(v, "no thread for an instance");
        return NULL;
    }
    instance_keep(i);
    i->in_flight++; /* it is this request's from the beginning */
    while (i->state == INSTANCE_STARTING)
        pthread_cond_wait(&run->changed, &run->lock);
    if (i->state == INSTANCE_READY)
        return i;
    unavailable(v, i->fate.status ? i->fate.message : "the instance has ended");
    i->in_flight--;
    instance_let_go(i);
    return NULL;
}

/* Takes one with room, starts one, or waits until there is one. NULL: answered. */
static struct instance *take_instance(struct invocation *v)
{
    struct run *run = v->gcp->run;
    int64_t until = value_now_ms() + v->gcp->tuning.queue_ms;
    for (;;) {
        struct service *s = service_find(run, v->service);
        struct revision *r = s ? s->ready : NULL;
        if (!r || v->gcp->closing) {
            front_end(v, s ? 503 : 404, s ? "Service Unavailable" : "Page not found");
            return NULL;
        }
        if (r->is_stub) {
            front_end(v, 200, "Hello, World!");
            return NULL;
        }
        struct instance *i = with_room(r);
        if (i) {
            i->in_flight++;
            instance_keep(i);
            return i;
        }
        if (may_start(r))
            return start_own(v, r);
        struct timespec slice = runner_deadline(100);
        (void)!pthread_cond_timedwait(&run->changed, &run->lock, &slice);
        if (value_now_ms() >= until) {
            front_end(v, 429,
                      "Rate exceeded. The request was aborted because there was no "
                      "available instance.");
            return NULL;
        }
    }
}

static void give_back(struct invocation *v, struct instance *i)
{
    i->in_flight--;
    i->idle_ms = value_now_ms();
    v->instance = NULL;
    pthread_cond_broadcast(&i->changed);
    pthread_cond_broadcast(&v->gcp->run->changed);
    instance_let_go(i);
}

/* ---- the way to it ---- */

static size_t take_answer(char *bytes, size_t size, size_t count, void *ctx)
{
    struct invocation *v = ctx;
    v->too_large = v->answer.len + size * count > ANSWER_MAX;
    if (v->too_large)
        return 0;
    buf_append(&v->answer, bytes, size * count);
    return size * count;
}

/* Headers of one connection only. */
static bool is_hop(const char *name, size_t len)
{
    static const char *const names[] = {"Connection", "Content-Length",    "Expect",
                                        "Keep-Alive", "Transfer-Encoding", "Upgrade"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (len == strlen(names[i]) && !strncasecmp(name, names[i], len))
            return true;
    return false;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *ctx)
{
    struct invocation *v = ctx;
    size_t len = size * count, name = 0;
    while (name < len && bytes[name] != ':')
        name++;
    if (name < len && !is_hop(bytes, name) && v->lines.count < HEADERS_MAX) {
        char *line = xstrndup(bytes, len);
        line[strcspn(line, "\r\n")] = '\0';
        strv_push_owned(&v->lines, line);
    }
    return len;
}

static int is_closing(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct invocation *v = ctx;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return v->gcp->closing;
}

static CURL *handle_new(struct invocation *v, const char *url, long patience_ms)
{
    CURL *h = curl_easy_init();
    curl_easy_setopt(h, CURLOPT_URL, url);
    curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, v->method);
    if (!strcmp(v->method, "HEAD"))
        curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
    if (v->body_len) {
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, v->body);
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)v->body_len);
    } else if (!strcmp(v->method, "POST")) {
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, "");
    }
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, v->headers);
    curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, patience_ms);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, v);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, v);
    curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, is_closing);
    curl_easy_setopt(h, CURLOPT_XFERINFODATA, v);
    curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
    return h;
}

/* Without the lock. False: the connection was not accepted, nothing was sent. */
static bool forward(struct invocation *v, const char *address, long port, long patience_ms)
{
    long status = 0;
    AUTO_FREE char *url = xasprintf("http://%s:%ld%s", address, port, v->path);
    CURL *h = handle_new(v, url, patience_ms);
    CURLcode rc = curl_easy_perform(h);
    curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
    v->status = (int)status;
    if (rc == CURLE_OPERATION_TIMEDOUT)
        front_end(v, 504, "upstream request timeout");
    else if (v->too_large)
        front_end(v, 500, "Response size was too large. Please consider reducing response size.");
    else if (rc != CURLE_OK)
        front_end(v, 503,
                  "upstream connect error or disconnect/reset before headers. reset "
                  "reason: connection termination");
    curl_easy_cleanup(h);
    return rc != CURLE_COULDNT_CONNECT;
}

/* With the lock; false: the instance was gone already, another one may be asked. */
static bool ask(struct invocation *v, struct instance *i)
{
    struct run *run = v->gcp->run;
    char address[16];
    long port = instance_port(i->revision), patience_ms = timeout_ms(i->revision);
    v->instance = i;
    snprintf(address, sizeof address, "%s", i->endpoint.address);
    pthread_mutex_unlock(&run->lock);
    bool sent = forward(v, address, port, patience_ms);
    pthread_mutex_lock(&run->lock);
    struct timespec until = runner_deadline(SETTLE_MS);
    while (!i->process.ended && !v->gcp->closing)
        if (pthread_cond_timedwait(&i->changed, &run->lock, &until) == ETIMEDOUT)
            break;
    i->end_requested = i->end_requested || !sent;
    give_back(v, i);
    return sent;
}

static void deliver(struct invocation *v)
{
    struct run *run = v->gcp->run;
    pthread_mutex_lock(&run->lock);
    v->started_ns = value_now_ms() * 1000000;
    DL_APPEND(run->invocations, v);
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        struct instance *i = take_instance(v);
        if (!i || ask(v, i))
            break;
    }
    DL_DELETE(run->invocations, v);
    pthread_mutex_unlock(&run->lock);
    log_debug("invocation", LOG_STR("service", v->service), LOG_INT("status", v->status));
}

/* ---- the request ---- */

/* The container sees who calls, but not what would let it call elsewhere in that name. */
static void push_header(struct invocation *v, const char *name, const char *value)
{
    const char *last = !strcasecmp(name, "Authorization") ? strrchr(value, '.') : NULL;
    if (is_hop(name, strlen(name)))
        return;
    AUTO_FREE char *line =
        last ? xasprintf("%s: %.*s.SIGNATURE_REMOVED_BY_GOOGLE", name, (int)(last - value), value)
             : xasprintf("%s: %s", name, value);
    v->headers = curl_slist_append(v->headers, line);
}

static struct invocation *invocation_new(struct gcp *gcp, const char *service,
                                         const struct http_request *request, const char *path)
{
    struct invocation *v = NEW(struct invocation);
    v->gcp = gcp;
    snprintf(v->service, sizeof v->service, "%s", service);
    v->method = xstrdup(request->method);
    v->path = *request->query ? xasprintf("%s?%s", path, request->query) : xstrdup(path);
    v->body = xmalloc(request->body_len + 1);
    memcpy(v->body, request->body, request->body_len);
    v->body_len = request->body_len;
    for (size_t i = 0; i < request->header_count; i++)
        push_header(v, request->headers[i].name, request->headers[i].value);
    push_header(v, "X-Forwarded-Proto", "https");
    v->headers = curl_slist_append(v->headers, "Expect:");
    return v;
}

static void invocation_free(struct invocation *v)
{
    curl_slist_free_all(v->headers);
    buf_free(&v->answer);
    strv_free(&v->lines);
    free(v->method);
    free(v->path);
    free(v->body);
    free(v);
}

/* Thread: the second delivery of a request, whose answer nobody gets. */
static void *deliver_again(void *arg)
{
    struct invocation *v = arg;
    struct run *run = v->gcp->run;
    deliver(v);
    invocation_free(v);
    pthread_mutex_lock(&run->lock);
    run->runners--;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

static void start_again(struct gcp *gcp, struct invocation *v)
{
    pthread_t thread;
    pthread_mutex_lock(&gcp->run->lock);
    if (runner_thread(&thread, deliver_again, v))
        abort();
    pthread_detach(thread);
    gcp->run->runners++;
    pthread_mutex_unlock(&gcp->run->lock);
}

/* True when a fault has answered. */
static bool begin(struct gcp *gcp, struct fault *f, struct http_reply *reply)
{
    call_counts_add(gcp->counts, "run", "invoke");
    if (!fault_list_take(gcp->faults, "run", "invoke", f))
        return false;
    switch (f->kind) {
    case FAULT_NONE:
    case FAULT_LOST_ANSWER: return false;
    case FAULT_LATENCY: fault_delay(&gcp->closing, f->latency_ms); return false;
    case FAULT_TIMEOUT: fault_delay(&gcp->closing, f->latency_ms ? f->latency_ms : 60000);
    /* fall through */
    case FAULT_DROP_CONNECTION: reply->drop = true; return true;
    case FAULT_THROTTLE: refuse(reply, 429, "Too Many Requests", "Rate exceeded."); return true;
    case FAULT_ACCESS_DENIED:
        refuse(reply, 403, "Forbidden",
               "Your client does not have permission to get URL from this server.");
        return true;
    case FAULT_CAPACITY:
        refuse(reply, 429, "Too Many Requests",
               fault_text(f->message,
                          "The request was aborted because there was no available instance."));
        return true;
    case FAULT_ERROR:
        refuse(reply, f->status ? f->status : 503, "Server Error",
               fault_text(f->message, "The service you requested is not available yet."));
        return true;
    }
    return false;
}

/* Who may invoke: an ID token for this service. */
static bool check_caller(struct gcp *gcp, const struct http_request *request, const char *id,
                         struct http_reply *reply)
{
    struct error err;
    char email[256];
    AUTO_FREE char *uri = service_uri(gcp, id);
    AUTO_FREE char *url = xasprintf("http://%s" FUNCTION_URL_PREFIX "%s", gcp->address, id);
    const char *const audiences[] = {uri, url, NULL};
    const char *token = form_bearer(request);
    if (!*token) {
        refuse(reply, 403, "Forbidden",
               "Your client does not have permission to get URL <code>/</code> from this server.");
        return false;
    }
    if (id_token_check(gcp->id_tokens, token, audiences, email, &err) == 0)
        return true;
    AUTO_FREE char *challenge =
        xasprintf("Bearer error=\"invalid_token\" error_description=\"The access token could not "
                  "be verified: %s\"",
                  err.message);
    http_reply_header(reply, "WWW-Authenticate", challenge);
    refuse(reply, 401, "Unauthorized",
           "Your client does not have permission to the requested URL <code>/</code>.");
    return false;
}

static bool is_reachable(struct gcp *gcp, const char *id, struct http_reply *reply)
{
    pthread_mutex_lock(&gcp->run->lock);
    const struct service *s = service_find(gcp->run, id);
    bool open = s && !value_bool(s->json, "defaultUriDisabled", false) &&
                !strcmp(value_string(s->json, "ingress"), "INGRESS_TRAFFIC_ALL");
    pthread_mutex_unlock(&gcp->run->lock);
    if (!open)
        refuse(reply, 404, "Page not found",
               "The requested URL <code>/</code> was not found on this server.");
    return open;
}

static void write_answer(const struct invocation *v, struct http_reply *reply)
{
    reply->status = v->status;
    reply->content_type = ""; /* among the headers */
    for (size_t i = 0; i < v->lines.count; i++) {
        const char *line = v->lines.items[i], *colon = strchr(line, ':');
        AUTO_FREE char *name = xstrndup(line, (size_t)(colon - line));
        http_reply_header(reply, name, colon + 1 + strspn(colon + 1, " "));
    }
    buf_append(&reply->body, str_or_empty(v->answer.data), v->answer.len);
}

void invocation_request(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct gcp *gcp = ctx;
    struct fault fault = {0};
    const char *prefix =
        str_starts(request->path, SERVICE_URL_PREFIX) ? SERVICE_URL_PREFIX : FUNCTION_URL_PREFIX;
    const char *at = request->path + strlen(prefix), *slash = strchr(at, '/');
    AUTO_FREE char *id = xstrndup(at, slash ? (size_t)(slash - at) : strlen(at));
    if (begin(gcp, &fault, reply) || !is_reachable(gcp, id, reply) ||
        !check_caller(gcp, request, id, reply))
        return;
    const char *path = slash ? slash : "/";
    if (value_take_one(&gcp->tuning.invoke_twice))
        start_again(gcp, invocation_new(gcp, id, request, path));
    struct invocation *v = invocation_new(gcp, id, request, path);
    deliver(v);
    write_answer(v, reply);
    reply->drop = fault.kind == FAULT_LOST_ANSWER;
    invocation_free(v);
}
