/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/frontend_fake.h"

#include "base/alloc.h"
#include "test/kit/frontend_fake_images.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fake_error(struct rpc_call *call, enum error_code code, const char *text)
{
    struct error err;
    error_set(&err, code, "%s", text);
    rpc_reply_error(call, &err);
}

/* ---- sessions ---- */

static void fake_end(struct fake_session *s, int code)
{
    Sockerless__Exit e = SOCKERLESS__EXIT__INIT;
    if (s->over)
        return;
    s->over = true;
    e.code = code;
    channel_send_message(s->channel, FRAME_EXIT, NULL, 0, &e.base);
    channel_end(s->channel);
}

static void fake_flood(struct fake_session *s)
{
    static char block[FLOOD_FRAME];
    while (s->flood_left) {
        s->flood_left -= FLOOD_FRAME;
        if (!channel_send(s->channel, FRAME_STDOUT, block, FLOOD_FRAME) && s->flood_left)
            return;
    }
    fake_end(s, 0);
}

static void fake_on_frame(void *owner, const struct frame *f)
{
    struct fake_session *s = owner;
    if (s->is_body) {
        fake_body_frame(s, f);
    } else if (f->type == FRAME_STDIN) {
        s->bytes += f->len;
        s->fake->typed += f->len;
        bool echoes = !strcmp(s->name, "echo") || !strcmp(s->name, "tty");
        if (echoes && !channel_send(s->channel, FRAME_STDOUT, f->payload, f->len))
            channel_pause(s->channel);
    } else if (f->type == FRAME_CLOSE_STDIN) {
        char text[32];
        snprintf(text, sizeof(text), "%llu\n", (unsigned long long)s->bytes);
        if (!strcmp(s->name, "sink"))
            channel_send(s->channel, FRAME_STDOUT, text, strlen(text));
        fake_end(s, 0);
    } else if (f->type == FRAME_END) {
        s->over = true;
        channel_finish(s->channel);
    }
}

static void fake_on_drained(void *owner)
{
    struct fake_session *s = owner;
    if (s->flood_left)
        fake_flood(s);
    else
        channel_resume(s->channel);
}

static void fake_on_closed(void *owner, const struct error *why)
{
    struct fake_session *s = owner;
    (void)why;
    for (struct fake_session **at = &s->fake->waiters; *at; at = &(*at)->next_waiter) {
        if (*at == s) {
            *at = s->next_waiter;
            break;
        }
    }
    if (s->fake->stalled == s)
        s->fake->stalled = NULL;
    if (!s->over)
        s->fake->lost++;
    s->fake->sessions--;
    free(s);
}

void fake_opened(struct fake_session *s)
{
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    opened.tty = !strcmp(s->name, "tty");
    channel_send_message(s->channel, FRAME_OPENED, NULL, 0, &opened.base);
}

static void fake_stream(struct fake_session *s)
{
    fake_opened(s);
    if (!strcmp(s->name, "greet"))
        channel_send(s->channel, FRAME_STDOUT, "hello", 5);
    if (!strncmp(s->name, FAKE_ID, 12)) { /* a created container: ends when it is started */
        s->next_waiter = s->fake->waiters;
        s->fake->waiters = s;
    }
    if (!strcmp(s->name, "flood")) {
        s->flood_left = FLOOD_BYTES;
        fake_flood(s);
    }
    if (!strcmp(s->name, "broken")) {
        Sockerless__Exit e = SOCKERLESS__EXIT__INIT;
        e.code = 126;
        e.start_failed = true;
        e.error = (char *)(uintptr_t) "exec: \"x\": executable file not found in $PATH";
        channel_send_message(s->channel, FRAME_EXIT, NULL, 0, &e.base);
        s->over = true;
        channel_end(s->channel);
    }
}

static void fake_logs(struct fake_session *s, const Sockerless__LogsOpen *logs)
{
    fake_opened(s);
    if (logs->tail != 0) {
        channel_send(s->channel, FRAME_STDOUT, "out\n", 4);
        channel_send(s->channel, FRAME_STDERR, "err\n", 4);
    }
    if (logs->follow)
        return;
    s->over = true;
    channel_end(s->channel);
}

static void fake_pull(struct fake_session *s)
{
    Sockerless__Progress p = SOCKERLESS__PROGRESS__INIT;
    fake_opened(s);
    p.status = (char *)(uintptr_t) "Pulling from library/busybox";
    p.id = (char *)(uintptr_t) "1";
    channel_send_message(s->channel, FRAME_PROGRESS, NULL, 0, &p.base);
    p.status = (char *)(uintptr_t) "Downloading";
    p.id = (char *)(uintptr_t) "abc";
    p.current = 512;
    p.total = 1024;
    channel_send_message(s->channel, FRAME_PROGRESS, NULL, 0, &p.base);
    s->over = true;
    channel_end(s->channel);
}

static void fake_on_session(void *owner, struct channel *c, const Sockerless__StreamOpen *open)
{
    static const struct channel_events events = {fake_on_frame, fake_on_drained, fake_on_closed};
    struct fake *f = owner;
    struct fake_session *s = NEW(struct fake_session);
    if (open->kind_case >= SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PULL)
        fake_note_session(f, open);
    const char *name =
        open->kind_case == SOCKERLESS__STREAM_OPEN__KIND_ATTACH       ? open->attach->ref
        : open->kind_case == SOCKERLESS__STREAM_OPEN__KIND_EXEC_START ? open->exec_start->id
        : open->kind_case == SOCKERLESS__STREAM_OPEN__KIND_LOGS       ? open->logs->ref
        : open->kind_case == SOCKERLESS__STREAM_OPEN__KIND_WAIT       ? open->wait->ref
        : open->kind_case == SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PULL ? open->image_pull->reference
        : open->kind_case == SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PUSH ? open->image_push->repo
                                                                      : "";
    *s = (struct fake_session){.fake = f, .channel = c};
    s->is_attach = open->kind_case == SOCKERLESS__STREAM_OPEN__KIND_ATTACH;
    snprintf(s->name, sizeof(s->name), "%s", name);
    f->sessions++;
    channel_start(c, &events, s);
    if (!strncmp(s->name, "nope", 4)) {
        struct error err;
        error_set(&err, ERROR_NOT_FOUND, "No such container: %s", s->name);
        s->over = true;
        channel_fail(c, &err);
    } else if (open->kind_case == SOCKERLESS__STREAM_OPEN__KIND_LOGS) {
        fake_logs(s, open->logs);
    } else if (open->kind_case == SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PULL) {
        fake_pull(s);
    } else if (open->kind_case > SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PULL) {
        fake_image_session(s, open);
    } else if (open->kind_case == SOCKERLESS__STREAM_OPEN__KIND_WAIT) {
        fake_opened(s);
        s->next_waiter = f->waiters;
        f->waiters = s;
        if (!strcmp(s->name, "done")) {
            f->waiters = s->next_waiter;
            fake_end(s, 7);
        }
    } else if (open->kind_case == SOCKERLESS__STREAM_OPEN__KIND_EXEC_START &&
               open->exec_start->detach && strcmp(s->name, "broken")) {
        fake_opened(s);
        fake_end(s, 0);
    } else {
        fake_stream(s);
    }
}

/* ---- unary ---- */

void fake_container(struct fake *f, Sockerless__Container *c)
{
    sockerless__container__init(c);
    c->id = (char *)(uintptr_t)FAKE_ID;
    c->name = (char *)(uintptr_t) "web";
    c->created = 1700000000123456789;
    c->image = (char *)(uintptr_t) "busybox:1";
    c->image_id = (char *)(uintptr_t) "sha256:aa";
    c->path = (char *)(uintptr_t) "sleep";
    c->state = SOCKERLESS__CONTAINER_STATE__RUNNING;
    c->started_at = 1700000001000000000;
    c->ip_address = (char *)(uintptr_t) "10.0.0.5";
    if (f->created) {
        c->config = f->created->config;
        c->host = f->created->host;
        c->host_config_json = f->created->host_config_json;
    }
}

static void fake_keep_create(struct fake *f, const Sockerless__ContainerCreateRequest *r)
{
    size_t len = sockerless__container_create_request__get_packed_size(r);
    uint8_t *packed = xmalloc(len + 1);
    sockerless__container_create_request__pack(r, packed);
    arena_fini(&f->created_arena);
    arena_init(&f->created_arena);
    f->created =
        sockerless__container_create_request__unpack(&f->created_arena.protobuf, len, packed);
    free(packed);
}

static void fake_list(struct fake *f, struct rpc_call *call)
{
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    Sockerless__ContainerListReply list = SOCKERLESS__CONTAINER_LIST_REPLY__INIT;
    struct arena *a = rpc_call_arena(call);
    list.containers = arena_calloc(a, (size_t)f->list_count + 1, sizeof(*list.containers));
    for (int i = 0; i < f->list_count; i++) {
        list.containers[list.n_containers] = arena_alloc(a, sizeof(Sockerless__Container));
        fake_container(f, list.containers[list.n_containers++]);
    }
    reply.result_case = SOCKERLESS__REPLY__RESULT_CONTAINER_LIST;
    reply.container_list = &list;
    rpc_reply(call, &reply);
}

static void fake_inspect(struct fake *f, struct rpc_call *call, const char *ref)
{
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    Sockerless__ContainerInspectReply inspect = SOCKERLESS__CONTAINER_INSPECT_REPLY__INIT;
    Sockerless__Container c;
    if (!strcmp(ref, "nope")) {
        fake_error(call, ERROR_NOT_FOUND, "No such container: nope");
        return;
    }
    fake_container(f, &c);
    inspect.container = &c;
    reply.result_case = SOCKERLESS__REPLY__RESULT_CONTAINER_INSPECT;
    reply.container_inspect = &inspect;
    rpc_reply(call, &reply);
}

static void fake_start(struct fake *f, struct rpc_call *call, const char *ref)
{
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    if (!strcmp(ref, "slow"))
        return; /* the test's end frees nothing of it: see fake_on_request */
    if (!strcmp(ref, "running")) {
        fake_error(call, ERROR_NOT_MODIFIED, "");
        return;
    }
    while (f->waiters) {
        struct fake_session *s = f->waiters;
        f->waiters = s->next_waiter;
        if (s->is_attach)
            channel_send(s->channel, FRAME_STDOUT, "started\n", 8);
        if (!strcmp(s->name, "lost"))
            channel_abort(s->channel);
        else if (!strcmp(s->name, "cut"))
            channel_end(s->channel);
        else
            fake_end(s, 3);
    }
    rpc_reply(call, &reply);
}

static void fake_on_request(void *owner, struct rpc_call *call, const Sockerless__Request *r)
{
    struct fake *f = owner;
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    Sockerless__ContainerCreateReply created = SOCKERLESS__CONTAINER_CREATE_REPLY__INIT;
    Sockerless__ExecCreateReply exec = SOCKERLESS__EXEC_CREATE_REPLY__INIT;
    Sockerless__InfoReply info = SOCKERLESS__INFO_REPLY__INIT;
    f->requests++;
    switch (r->op_case) {
    case SOCKERLESS__REQUEST__OP_CONTAINER_CREATE:
        fake_keep_create(f, r->container_create);
        created.id = (char *)(uintptr_t)FAKE_ID;
        reply.result_case = SOCKERLESS__REPLY__RESULT_CONTAINER_CREATE;
        reply.container_create = &created;
        break;
    case SOCKERLESS__REQUEST__OP_CONTAINER_INSPECT:
        fake_inspect(f, call, r->container_inspect->ref);
        return;
    case SOCKERLESS__REQUEST__OP_CONTAINER_LIST: fake_list(f, call); return;
    case SOCKERLESS__REQUEST__OP_CONTAINER_START:
        fake_start(f, call, r->container_start->ref);
        return;
    case SOCKERLESS__REQUEST__OP_EXEC_CREATE:
        exec.id = (char *)(uintptr_t) "echo";
        reply.result_case = SOCKERLESS__REPLY__RESULT_EXEC_CREATE;
        reply.exec_create = &exec;
        break;
    case SOCKERLESS__REQUEST__OP_INFO:
        info.backend_name = (char *)(uintptr_t) "fake";
        reply.result_case = SOCKERLESS__REPLY__RESULT_INFO;
        reply.info = &info;
        break;
    default: fake_image_request(f, call, r); return;
    }
    rpc_reply(call, &reply);
}

void fake_listen(struct fake *f, struct loop *l, const char *url)
{
    static const struct rpc_server_events events = {fake_on_request, fake_on_session};
    struct error err;
    f->loop = l;
    if (rpc_server_listen(l, url, NULL, &events, f, &f->server, &err)) {
        fprintf(stderr, "fake backend: %s\n", err.message);
        abort();
    }
}
