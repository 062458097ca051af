/* SPDX-License-Identifier: Apache-2.0
 *
 * Images: pull, list, inspect.
 */
#include "frontend/docker_json.h"
#include "frontend/http_reply.h"
#include "frontend/routes.h"
#include "frontend/stream_reply.h"

#include "base/str.h"

#include <string.h>

enum { REGISTRY_AUTH_MAX = 32 * 1024 };

static char *text(const char *s)
{
    return (char *)(uintptr_t)str_or_empty(s);
}

/* ---- pull ---- */

static void pull_opened(struct stream_reply *r, const Sockerless__StreamOpened *opened)
{
    (void)opened;
    reply_stream_begin(r->x, 200, "application/json");
}

static void pull_frame(struct stream_reply *r, const struct frame *f)
{
    if (f->type != FRAME_PROGRESS)
        return;
    Sockerless__Progress *p = sockerless__progress__unpack(NULL, f->len, f->payload);
    if (!p)
        return;
    struct buf *out = reply_scratch(r->x);
    docker_json_put_progress(out, p);
    sockerless__progress__free_unpacked(p, NULL);
    stream_reply_puts(r, out->data, out->len);
}

static void pull_broken(struct stream_reply *r, const struct error *err)
{
    struct buf *out = reply_scratch(r->x);
    docker_json_put_stream_error(out, err->message);
    stream_reply_puts(r, out->data, out->len);
    stream_reply_finish(r);
}

/* X-Registry-Auth is base64url JSON. What cannot be read counts as no credentials, as for
 * dockerd. */
static void pull_auth(struct exchange *x, ProtobufCBinaryData *out)
{
    size_t len;
    if (!x->registry_auth || strlen(x->registry_auth) > REGISTRY_AUTH_MAX)
        return;
    unsigned char *json = base64_decode(x->registry_auth, strlen(x->registry_auth), &len);
    if (!json)
        return;
    json_t *root = json_loadb((char *)json, len, 0, NULL);
    if (json_is_object(root) && json_object_size(root)) {
        out->data = (uint8_t *)arena_strndup(&x->arena, (char *)json, len);
        out->len = len;
    }
    json_decref(root);
    free(json);
}

/* distribution's grammar: [\w][\w.-]{0,127}, or a digest. */
static bool tag_valid(const char *tag)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t len = strlen(tag);
    if (!len || strchr(tag, ':'))
        return true; /* a digest is judged with the whole reference */
    return len <= 128 && strspn(tag, word) >= 1 &&
           strspn(tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == len;
}

/* fromImage and tag joined: "@" before a digest, ":" before a tag. */
static char *pull_reference(struct exchange *x, const char *image)
{
    const char *tag = text(query_get(&x->query, "tag"));
    if (!*tag)
        return text(image);
    return arena_printf(&x->arena, "%s%s%s", image, strchr(tag, ':') ? "@" : ":", tag);
}

void image_create(struct exchange *x)
{
    static const struct stream_kind kind = {.opened = pull_opened,
                                            .frame = pull_frame,
                                            .ended = stream_reply_finish,
                                            .broken = pull_broken};
    Sockerless__ImagePullOpen pull = SOCKERLESS__IMAGE_PULL_OPEN__INIT;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    const char *image = text(query_get(&x->query, "fromImage"));
    if (!*image && query_get(&x->query, "fromSrc")) {
        system_not_built(x); /* docker import */
        return;
    }
    if (!*image) {
        reply_error(x, 400, "invalid reference format: fromImage is missing");
        return;
    }
    if (!tag_valid(text(query_get(&x->query, "tag")))) {
        reply_error(x, 400, "invalid tag format");
        return;
    }
    pull.reference = pull_reference(x, image);
    pull.platform = text(query_get(&x->query, "platform"));
    pull_auth(x, &pull.registry_auth);
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PULL;
    open.image_pull = &pull;
    stream_reply_start(x, &open, &kind);
}

/* ---- list, inspect ---- */

static void list_done(struct exchange *x, const Sockerless__Reply *reply)
{
    struct buf *out = reply_scratch(x);
    docker_json_put_image_list(out, reply->image_list, x->api);
    reply_json(x, 200, out);
}

void image_list(struct exchange *x)
{
    Sockerless__ImageListRequest list = SOCKERLESS__IMAGE_LIST_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    struct error err;
    if (query_filters(&x->query, &x->arena, &list.filters, &list.n_filters, &err)) {
        reply_failure(x, &err);
        return;
    }
    list.all = query_bool(&x->query, "all", false);
    list.digests = query_bool(&x->query, "digests", false);
    request.op_case = SOCKERLESS__REQUEST__OP_IMAGE_LIST;
    request.image_list = &list;
    exchange_call(x, &request, 0, list_done);
}

static void inspect_done(struct exchange *x, const Sockerless__Reply *reply)
{
    struct buf *out = reply_scratch(x);
    if (!reply->image_inspect->image) {
        reply_error(x, 500, "the backend answered without an image");
        return;
    }
    docker_json_put_image(out, reply->image_inspect->image, x->api);
    reply_json(x, 200, out);
}

void image_inspect(struct exchange *x)
{
    Sockerless__ImageInspectRequest inspect = SOCKERLESS__IMAGE_INSPECT_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    inspect.ref = text(x->arg);
    request.op_case = SOCKERLESS__REQUEST__OP_IMAGE_INSPECT;
    request.image_inspect = &inspect;
    exchange_call(x, &request, 0, inspect_done);
}
