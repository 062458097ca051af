/* SPDX-License-Identifier: Apache-2.0
 * A process of the agent on a loop; see process_rig.h. */
#include "test/kit/process_rig.h"

#include "ipc/frame.h"
#include "test/kit/test.h"

enum { WAIT_MAX_MS = 20000 };

struct process_rig process_rig;

static size_t on_room(void *owner)
{
    (void)owner;
    return process_rig.room;
}

static void on_output(void *owner, uint8_t type, const char *bytes, size_t len)
{
    (void)owner;
    buf_append(type == FRAME_STDERR ? &process_rig.err : &process_rig.out, bytes, len);
}

static void on_stdin_ready(void *owner)
{
    (void)owner;
    process_rig.stdin_ready = true;
}

static void on_ended(void *owner, int code, int signal_number)
{
    (void)owner;
    process_rig.ended = true;
    process_rig.code = code;
    process_rig.signal = signal_number;
    process_free(process_rig.process);
    process_rig.process = NULL;
}

static const struct process_events handlers = {on_room, on_output, on_stdin_ready, on_ended};

static void on_limit(uv_timer_t *timer)
{
    (void)timer;
    process_rig.timed_out = true;
}

void process_rig_wait(const bool *condition)
{
    uv_timer_t limit;
    uv_timer_init(&process_rig.loop.uv, &limit);
    uv_timer_start(&limit, on_limit, WAIT_MAX_MS, 0);
    while (!*condition && !process_rig.timed_out)
        uv_run(&process_rig.loop.uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&limit, NULL);
    uv_run(&process_rig.loop.uv, UV_RUN_NOWAIT);
    assert_false(process_rig.timed_out);
}

void process_rig_open(void)
{
    struct error err;
    process_rig = (struct process_rig){.room = FRAME_DATA_MAX};
    assert_int_equal(loop_init(&process_rig.loop, &err), 0);
    assert_int_equal(reaper_open(&process_rig.reaper, &process_rig.loop, &err), 0);
}

void process_rig_close(void)
{
    reaper_close(&process_rig.reaper);
    loop_fini(&process_rig.loop);
    buf_free(&process_rig.out);
    buf_free(&process_rig.err);
}

int process_rig_start(struct process_options options, const char *const *argv, struct error *err)
{
    int exit_code = 0;
    for (; *argv; argv++)
        strv_push(&options.argv, *argv);
    strv_push(&options.env, "PATH=/usr/local/bin:/usr/bin:/bin");
    int rc = process_start(&process_rig.loop, &process_rig.reaper, &options, &handlers, NULL,
                           &process_rig.process, &exit_code, NULL, err);
    strv_free(&options.argv);
    strv_free(&options.env);
    return rc ? exit_code : 0;
}
