/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/rig_client.h"

static void take_progress(struct rig_client *c, const struct frame *f)
{
    Sockerless__Progress *p = sockerless__progress__unpack(NULL, f->len, f->payload);
    assert_non_null(p);
    assert_true(c->opened);
    if (p->stream[0])
        buf_printf(&c->lines, "%s", p->stream);
    else if (p->aux)
        buf_printf(&c->lines, "aux %s %s %lld\n", p->aux->tag, p->aux->digest,
                   (long long)p->aux->size);
    else if (c->totals && p->total)
        buf_printf(&c->lines, "%s: %s %d/%d\n", p->id, p->status, (int)p->current, (int)p->total);
    else
        buf_printf(&c->lines, "%s%s%s\n", p->id, p->id[0] ? ": " : "", p->status);
    sockerless__progress__free_unpacked(p, NULL);
}

static void take_error(struct rig_client *c, const struct frame *f)
{
    Sockerless__Error *e = sockerless__error__unpack(NULL, f->len, f->payload);
    assert_non_null(e);
    error_set(&c->err, (enum error_code)e->code, "%s", e->message);
    c->failed = true;
    sockerless__error__free_unpacked(e, NULL);
}

static void take_opened(struct rig_client *c, const struct frame *f)
{
    Sockerless__StreamOpened *m = sockerless__stream_opened__unpack(NULL, f->len, f->payload);
    c->opened = true;
    c->tty = m->tty;
    sockerless__stream_opened__free_unpacked(m, NULL);
}

static void take_exit(struct rig_client *c, const struct frame *f)
{
    Sockerless__Exit *e = sockerless__exit__unpack(NULL, f->len, f->payload);
    c->exited = true;
    c->exit_code = e->code;
    sockerless__exit__free_unpacked(e, NULL);
}

static void take_output(struct rig_client *c, const struct frame *f)
{
    assert_true(c->opened);
    c->frames++;
    buf_append(f->type == FRAME_STDOUT ? &c->out : &c->errs, f->payload, f->len);
    buf_append(&c->both, f->payload, f->len);
}

static void on_frame(void *owner, const struct frame *f)
{
    struct rig_client *c = owner;
    switch (f->type) {
    case FRAME_OPENED: take_opened(c, f); break;
    case FRAME_PROGRESS: take_progress(c, f); break;
    case FRAME_STDOUT:
    case FRAME_STDERR: take_output(c, f); break;
    case FRAME_EXIT: take_exit(c, f); break;
    case FRAME_END: c->ended = true; break;
    case FRAME_ERROR: take_error(c, f); break;
    default: fail_msg("unexpected frame %d", f->type);
    }
    if (f->type == FRAME_END || f->type == FRAME_ERROR)
        channel_finish(c->channel);
    else if (c->out_max && c->out.len >= c->out_max)
        channel_pause(c->channel);
}

static void on_closed(void *owner, const struct error *why)
{
    struct rig_client *c = owner;
    (void)why;
    c->closed = true;
    c->channel = NULL;
}

void rig_client_open(struct rig_client *c, Sockerless__StreamOpen__KindCase kind, void *open)
{
    static const struct channel_events events = {.frame = on_frame, .closed = on_closed};
    struct error err;
    Sockerless__StreamOpen stream = SOCKERLESS__STREAM_OPEN__INIT;
    memset(c, 0, sizeof *c);
    stream.kind_case = kind;
    stream.image_load = open; /* a union of pointers */
    assert_int_equal(channel_dial(&rig.loop, rig.url, NULL, &events, c, &c->channel, &err), 0);
    channel_send_message(c->channel, FRAME_OPEN, NULL, 0, &stream.base);
}

void rig_client_send(struct rig_client *c, const void *bytes, size_t len)
{
    const char *p = bytes;
    while (len && !c->closed && !c->failed) {
        size_t n = len < FRAME_DATA_MAX ? len : FRAME_DATA_MAX;
        bool more = channel_send(c->channel, FRAME_STDIN, p, n);
        p += n;
        len -= n;
        if (!more)
            run_until(c->closed || c->failed || channel_writable(c->channel));
    }
}

void rig_client_finish(struct rig_client *c)
{
    if (c->channel && !c->failed)
        channel_send(c->channel, FRAME_CLOSE_STDIN, NULL, 0);
    run_until(c->closed);
}

void rig_client_end(struct rig_client *c)
{
    run_until(c->closed);
    if (!c->ended)
        fail_msg("%s", c->err.message);
}

void rig_client_free(struct rig_client *c)
{
    if (c->channel)
        channel_abort(c->channel);
    run_until(c->closed);
    buf_free(&c->out);
    buf_free(&c->errs);
    buf_free(&c->both);
    buf_free(&c->lines);
    memset(c, 0, sizeof *c);
}

const char *rig_client_lines(const struct rig_client *c)
{
    return c->lines.len ? c->lines.data : "";
}
