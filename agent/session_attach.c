/* SPDX-License-Identifier: Apache-2.0
 * The attach session; see session_attach.h and AgentAttachOpen in proto/sockerless.proto. Output
 * comes through the outlet that main_process.c writes to. */
#include "agent/session_attach.h"

#include "agent/workload.h"
#include "base/alloc.h"

struct attach {
    struct outlet outlet;
    bool stdin, stdin_once;
};

static void attach_main_ended(struct session *s)
{
    session_end(s, main_process_exit(s->workload->main));
}

static int attach_open(struct session *s, const Sockerless__StreamOpen *open, struct error *err)
{
    (void)err;
    const Sockerless__AgentAttachOpen *asked = open->agent_attach;
    struct main_process *m = s->workload->main;
    struct attach *state = NEW(struct attach);
    state->outlet.channel = s->channel;
    state->outlet.wants_stdout = asked->stdout;
    state->outlet.wants_stderr = asked->stderr;
    state->stdin = asked->stdin;
    state->stdin_once = asked->stdin_once || s->workload->options->stdin_once;
    s->state = state;
    session_send_opened(s, FRAME_OPENED, s->workload->options->tty, main_process_pid(m));
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
