/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/frontend_fake_images.h"

#include <stdio.h>
#include <string.h>

void fake_note_session(struct fake *f, const Sockerless__StreamOpen *open)
{
    const Sockerless__ImagePullOpen *pull = open->image_pull;
    const Sockerless__ImageImportOpen *import = open->image_import;
    char *to = f->opened;
    size_t room = sizeof(f->opened);
    switch (open->kind_case) {
    case SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PULL:
        snprintf(to, room, "pull %s tag=%s platform=%s auth=%.*s", pull->reference, pull->tag,
                 pull->platform, (int)pull->registry_auth.len, pull->registry_auth.data);
        return;
    case SOCKERLESS__STREAM_OPEN__KIND_IMAGE_LOAD:
        snprintf(to, room, "load quiet=%d", open->image_load->quiet);
        return;
    case SOCKERLESS__STREAM_OPEN__KIND_IMAGE_IMPORT:
        snprintf(to, room, "import %s repo=%s tag=%s message=%s platform=%s", import->source,
                 import->repo, import->tag, import->message, import->platform);
        for (size_t i = 0; i < import->n_changes; i++)
            snprintf(to + strlen(to), room - strlen(to), " [%s]", import->changes[i]);
        return;
    case SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PUSH:
        snprintf(to, room, "push %s tag=%s auth=%.*s", open->image_push->repo,
                 open->image_push->tag, (int)open->image_push->registry_auth.len,
                 open->image_push->registry_auth.data);
        return;
    case SOCKERLESS__STREAM_OPEN__KIND_IMAGE_SAVE:
        snprintf(to, room, "save");
        for (size_t i = 0; i < open->image_save->n_refs; i++)
            snprintf(to + strlen(to), room - strlen(to), " %s", open->image_save->refs[i]);
        return;
    default: return;
    }
}

/* ---- bodies ---- */

static void fake_progress(struct fake_session *s, const Sockerless__Progress *p)
{
    if (!channel_send_message(s->channel, FRAME_PROGRESS, NULL, 0, &p->base))
        channel_pause(s->channel); /* no reading while nothing can be written */
}

static void fake_session_end(struct fake_session *s)
{
    s->over = true;
    channel_send(s->channel, FRAME_END, NULL, 0);
    channel_finish(s->channel);
}

static void fake_session_fail(struct fake_session *s, enum error_code code, const char *text)
{
    struct error err;
    error_set(&err, code, "%s", text);
    s->over = true;
    channel_fail(s->channel, &err);
}

static void fake_body_data(struct fake_session *s, const struct frame *f)
{
    Sockerless__Progress p = SOCKERLESS__PROGRESS__INIT;
    assert(f->len <= FRAME_DATA_MAX);
    for (size_t i = 0; i < f->len; i++)
        s->checksum = s->checksum * 31 + f->payload[i];
    s->bytes += f->len;
    s->fake->body_bytes = s->bytes;
    if (s->body == BODY_FAIL && s->bytes > FAIL_AFTER) {
        fake_session_fail(s, ERROR_INVALID_PARAMETER, "unexpected EOF");
    } else if (s->body == BODY_EARLY && s->bytes > FAIL_AFTER) {
        fake_session_end(s);
    } else if (s->body == BODY_TALK) {
        p.status = TEXT("Loading layer");
        p.id = TEXT("b3768bb74ce2");
        p.total = 1 << 30;
        for (p.current = 1; p.current <= TALK_LINES; p.current++)
            fake_progress(s, &p);
    }
}

void fake_body_frame(struct fake_session *s, const struct frame *f)
{
    Sockerless__Progress p = SOCKERLESS__PROGRESS__INIT;
    char text[128];
    if (s->over)
        return;
    if (f->type == FRAME_STDIN)
        fake_body_data(s, f);
    if (f->type != FRAME_CLOSE_STDIN)
        return;
    snprintf(text, sizeof(text), "Loaded image: %llu bytes, %016llx\n",
             (unsigned long long)s->bytes, (unsigned long long)s->checksum);
    p.stream = text;
    fake_progress(s, &p);
    fake_session_end(s);
}

static void fake_body_open(struct fake_session *s)
{
    s->is_body = true;
    s->body = s->fake->body;
    s->fake->body_bytes = 0;
    if (s->body == BODY_REFUSE) {
        fake_session_fail(s, ERROR_UNAVAILABLE, "no room");
        return;
    }
    fake_opened(s);
    if (s->body == BODY_STALL) {
        s->fake->stalled = s;
        channel_pause(s->channel);
    }
}

void fake_unstall(struct fake *f)
{
    if (f->stalled)
        channel_resume(f->stalled->channel);
    f->stalled = NULL;
}

/* ---- push, save ---- */

static void fake_push(struct fake_session *s)
{
    Sockerless__Progress p = SOCKERLESS__PROGRESS__INIT;
    Sockerless__PushedImage pushed = SOCKERLESS__PUSHED_IMAGE__INIT;
    fake_opened(s);
    p.status = TEXT("The push refers to repository [r/full]");
    fake_progress(s, &p);
    p.status = TEXT("Preparing");
    p.id = TEXT("b3768bb74ce2");
    fake_progress(s, &p);
    p.status = TEXT("Pushing");
    p.current = 19968;
    p.total = 1984348;
    fake_progress(s, &p);
    if (!strcmp(s->name, "denied")) {
        fake_session_fail(s, ERROR_UNAUTHORIZED, "no basic auth credentials");
        return;
    }
    p = (Sockerless__Progress)SOCKERLESS__PROGRESS__INIT;
    pushed.tag = TEXT("1");
    pushed.digest = TEXT("sha256:aa");
    pushed.size = 527;
    p.aux = &pushed;
    fake_progress(s, &p);
    fake_session_end(s);
}

static void fake_save(struct fake_session *s, const Sockerless__ImageSaveOpen *save)
{
    static char block[FLOOD_FRAME];
    const char *first = save->n_refs ? save->refs[0] : "";
    if (!strcmp(first, "nope")) {
        fake_session_fail(s, ERROR_NOT_FOUND, "No such image: nope");
        return;
    }
    fake_opened(s);
    for (int sent = 0; sent < SAVE_BYTES; sent += FLOOD_FRAME)
        channel_send(s->channel, FRAME_STDOUT, block, FLOOD_FRAME);
    if (!strcmp(first, "broken"))
        fake_session_fail(s, ERROR_SYSTEM, "the registry went away");
    else
        fake_session_end(s);
}

void fake_image_session(struct fake_session *s, const Sockerless__StreamOpen *open)
{
    switch (open->kind_case) {
    case SOCKERLESS__STREAM_OPEN__KIND_IMAGE_LOAD:
    case SOCKERLESS__STREAM_OPEN__KIND_IMAGE_IMPORT: fake_body_open(s); return;
    case SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PUSH: fake_push(s); return;
    case SOCKERLESS__STREAM_OPEN__KIND_IMAGE_SAVE: fake_save(s, open->image_save); return;
    default: return;
    }
}

/* ---- unary ---- */

static void fake_history(Sockerless__ImageHistoryReply *reply)
{
    static char *tags[] = {TEXT("oracle:full")};
    static Sockerless__ImageHistoryItem items[2];
    static Sockerless__ImageHistoryItem *list[] = {&items[0], &items[1]};
    sockerless__image_history_item__init(&items[0]);
    sockerless__image_history_item__init(&items[1]);
    items[0].id = TEXT("sha256:aa");
    items[0].created = 1795293711000000001;
    items[0].created_by = TEXT("/bin/sh -c #(nop)  CMD [\"a\"]");
    items[0].tags = tags;
    items[0].n_tags = 1;
    items[1].id = TEXT("<missing>");
    items[1].comment = TEXT("Imported from -");
    items[1].size = 1984348;
    reply->items = list;
    reply->n_items = 2;
}

static void fake_removed(Sockerless__ImageRemoved ***out, size_t *count)
{
    static Sockerless__ImageRemoved items[2];
    static Sockerless__ImageRemoved *list[] = {&items[0], &items[1]};
    sockerless__image_removed__init(&items[0]);
    sockerless__image_removed__init(&items[1]);
    items[0].untagged = TEXT("m:1");
    items[1].deleted = TEXT("sha256:aa");
    *out = list;
    *count = 2;
}

static void fake_distribution(struct rpc_call *call, const char *ref)
{
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    Sockerless__DistributionReply distribution = SOCKERLESS__DISTRIBUTION_REPLY__INIT;
    Sockerless__PlatformName platform = SOCKERLESS__PLATFORM_NAME__INIT;
    Sockerless__PlatformName *platforms[] = {&platform};
    platform.os = TEXT("linux");
    platform.architecture = TEXT("arm");
    platform.variant = TEXT("v7");
    distribution.media_type = TEXT("application/vnd.oci.image.manifest.v1+json");
    distribution.digest = TEXT("sha256:aa");
    distribution.size = 527;
    distribution.platforms = platforms;
    distribution.n_platforms = strcmp(ref, "empty") ? 1 : 0;
    reply.result_case = SOCKERLESS__REPLY__RESULT_DISTRIBUTION;
    reply.distribution = &distribution;
    rpc_reply(call, &reply);
}

static void fake_login(struct rpc_call *call, const Sockerless__AuthRequest *r)
{
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    Sockerless__AuthReply auth = SOCKERLESS__AUTH_REPLY__INIT;
    if (memmem(r->auth.data, r->auth.len, "wrong", 5)) {
        fake_error(call, ERROR_UNAUTHORIZED, "unauthorized: incorrect username or password");
        return;
    }
    auth.status = TEXT("Login Succeeded");
    reply.result_case = SOCKERLESS__REPLY__RESULT_AUTH;
    reply.auth = &auth;
    rpc_reply(call, &reply);
}

static const char *fake_note_request(struct fake *f, const Sockerless__Request *r)
{
    char *to = f->opened;
    size_t room = sizeof(f->opened);
    switch (r->op_case) {
    case SOCKERLESS__REQUEST__OP_IMAGE_HISTORY: return r->image_history->ref;
    case SOCKERLESS__REQUEST__OP_IMAGE_TAG:
        snprintf(to, room, "tag %s repo=%s tag=%s", r->image_tag->ref, r->image_tag->repo,
                 r->image_tag->tag);
        return r->image_tag->ref;
    case SOCKERLESS__REQUEST__OP_IMAGE_REMOVE:
        snprintf(to, room, "remove %s force=%d noprune=%d", r->image_remove->ref,
                 r->image_remove->force, r->image_remove->no_prune);
        return r->image_remove->ref;
    case SOCKERLESS__REQUEST__OP_IMAGE_PRUNE:
        return r->image_prune->n_filters ? r->image_prune->filters[0]->key : "";
    case SOCKERLESS__REQUEST__OP_DISTRIBUTION:
        snprintf(to, room, "distribution %s auth=%.*s", r->distribution->ref,
                 (int)r->distribution->registry_auth.len, r->distribution->registry_auth.data);
        return r->distribution->ref;
    case SOCKERLESS__REQUEST__OP_AUTH:
        snprintf(to, room, "auth %.*s", (int)r->auth->auth.len, r->auth->auth.data);
        return "";
    default: return "";
    }
}

void fake_image_request(struct fake *f, struct rpc_call *call, const Sockerless__Request *r)
{
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    Sockerless__ImageHistoryReply history = SOCKERLESS__IMAGE_HISTORY_REPLY__INIT;
    Sockerless__ImageRemoveReply removed = SOCKERLESS__IMAGE_REMOVE_REPLY__INIT;
    Sockerless__ImagePruneReply pruned = SOCKERLESS__IMAGE_PRUNE_REPLY__INIT;
    const char *name = fake_note_request(f, r);
    if (!strcmp(name, "nope")) {
        fake_error(call, ERROR_NOT_FOUND, "No such image: nope:latest");
        return;
    }
    reply.result_case = (Sockerless__Reply__ResultCase)r->op_case;
    switch (r->op_case) {
    case SOCKERLESS__REQUEST__OP_IMAGE_HISTORY:
        fake_history(&history);
        reply.image_history = &history;
        break;
    case SOCKERLESS__REQUEST__OP_IMAGE_REMOVE:
        fake_removed(&removed.items, &removed.n_items);
        reply.image_remove = &removed;
        break;
    case SOCKERLESS__REQUEST__OP_IMAGE_PRUNE:
        if (*name)
            fake_removed(&pruned.items, &pruned.n_items);
        pruned.space_reclaimed = *name ? 1984348 : 0;
        reply.image_prune = &pruned;
        break;
    case SOCKERLESS__REQUEST__OP_DISTRIBUTION: fake_distribution(call, name); return;
    case SOCKERLESS__REQUEST__OP_AUTH: fake_login(call, r->auth); return;
    default: reply.result_case = SOCKERLESS__REPLY__RESULT__NOT_SET; break;
    }
    rpc_reply(call, &reply);
}
