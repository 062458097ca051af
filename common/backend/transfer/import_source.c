/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a URL into an intake; see import_source.h. As dockerd, the backend gets whatever URL
 * its client names: what may use the API may run containers, too.
 */
#include "backend/transfer/import_source.h"

#include "base/alloc.h"
#include "base/str.h"
#include "loop/co.h"

#include <string.h>

enum { PIECE = 256 * 1024, STALL_MS = 60 * 1000, ERROR_BODY_MAX = 512 };

struct import_source {
    struct backend *backend;
    struct http_stream *stream;
    struct image_intake *intake;
    struct co *co; /* while it feeds */
    bool feeding, closing, may_feed;
    struct co_cond changed;
};

int import_url_parse(const char *source, struct arena *arena, char **url, char **shown,
                     struct error *err)
{
    size_t len = strlen(source);
    bool has_scheme = strstr(source, "://");
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)source[i] <= ' ' || source[i] == 0x7f)
            return error_set(err, ERROR_INVALID_PARAMETER, "invalid character in URL");
    if (len == 0 || len > IMPORT_URL_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER, "a URL has 1 to %d characters",
                         IMPORT_URL_MAX);
    if (has_scheme && !str_starts(source, "http://") && !str_starts(source, "https://"))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Get \"%s\": unsupported protocol scheme \"%.*s\"", source,
                         (int)strcspn(source, ":"), source);
    *url = arena_printf(arena, "%s%s", has_scheme ? "" : "http://", source);
    char *host = strstr(*url, "://") + 3;
    size_t authority = strcspn(host, "/?#");
    char *at = memrchr(host, '@', authority);
    *shown = at ? arena_printf(arena, "%.*s%s", (int)(host - *url), *url, at + 1) : *url;
    return 0;
}

/* moby builder/remotecontext/remote.go, GetWithStatusError */
static int co_refused(struct http_stream *stream, const char *shown, struct error *err)
{
    static const struct {
        long status;
        enum error_code code;
    } codes[] = {{404, ERROR_NOT_FOUND},
                 {400, ERROR_INVALID_PARAMETER},
                 {401, ERROR_UNAUTHORIZED},
                 {403, ERROR_FORBIDDEN}};
    long status = http_stream_response(stream)->status;
    enum error_code code = ERROR_SYSTEM;
    char body[ERROR_BODY_MAX + 1];
    size_t len = 0, got = 1;
    while (got && len < ERROR_BODY_MAX) {
        struct error ignored;
        if (co_http_stream_read(stream, body + len, ERROR_BODY_MAX - len, &got, &ignored))
            break;
        len += got;
    }
    while (len && (unsigned char)body[len - 1] <= ' ')
        len--;
    body[len] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i].status == status)
            code = codes[i].code;
    return error_set(err, code, "failed to GET %s with status %ld: %s", shown, status, body);
}

int co_import_source_open(struct backend *b, const char *url, const char *shown,
                          struct import_source **out, struct error *err)
{
    struct http_stream *stream;
    struct http_request req = {
        .url = url,
        .timeout_ms = STALL_MS,
        .max_body = (size_t)b->config->image_max_gib << 30,
        .follow_redirects = true,
    };
    if (co_http_stream_open(b->http, &req, &stream, err))
        return error_wrap(err, "Get \"%s\"", shown);
    if (http_stream_response(stream)->status >= 400) {
        co_refused(stream, shown, err);
        http_stream_close(stream);
        return -1;
    }
    *out = NEW(struct import_source);
    (*out)->backend = b;
    (*out)->stream = stream;
    return 0;
}

static int co_feed(struct import_source *s, struct error *err)
{
    AUTO_FREE unsigned char *piece = xmalloc(PIECE);
    for (;;) {
        size_t got;
        if (co_http_stream_read(s->stream, piece, PIECE, &got, err))
            return -1;
        if (got == 0)
            return 0;
        s->may_feed = image_intake_feed(s->intake, piece, got);
        while (!s->may_feed)
            if (co_cond_wait(&s->changed, INT64_MAX, err)) /* uploads have deadlines */
                return -1;
    }
}

static void co_source(void *arg)
{
    struct import_source *s = arg;
    struct error err;
    s->co = co_current();
    if (s->closing || co_feed(s, &err) == 0)
        image_intake_feed_end(s->intake);
    else
        image_intake_fail(s->intake, &err);
    s->co = NULL;
    s->feeding = false;
    co_cond_broadcast(&s->changed);
}

int import_source_start(struct import_source *s, struct image_intake *in, struct error *err)
{
    s->intake = in;
    s->feeding = true;
    if (co_spawn(s->backend->loop, co_source, s, err) == 0)
        return 0;
    s->feeding = false;
    return -1;
}

void import_source_resume(struct import_source *s)
{
    s->may_feed = true;
    co_cond_broadcast(&s->changed);
}

void co_import_source_close(struct import_source *s)
{
    if (!s)
        return;
    s->closing = true;
    if (s->co)
        co_cancel(s->co);
    while (s->feeding)
        co_cond_join(&s->changed);
    http_stream_close(s->stream);
    free(s);
}
