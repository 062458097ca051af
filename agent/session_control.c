/* SPDX-License-Identifier: Apache-2.0
 * The control session; see session_control.h and AgentControlOpen in proto/sockerless.proto. Has no
 * state of its own: workload->control is the session that counts. */
#include "agent/session_control.h"

#include "agent/signals.h"
#include "base/alloc.h"
#include "base/arena.h"

static void send_exit(struct session *s)
{
    const Sockerless__Exit *exit = main_process_exit(s->workload->main);
    channel_send_message(s->channel, FRAME_EXIT, NULL, 0, &exit->base);
}

static int control_open(struct session *s, const Sockerless__StreamOpen *open, struct error *err)
{
    (void)open;
    (void)err;
    struct workload *w = s->workload;
    bool tty = w->options->tty;
    int64_t pid = main_process_pid(w->main);
    struct session *older = w->control;
    w->control = s;
    s->state = w; /* no state, but closed() is needed */
    if (older)
        session_end(older, NULL);
    session_send_opened(s, FRAME_OPENED, tty, pid);
    if (main_process_started(w->main))
        session_send_opened(s, FRAME_STARTED, tty, pid);
    if (main_process_ended_p(w->main))
        send_exit(s);
    main_process_controlled(w->main);
    return 0;
}

static void on_signal(struct session *s, const struct frame *f)
{
    AUTO(arena) struct arena arena;
    arena_init(&arena);
    Sockerless__Signal *message = sockerless__signal__unpack(&arena.protobuf, f->len, f->payload);
    if (message && message->number > 0 && message->number < SIGNALS_MAX)
        main_process_signal(s->workload->main, message->number);
}

static void on_resize(struct session *s, const struct frame *f)
{
    uint32_t height, width;
    if (session_parse_resize(f, &height, &width))
        main_process_resize(s->workload->main, height, width);
}

static void on_mark(struct session *s, const struct frame *f)
{
    struct error err;
    if (log_tee_mark(main_process_tee(s->workload->main), (const char *)f->payload, f->len))
        return;
    error_set(&err, ERROR_TOO_LARGE, "a log mark may have %d bytes, and %d may be under way",
              LOG_TEE_MARK_TEXT_MAX, LOG_TEE_MARKS_MAX);
    session_fail(s, &err);
}

static void on_ack(struct session *s, const struct frame *f)
{
    (void)f;
    s->workload->acknowledged(s->workload->owner);
}

static void control_frame(struct session *s, const struct frame *f)
{
    static const struct {
        uint8_t type;
        void (*handle)(struct session *s, const struct frame *f);
    } handlers[] = {
        {FRAME_SIGNAL, on_signal},
        {FRAME_RESIZE, on_resize},
        {FRAME_LOG_MARK, on_mark},
        {FRAME_ACK, on_ack},
    };
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
        if (handlers[i].type == f->type)
            handlers[i].handle(s, f);
}

static void control_closed(struct session *s)
{
    if (s->workload->control == s)
        s->workload->control = NULL;
}

static void control_main_ended(struct session *s)
{
    if (s->workload->control == s)
        send_exit(s);
}

void session_control_mark_written(struct workload *w, const char *text, size_t len)
{
    if (w->control && !w->control->finished)
        channel_send(w->control->channel, FRAME_LOG_MARK, text, len);
}

const struct session_kind session_control_kind = {
    .opened_by = SOCKERLESS__STREAM_OPEN__KIND_AGENT_CONTROL,
    .open = control_open,
    .frame = control_frame,
    .closed = control_closed,
    .main_ended = control_main_ended,
};
