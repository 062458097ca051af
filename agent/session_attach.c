/* SPDX-License-Identifier: Apache-2.0
 * The attach session; see session_attach.h and AgentAttachOpen in proto/sockerless.proto. Output
 * comes through the outlet that main_process.c writes to. */
#include "agent/session_attach.h"

#include "agent/workload.h"
#include "base/alloc.h"

#include <string.h>

struct attach {
    struct outlet outlet;
    bool stdin, stdin_once;
};

static void attach_main_ended(struct session *s)
{
    session_end(s, main_process_exit(s->workload->main));
}

/* What is printed from now on is sent; a mark in the log tells what was printed before. Behind the
 * log's last record there is nothing to mark. */
static int mark_join(struct session *s, const char *mark, struct error *err)
{
    struct main_process *m = s->workload->main;
    if (main_process_ended_p(m) || log_tee_mark_unreported(main_process_tee(m), mark, strlen(mark)))
        return 0;
    return error_set(err, ERROR_TOO_LARGE, "a log mark may have %d bytes", LOG_TEE_MARK_TEXT_MAX);
}

static void send_opened(struct session *s, bool marked)
{
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    opened.tty = s->workload->options->tty;
    opened.pid = main_process_pid(s->workload->main);
    opened.marked = marked;
    channel_send_message(s->channel, FRAME_OPENED, NULL, 0, &opened.base);
}

static int attach_open(struct session *s, const Sockerless__StreamOpen *open, struct error *err)
{
    const Sockerless__AgentAttachOpen *asked = open->agent_attach;
    struct main_process *m = s->workload->main;
    bool marked = asked->replay && *asked->mark && !main_process_keeps_all(m);
    if (marked && mark_join(s, asked->mark, err))
        return -1;
    struct attach *state = NEW(struct attach);
    state->outlet.channel = s->channel;
    state->outlet.wants_stdout = asked->stdout;
    state->outlet.wants_stderr = asked->stderr;
    state->stdin = asked->stdin;
    state->stdin_once = asked->stdin_once || s->workload->options->stdin_once;
    s->state = state;
    send_opened(s, marked);
    main_process_add_outlet(m, &state->outlet, asked->replay);
    if (main_process_ended_p(m))
        attach_main_ended(s);
    return 0;
}

static void attach_frame(struct session *s, const struct frame *f)
{
    struct attach *state = s->state;
    struct main_process *m = s->workload->main;
    if (!state->stdin)
        return;
    if (f->type == FRAME_STDIN) {
        if (!main_process_stdin(m, f->payload, f->len)) {
            state->outlet.stdin_paused = true;
            channel_pause(s->channel);
        }
    } else if (f->type == FRAME_CLOSE_STDIN && (state->stdin_once || s->workload->options->tty)) {
        main_process_stdin_close(m);
    }
}

static void attach_drained(struct session *s)
{
    struct attach *state = s->state;
    main_process_drained(s->workload->main, &state->outlet);
}

static void attach_closed(struct session *s)
{
    struct attach *state = STEAL(s->state);
    main_process_remove_outlet(s->workload->main, &state->outlet);
    free(state);
}

const struct session_kind session_attach_kind = {
    .opened_by = SOCKERLESS__STREAM_OPEN__KIND_AGENT_ATTACH,
    .open = attach_open,
    .frame = attach_frame,
    .drained = attach_drained,
    .closed = attach_closed,
    .main_ended = attach_main_ended,
    .holds_end = true,
};
