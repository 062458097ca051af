/* SPDX-License-Identifier: Apache-2.0
 *
 * Containers, the requests that open a session with the backend: attach, logs, wait.
 */
#include "frontend/json/docker_json.h"
#include "frontend/stream/hijack.h"
#include "frontend/http/reply.h"
#include "frontend/routes/route.h"
#include "frontend/stream/stream_reply.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ---- attach ---- */

void route_container_attach(struct exchange *x)
{
    Sockerless__AttachOpen attach = SOCKERLESS__ATTACH_OPEN__INIT;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    attach.ref = text(x->arg);
    attach.stream = query_bool(&x->query, "stream", false);
    attach.logs = query_bool(&x->query, "logs", false);
    attach.stdin = query_bool(&x->query, "stdin", false) && attach.stream;
    attach.stdout = query_bool(&x->query, "stdout", false);
    attach.stderr = query_bool(&x->query, "stderr", false);
    attach.detach_keys = text(query_get(&x->query, "detachKeys"));
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_ATTACH;
    open.attach = &attach;
    hijack_start(x, &open, &(struct hijack_options){.wants_stdin = attach.stdin});
}

/* ---- logs ---- */

static void logs_opened(struct stream_reply *r, const Sockerless__StreamOpened *opened)
{
    const char *type = opened->tty ? REPLY_STREAM_RAW : REPLY_STREAM_MULTIPLEXED;
    reply_stream_begin(r->x, 200, r->x->api >= 42 ? type : NULL);
}

static void logs_frame(struct stream_reply *r, const struct frame *f)
{
    unsigned char header[FRAME_HEADER_SIZE];
    if (f->type != FRAME_STDOUT && f->type != FRAME_STDERR)
        return;
    frame_header_encode(header, f->type, f->len);
    uv_buf_t bufs[] = {uv_buf_init((char *)header, sizeof(header)),
                       uv_buf_init((char *)(uintptr_t)f->payload, (unsigned)f->len)};
    if (r->tty)
        stream_reply_write(r, bufs + 1, 1);
    else
        stream_reply_write(r, bufs, 2);
}

static void logs_broken(struct stream_reply *r, const struct error *err)
{
    (void)err;
    stream_reply_cut(r);
}

/* What is wrong is told by the backend, which looks for the container first, as dockerd does. */
static int64_t logs_time(struct exchange *x, const char *key, char **bad)
{
    const char *value = query_get(&x->query, key);
    int64_t ns = 0;
    if (str_empty(value) || !strcmp(value, "0") || timefmt_parse_docker(value, &ns))
        return ns;
    *bad = arena_printf(&x->arena,
                        "invalid value for \"%s\": failed to parse value as time: \"%.64s\"", key,
                        value);
    return 0;
}

void route_container_logs(struct exchange *x)
{
    static const struct stream_kind kind = {.opened = logs_opened,
                                            .frame = logs_frame,
                                            .ended = stream_reply_finish,
                                            .broken = logs_broken};
    Sockerless__LogsOpen logs = SOCKERLESS__LOGS_OPEN__INIT;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    logs.ref = text(x->arg);
    logs.stdout = query_bool(&x->query, "stdout", false);
    logs.stderr = query_bool(&x->query, "stderr", false);
    logs.follow = query_bool(&x->query, "follow", false);
    logs.timestamps = query_bool(&x->query, "timestamps", false);
    logs.details = query_bool(&x->query, "details", false);
    /* Anything that is not a number of lines means all of them, as for dockerd. */
    if (!str_to_i64(text(query_get(&x->query, "tail")), &logs.tail) || logs.tail < 0)
        logs.tail = -1;
    logs.until = logs_time(x, "until", &logs.bad_time);
    logs.since = logs_time(x, "since", &logs.bad_time);
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_LOGS;
    open.logs = &logs;
    stream_reply_start(x, &open, &kind);
}

/* ---- wait ---- */

/* Clients wait for this head before they start the container. Before API 1.30 it came with the
 * code. */
static void wait_opened(struct stream_reply *r, const Sockerless__StreamOpened *opened)
{
    (void)opened;
    if (r->x->api >= 30)
        reply_stream_begin(r->x, 200, "application/json");
}

static void wait_frame(struct stream_reply *r, const struct frame *f)
{
    if (f->type != FRAME_EXIT)
        return;
    Sockerless__Exit *e = sockerless__exit__unpack(NULL, f->len, f->payload);
    if (!e)
        return;
    struct buf *out = reply_scratch(r->x);
    if (!r->x->head_sent)
        reply_stream_begin(r->x, 200, "application/json");
    docker_json_put_wait(out, e->code, r->x->api);
    sockerless__exit__free_unpacked(e, NULL);
    buf_putc(out, '\n');
    stream_reply_puts(r, out->data, out->len);
    stream_reply_finish(r);
}

/* The container has not ended as far as anybody knows: an answer that is cut is an error for every
 * client, while any code would be taken for the container's. */
static void wait_broken(struct stream_reply *r, const struct error *err)
{
    if (r->x->head_sent)
        stream_reply_cut(r);
    else
        stream_reply_refuse(r, err);
}

static void wait_ended(struct stream_reply *r)
{
    struct error err;
    error_set(&err, ERROR_UNAVAILABLE, "the backend ended the wait without an exit code");
    wait_broken(r, &err);
}

static int wait_condition(const char *text, Sockerless__WaitCondition *out)
{
    static const struct {
        const char *word;
        Sockerless__WaitCondition condition;
    } words[] = {{"", SOCKERLESS__WAIT_CONDITION__NOT_RUNNING},
                 {"not-running", SOCKERLESS__WAIT_CONDITION__NOT_RUNNING},
                 {"next-exit", SOCKERLESS__WAIT_CONDITION__NEXT_EXIT},
                 {"removed", SOCKERLESS__WAIT_CONDITION__REMOVED}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i].word, text) == 0) {
            *out = words[i].condition;
            return 0;
        }
    return -1;
}

void route_container_wait(struct exchange *x)
{
    static const struct stream_kind kind = {
        .opened = wait_opened, .frame = wait_frame, .ended = wait_ended, .broken = wait_broken};
    Sockerless__WaitOpen wait = SOCKERLESS__WAIT_OPEN__INIT;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    const char *condition = text(x->api >= 30 ? query_get(&x->query, "condition") : NULL);
    wait.ref = text(x->arg);
    if (wait_condition(condition, &wait.condition)) {
        reply_error(x, 400, "invalid condition: \"%.100s\"", condition);
        return;
    }
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_WAIT;
    open.wait = &wait;
    stream_reply_start(x, &open, &kind);
}
