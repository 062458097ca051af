/* SPDX-License-Identifier: Apache-2.0
 *
 * Images, the requests that open a session with the backend: pull, import, load, push, save.
 */
#include "frontend/json/docker_json.h"
#include "frontend/http/reply.h"
#include "frontend/routes/route.h"
#include "frontend/stream/stream_reply.h"

#include "base/str.h"

#include <string.h>

/* ---- progress ---- */

static void progress_begin(struct stream_reply *r)
{
    if (!r->x->head_sent)
        reply_stream_begin(r->x, 200, "application/json");
}

static void progress_opened(struct stream_reply *r, const Sockerless__StreamOpened *opened)
{
    (void)opened;
    progress_begin(r);
}

/* Load and import: the head leaves with the first line, as dockerd's does, so that clients which
 * take any answer for the end of theirs send the whole body. */
static void progress_opened_later(struct stream_reply *r, const Sockerless__StreamOpened *opened)
{
    (void)r;
    (void)opened;
}

static void progress_frame(struct stream_reply *r, const struct frame *f)
{
    if (f->type != FRAME_PROGRESS)
        return;
    Sockerless__Progress *p = sockerless__progress__unpack(NULL, f->len, f->payload);
    if (!p)
        return;
    /* A client that lags misses steps of a bar, nothing else. */
    if (!r->lags || !p->current) {
        struct buf *out = reply_scratch(r->x);
        docker_json_put_progress(out, p);
        progress_begin(r);
        stream_reply_puts(r, out->data, out->len);
    }
    sockerless__progress__free_unpacked(p, NULL);
}

static void progress_ended(struct stream_reply *r)
{
    progress_begin(r);
    stream_reply_finish(r);
}

static void progress_broken(struct stream_reply *r, const struct error *err)
{
    struct buf *out = reply_scratch(r->x);
    progress_begin(r);
    docker_json_put_stream_error(out, err->message);
    stream_reply_puts(r, out->data, out->len);
    stream_reply_finish(r);
}

/* An import that fails before it said anything is a plain error, unlike a load. */
static void import_broken(struct stream_reply *r, const struct error *err)
{
    struct error told = *err;
    if (told.code == ERROR_INVALID_PARAMETER)
        told.code =
            ERROR_SYSTEM; /* dockerd says 500 to a bad archive, 400 to bad parameters only */
    if (r->x->head_sent)
        progress_broken(r, err);
    else
        stream_reply_refuse(r, &told);
}

static const struct stream_kind progress_kind = {.opened = progress_opened,
                                                 .frame = progress_frame,
                                                 .ended = progress_ended,
                                                 .broken = progress_broken};

/* ---- pull ---- */

static void image_pull(struct exchange *x)
{
    Sockerless__ImagePullOpen pull = SOCKERLESS__IMAGE_PULL_OPEN__INIT;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    pull.reference = text(query_get(&x->query, "fromImage"));
    pull.tag = text(query_get(&x->query, "tag"));
    pull.platform = text(x->api >= 32 ? query_get(&x->query, "platform") : NULL);
    route_registry_auth_header(x, &pull.registry_auth);
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PULL;
    open.image_pull = &pull;
    stream_reply_start(x, &open, &progress_kind);
    route_registry_auth_wipe(&pull.registry_auth);
}

/* ---- import ---- */

static void image_import(struct exchange *x, const char *source)
{
    static const struct stream_kind from_body = {.opened = progress_opened_later,
                                                 .frame = progress_frame,
                                                 .ended = progress_ended,
                                                 .broken = import_broken,
                                                 .takes_body = true};
    static const struct stream_kind from_url = {.opened = progress_opened_later,
                                                .frame = progress_frame,
                                                .ended = progress_ended,
                                                .broken = import_broken};
    Sockerless__ImageImportOpen import = SOCKERLESS__IMAGE_IMPORT_OPEN__INIT;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    import.source = text(source);
    import.repo = text(query_get(&x->query, "repo"));
    import.tag = text(query_get(&x->query, "tag"));
    import.message = text(query_get(&x->query, "message"));
    import.changes = query_all(&x->query, &x->arena, "changes", &import.n_changes);
    import.platform = text(x->api >= 32 ? query_get(&x->query, "platform") : NULL);
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_IMAGE_IMPORT;
    open.image_import = &import;
    stream_reply_start(x, &open, strcmp(source, "-") == 0 ? &from_body : &from_url);
}

void route_image_create(struct exchange *x)
{
    const char *source = str_or_empty(query_get(&x->query, "fromSrc"));
    if (!str_empty(query_get(&x->query, "fromImage")))
        image_pull(x);
    else if (*source)
        image_import(x, source);
    else
        reply_error(x, 400, "invalid reference format: fromImage is missing");
}

/* ---- load, push, save ---- */

void route_image_load(struct exchange *x)
{
    static const struct stream_kind kind = {.opened = progress_opened_later,
                                            .frame = progress_frame,
                                            .ended = progress_ended,
                                            .broken = progress_broken,
                                            .takes_body = true};
    Sockerless__ImageLoadOpen load = SOCKERLESS__IMAGE_LOAD_OPEN__INIT;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    load.quiet = query_bool(&x->query, "quiet", true);
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_IMAGE_LOAD;
    open.image_load = &load;
    stream_reply_start(x, &open, &kind);
}

/* Without the header, even an empty one, the credentials are the body, as before API 1.6. */
static int push_auth(struct exchange *x, ProtobufCBinaryData *out)
{
    struct error err;
    if (!str_empty(x->registry_auth)) {
        route_registry_auth_header(x, out);
        return 0;
    }
    if (route_registry_auth_body(x, out, &err) == 0)
        return 0;
    error_wrap(&err, "Bad parameters and missing X-Registry-Auth");
    reply_failure(x, &err);
    return -1;
}

void route_image_push(struct exchange *x)
{
    Sockerless__ImagePushOpen push = SOCKERLESS__IMAGE_PUSH_OPEN__INIT;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    if (push_auth(x, &push.registry_auth))
        return;
    push.repo = text(x->arg);
    push.tag = text(query_get(&x->query, "tag"));
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PUSH;
    open.image_push = &push;
    stream_reply_start(x, &open, &progress_kind);
    route_registry_auth_wipe(&push.registry_auth);
}

static void save_opened(struct stream_reply *r, const Sockerless__StreamOpened *opened)
{
    (void)opened;
    reply_stream_begin(r->x, 200, "application/x-tar");
}

static void save_frame(struct stream_reply *r, const struct frame *f)
{
    if (f->type == FRAME_STDOUT)
        stream_reply_puts(r, (const char *)f->payload, f->len);
}

/* Half an archive must not look like a whole one. */
static void save_broken(struct stream_reply *r, const struct error *err)
{
    (void)err;
    stream_reply_cut(r);
}

void route_image_save(struct exchange *x)
{
    static const struct stream_kind kind = {.opened = save_opened,
                                            .frame = save_frame,
                                            .ended = stream_reply_finish,
                                            .broken = save_broken};
    Sockerless__ImageSaveOpen save = SOCKERLESS__IMAGE_SAVE_OPEN__INIT;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    char *one[] = {text(x->arg)};
    save.refs = one;
    save.n_refs = 1;
    if (!x->arg)
        save.refs = query_all(&x->query, &x->arena, "names", &save.n_refs);
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_IMAGE_SAVE;
    open.image_save = &save;
    stream_reply_start(x, &open, &kind);
}
