/* SPDX-License-Identifier: Apache-2.0
 *
 * The real agent, talked to over its port: control, attach, replay and gate, signals, the end.
 * (Execs: agent_execs.c.)
 */
#include "test/kit/agent_harness.h"

#include "base/log_record.h"
#include "base/timefmt.h"
#include "test/kit/test.h"

#define SH(script) ARGV("--", "/bin/sh", "-c", script)
#define ENV(...) ARGV(__VA_ARGS__)

static void acknowledge(struct peer *control)
{
    channel_send(control->channel, FRAME_ACK, NULL, 0);
}

/* ---- exit code, streams, log ---- */

TEST_AGENT(exit_code_and_streams)
{
    struct harness h;
    struct peer control, attach;
    agent_start(&h, NULL, SH("echo out; echo err >&2; printf part; exit 7"));
    peer_attach(&attach, &h, ATTACH(.replay = 1, .stdout = 1, .stderr = 1));
    peer_control(&control, &h);
    WAIT_FOR(&h, control.exited && attach.ended);
    assert_true(control.started);
    assert_int_equal(control.code, 7);
    assert_int_equal(attach.code, 7);
    assert_string_equal(attach.out.data, "out\npart");
    assert_string_equal(attach.err.data, "err\n");
    assert_false(h.exited); /* lingers until the code was taken */
    acknowledge(&control);
    assert_int_equal(agent_wait(&h), 7);
    assert_non_null(strstr(h.log.data, "out\n"));
    assert_non_null(strstr(h.log.data, "\x01"
                                       "eerr\n"));
    assert_non_null(strstr(h.log.data, "\x01"
                                       "ppart\n"));
    assert_true(str_ends(h.log.data, "\x01x7\n"));
    peer_close(&control);
    peer_close(&attach);
    agent_stop(&h);
}

TEST_AGENT(start_failure)
{
    struct harness h;
    struct peer control;
    agent_start(&h, NULL, ARGV("--", "no-such-program"));
    peer_control(&control, &h);
    WAIT_FOR(&h, control.exited);
    assert_true(control.start_failed);
    assert_false(control.started);
    assert_int_equal(control.code, 127);
    assert_string_equal(
        control.text.data,
        "failed to create shim task: OCI runtime create failed: runc create failed: "
        "unable to start container process: exec: \"no-such-program\": executable "
        "file not found in $PATH: unknown");
    acknowledge(&control);
    assert_int_equal(agent_wait(&h), 127);
    assert_string_equal(h.log.data, "\x01x127\n");
    peer_close(&control);
    agent_stop(&h);
}

TEST_AGENT(environment_is_clean)
{
    struct harness h;
    struct peer attach;
    agent_start(&h, ENV("SOCKERLESS_AGENT_LINGER_MS=60000", "A=b"), SH("env"));
    peer_attach(&attach, &h, ATTACH(.replay = 1, .stdout = 1));
    WAIT_FOR(&h, attach.ended);
    assert_null(strstr(attach.out.data, "SOCKERLESS_AGENT_"));
    assert_non_null(strstr(attach.out.data, "A=b\n"));
    assert_non_null(strstr(attach.out.data, "HOME="));
    peer_close(&attach);
    agent_stop(&h);
}

TEST_AGENT(linger_passes)
{
    struct harness h;
    agent_start(&h, ENV("SOCKERLESS_AGENT_LINGER_MS=50"), SH("exit 3"));
    assert_int_equal(agent_wait(&h), 3);
    agent_stop(&h);
}

TEST_AGENT(wrong_token)
{
    struct harness h;
    struct peer p;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__AgentControlOpen control = SOCKERLESS__AGENT_CONTROL_OPEN__INIT;
    const char *const tokens[] = {"wrong", "", "0123456789abcde", TOKEN "0", NULL};
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_CONTROL;
    open.agent_control = &control;
    agent_start(&h, NULL, ARGV("--keep-alive", "--"));
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        peer_dial(&p, &h, tokens[i]);
        peer_send_open(&p, &open);
        WAIT_FOR(&h, p.was_dropped);
        assert_false(p.opened);
        peer_close(&p);
    }
    agent_stop(&h);
}

TEST_AGENT(malformed_first_frames)
{
    struct harness h;
    struct peer p[4]; /* one for each of frames */
    static const struct {
        uint8_t type;
        const char *payload;
        size_t len;
    } frames[] = {
        {FRAME_STDIN, "x", 1},
        {FRAME_OPEN, "\xff\xff\xff", 3},
        {FRAME_OPEN, "", 0},
        {FRAME_ACK, "", 0},
    };
    agent_start(&h, NULL, ARGV("--keep-alive", "--"));
    /* All at once: each is waited for, for it might still read the reason. */
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        peer_dial(&p[i], &h, TOKEN);
        channel_send(p[i].channel, frames[i].type, frames[i].payload, frames[i].len);
    }
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        WAIT_FOR(&h, p[i].was_dropped);
        assert_true(p[i].failed);
        peer_close(&p[i]);
    }
    agent_stop(&h);
}

/* ---- replay and gate ---- */

/* 3 MiB before anybody controls: kept back by the gate, then all of it arrives. */
TEST_AGENT(gate_loses_nothing)
{
    struct harness h;
    struct peer attach, control, late;
    agent_start(&h, NULL, SH("head -c 3145728 /dev/zero | tr '\\0' x; echo; echo end >&2"));
    peer_attach(&attach, &h, ATTACH(.replay = 1, .stdout = 1, .stderr = 1));
    WAIT_FOR(&h, attach.bytes >= 1024 * 1024);
    assert_int_equal(attach.bytes, 1024 * 1024); /* the process waits */
    peer_control(&control, &h);
    WAIT_FOR(&h, attach.ended);
    assert_int_equal(attach.out.len, 3145729);
    assert_string_equal(attach.err.data, "end\n");
    peer_attach(&late, &h, ATTACH(.replay = 1, .stdout = 1, .stderr = 1));
    WAIT_FOR(&h, late.ended);
    assert_int_equal(late.bytes, 0); /* released: nothing, rather than a gap */
    acknowledge(&control);
    assert_int_equal(agent_wait(&h), 0);
    peer_close(&attach);
    peer_close(&late);
    peer_close(&control);
    agent_stop(&h);
}

TEST_AGENT(attach_after_the_end)
{
    struct harness h;
    struct peer attach;
    agent_start(&h, NULL, SH("echo a; echo b >&2; exit 4"));
    WAIT_FOR(&h, h.log.data && strstr(h.log.data, "\x01x4\n"));
    peer_attach(&attach, &h, ATTACH(.replay = 1, .stdout = 1, .stderr = 1));
    WAIT_FOR(&h, attach.ended);
    assert_string_equal(attach.out.data, "a\n");
    assert_string_equal(attach.err.data, "b\n");
    assert_int_equal(attach.code, 4);
    peer_close(&attach);
    agent_stop(&h);
}

TEST_AGENT(two_attachers)
{
    struct harness h;
    struct peer control, one, two, only_err;
    agent_start(&h, ENV("SOCKERLESS_AGENT_STDIN=1", "SOCKERLESS_AGENT_STDIN_ONCE=1"),
                SH("while read x; do echo got $x; echo e >&2; done; exit 5"));
    peer_attach(&one, &h, ATTACH(.stdin = 1, .stdout = 1, .stderr = 1));
    peer_attach(&two, &h, ATTACH(.stdin = 1, .stdout = 1));
    peer_attach(&only_err, &h, ATTACH(.stdin = 0, .stderr = 1));
    peer_control(&control, &h);
    peer_type(&only_err, "ignored\n");
    peer_type(&one, "1\n");
    WAIT_FOR(&h, peer_printed(&one, "got 1\n") && peer_printed(&two, "got 1\n"));
    peer_type(&two, "2\n");
    WAIT_FOR(&h, peer_printed(&one, "got 2\n"));
    peer_close(&one);
    channel_send(two.channel, FRAME_CLOSE_STDIN, NULL, 0);
    WAIT_FOR(&h, two.ended && only_err.ended && control.exited);
    assert_string_equal(two.out.data, "got 1\ngot 2\n");
    assert_null(two.err.data);
    assert_string_equal(only_err.err.data, "e\ne\n");
    assert_int_equal(control.code, 5);
    peer_close(&two);
    peer_close(&only_err);
    peer_close(&control);
    agent_stop(&h);
}

/* An attacher that does not read stops the process and loses nothing. */
TEST_AGENT(slow_attacher)
{
    struct harness h;
    struct peer control, slow;
    agent_start(&h, ENV("SOCKERLESS_AGENT_STDIN=1"),
                SH("read x; head -c 30000000 /dev/zero; echo done"));
    peer_control(&control, &h);
    peer_attach(&slow, &h, ATTACH(.stdin = 1, .stdout = 1));
    slow.keep = false;
    peer_type(&slow, "go\n");
    WAIT_FOR(&h, slow.bytes > 0);
    channel_pause(slow.channel);
    struct peer fast; /* joins while the process stands still */
    peer_attach(&fast, &h, ATTACH(.stdout = 1));
    assert_false(control.exited);
    channel_resume(slow.channel);
    WAIT_FOR(&h, slow.ended && fast.ended);
    assert_int_equal(slow.bytes, 30000005);
    acknowledge(&control);
    assert_int_equal(agent_wait(&h), 0);
    peer_close(&control);
    peer_close(&slow);
    peer_close(&fast);
    agent_stop(&h);
}

/* ---- a lot of bytes ---- */

struct pump {
    struct peer *peer;
    uint64_t left, hash;
    uint32_t seed;
};

/* Sends until the channel is full; the rest when it has drained. */
static void pump_more(struct pump *p)
{
    static unsigned char piece[65536];
    bool room = true;
    while (room && p->left) {
        size_t n = p->left < sizeof piece ? (size_t)p->left : sizeof piece;
        for (size_t i = 0; i < n; i++) {
            p->seed = p->seed * 1664525 + 1013904223;
            piece[i] = (unsigned char)(p->seed >> 24);
        }
        p->hash = hash_add(p->hash, piece, n);
        p->left -= n;
        room = channel_send(p->peer->channel, FRAME_STDIN, piece, n);
    }
}

TEST_AGENT(50_megabytes_through_cat)
{
    enum { TOTAL = 50 * 1000 * 1000 };
    struct harness h;
    struct peer control, attach;
    struct pump pump = {.peer = &attach, .left = TOTAL, .hash = 14695981039346656037ULL};
    agent_start(&h, ENV("SOCKERLESS_AGENT_STDIN=1", "SOCKERLESS_AGENT_STDIN_ONCE=1"),
                ARGV("--", "cat"));
    peer_control(&control, &h);
    peer_attach(&attach, &h, ATTACH(.stdin = 1, .stdout = 1));
    attach.keep = false;
    int64_t begin = time_mono_ms();
    pump_more(&pump);
    while (pump.left) {
        WAIT_FOR(&h, attach.drained);
        attach.drained = false;
        pump_more(&pump);
    }
    channel_send(attach.channel, FRAME_CLOSE_STDIN, NULL, 0);
    WAIT_FOR(&h, attach.ended);
    int64_t took = time_mono_ms() - begin;
    print_message("50 MB through cat: %lld ms\n", (long long)took);
    assert_int_equal(attach.bytes, TOTAL);
    assert_true(attach.hash == pump.hash);
    acknowledge(&control);
    assert_int_equal(agent_wait(&h), 0);
    peer_close(&control);
    peer_close(&attach);
    agent_stop(&h);
}

/* ---- terminal ---- */

TEST_AGENT(terminal)
{
    struct harness h;
    struct peer control, attach;
    agent_start(
        &h, ENV("SOCKERLESS_AGENT_TTY=1", "SOCKERLESS_AGENT_STDIN=1"),
        SH("test -t 0 && test -t 1 && test -t 2 && echo $TERM; read x; stty size; cat; exit 6"));
    peer_control(&control, &h);
    assert_true(control.tty);
    peer_attach(&attach, &h, ATTACH(.replay = 1, .stdin = 1, .stdout = 1));
    WAIT_FOR(&h, peer_printed(&attach, "\r\n"));
    peer_resize(&control, 33, 77);
    /* Two connections: the size is there when the mark, sent after it, has come back. */
    channel_send(control.channel, FRAME_LOG_MARK, "m", 1);
    WAIT_FOR(&h, control.marks.len == 1);
    peer_type(&attach, "x\n");
    WAIT_FOR(&h, peer_printed(&attach, "33 77\r\n"));
    channel_send(attach.channel, FRAME_CLOSE_STDIN, NULL, 0); /* ^D ends cat */
    WAIT_FOR(&h, attach.ended);
    assert_int_equal(attach.code, 6);
    assert_null(attach.err.data);
    peer_close(&attach);
    peer_close(&control);
    agent_stop(&h);
}

/* ---- signals ---- */

TEST_AGENT(signals)
{
    struct harness h;
    struct peer control, attach;
    agent_start(&h, NULL,
                SH("trap 'echo usr' USR1; trap 'echo term' TERM; echo ready; "
                   "while :; do sleep 0.02; done"));
    peer_control(&control, &h);
    peer_attach(&attach, &h, ATTACH(.replay = 1, .stdout = 1));
    WAIT_FOR(&h, peer_printed(&attach, "ready\n"));
    peer_signal(&control, SIGUSR1);
    WAIT_FOR(&h, peer_printed(&attach, "usr\n"));
    uv_process_kill(&h.process, SIGTERM); /* as the cloud does */
    WAIT_FOR(&h, peer_printed(&attach, "term\n"));
    peer_signal(&control, SIGKILL);
    WAIT_FOR(&h, control.exited);
    assert_int_equal(control.code, 137);
    assert_int_equal(control.signal, 9);
    acknowledge(&control);
    assert_int_equal(agent_wait(&h), 137);
    peer_close(&control);
    peer_close(&attach);
    agent_stop(&h);
}

TEST_AGENT(keep_alive)
{
    struct harness h;
    struct peer control;
    agent_start(&h, NULL, ARGV("--keep-alive", "--"));
    peer_control(&control, &h);
    WAIT_FOR(&h, control.started);
    peer_signal(&control, SIGUSR1); /* nothing */
    uv_process_kill(&h.process, SIGTERM);
    WAIT_FOR(&h, control.exited);
    assert_int_equal(control.code, 143);
    acknowledge(&control);
    assert_int_equal(agent_wait(&h), 143);
    peer_close(&control);
    agent_stop(&h);
}

/* The script goes on only when the orphan, whose parent has ended, does not even exist as a
 * zombie. */
TEST_AGENT(orphans_are_reaped)
{
    struct harness h;
    agent_start(&h, ENV("SOCKERLESS_AGENT_LINGER_MS=10"),
                SH("pid=$(sh -c 'sleep 0.05 >/dev/null & echo $!'); "
                   "while kill -0 $pid 2>/dev/null; do sleep 0.02; done; exit 9"));
    assert_int_equal(agent_wait(&h), 9);
    agent_stop(&h);
}

/* A background process that keeps the output open does not keep the container. */
TEST_AGENT(bystander_holds_the_output)
{
    struct harness h;
    struct peer attach;
    agent_start(&h, NULL, SH("sleep 1000 & echo last; exit 2"));
    peer_attach(&attach, &h, ATTACH(.replay = 1, .stdout = 1));
    WAIT_FOR(&h, attach.ended);
    assert_string_equal(attach.out.data, "last\n");
    assert_int_equal(attach.code, 2);
    peer_close(&attach);
    agent_stop(&h);
}

/* ---- control ---- */

TEST_AGENT(newer_control_replaces)
{
    struct harness h;
    struct peer first, second;
    agent_start(&h, NULL, ARGV("--keep-alive", "--"));
    peer_control(&first, &h);
    peer_control(&second, &h);
    WAIT_FOR(&h, first.ended && second.started);
    peer_signal(&second, SIGKILL);
    WAIT_FOR(&h, second.exited);
    assert_int_equal(second.code, 137);
    acknowledge(&second);
    assert_int_equal(agent_wait(&h), 137);
    peer_close(&first);
    peer_close(&second);
    agent_stop(&h);
}

TEST_AGENT(log_mark)
{
    struct harness h;
    struct peer control, attach;
    agent_start(&h, ENV("SOCKERLESS_AGENT_STDIN=1"), SH("printf half; read x; echo rest"));
    peer_control(&control, &h);
    peer_attach(&attach, &h, ATTACH(.replay = 1, .stdin = 1, .stdout = 1));
    WAIT_FOR(&h, peer_printed(&attach, "half"));
    channel_send(control.channel, FRAME_LOG_MARK, "here", 4);
    WAIT_FOR(&h, control.marks.len == 4);
    peer_type(&attach, "\n");
    WAIT_FOR(&h, control.exited);
    acknowledge(&control);
    assert_int_equal(agent_wait(&h), 0);
    assert_string_equal(h.log.data, "\x01phalf\n\x01mhere\nrest\n\x01x0\n");
    peer_close(&control);
    peer_close(&attach);
    agent_stop(&h);
}
