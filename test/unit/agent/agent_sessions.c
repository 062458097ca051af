/* SPDX-License-Identifier: Apache-2.0
 *
 * The real agent, talked to over its port: control, attach, replay and gate, signals, the end.
 * (Execs: agent_execs.c.)
 */
#include "test/kit/agent_rig.h"

#include "base/log_record.h"
#include "base/timefmt.h"
#include "test/kit/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SH(script) ARGV("--", "/bin/sh", "-c", script)
#define ENV(...) ARGV(__VA_ARGS__)

/* ---- exit code, streams, log ---- */

TEST_AGENT(exit_code_and_streams)
{
    agent_start(NULL, SH("echo out; echo err >&2; printf part; exit 7"));
    struct peer *attach = peer_attach(ATTACH(.replay = 1, .stdout = 1, .stderr = 1));
    struct peer *control = peer_control();
    WAIT_FOR(control->exited && attach->ended);
    assert_true(control->started);
    assert_int_equal(control->code, 7);
    assert_int_equal(attach->code, 7);
    assert_string_equal(attach->out.data, "out\npart");
    assert_string_equal(attach->err.data, "err\n");
    assert_false(agent.exited); /* lingers until the code was taken */
    peer_acknowledge(control);
    assert_int_equal(agent_wait(), 7);
    assert_non_null(strstr(agent.log.data, "out\n"));
    assert_non_null(strstr(agent.log.data, "\x01"
                                           "eerr\n"));
    assert_non_null(strstr(agent.log.data, "\x01"
                                           "ppart\n"));
    assert_true(str_ends(agent.log.data, "\x01x7 4\n"));
}

TEST_AGENT(start_failure)
{
    agent_start(NULL, ARGV("--", "no-such-program"));
    struct peer *control = peer_control();
    WAIT_FOR(control->exited);
    assert_true(control->start_failed);
    assert_false(control->started);
    assert_int_equal(control->code, 127);
    assert_string_equal(
        control->text.data,
        "failed to create shim task: OCI runtime create failed: runc create failed: "
        "unable to start container process: exec: \"no-such-program\": executable "
        "file not found in $PATH: unknown");
    peer_acknowledge(control);
    assert_int_equal(agent_wait(), 127);
    assert_string_equal(agent.log.data, "\x01x127 1\n");
}

TEST_AGENT(environment_is_clean)
{
    agent_start(ENV("SOCKERLESS_AGENT_LINGER_MS=60000", "A=b"), SH("env"));
    struct peer *attach = peer_attach(ATTACH(.replay = 1, .stdout = 1));
    WAIT_FOR(attach->ended);
    assert_null(strstr(attach->out.data, "SOCKERLESS_AGENT_"));
    assert_non_null(strstr(attach->out.data, "A=b\n"));
    assert_non_null(strstr(attach->out.data, "HOME="));
}

TEST_AGENT(linger_passes)
{
    agent_start(ENV("SOCKERLESS_AGENT_LINGER_MS=50"), SH("exit 3"));
    assert_int_equal(agent_wait(), 3);
}

TEST_AGENT(wrong_token)
{
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__AgentControlOpen control = SOCKERLESS__AGENT_CONTROL_OPEN__INIT;
    const char *const tokens[] = {"wrong", "", "0123456789abcde", TOKEN "0", NULL};
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_AGENT_CONTROL;
    open.agent_control = &control;
    agent_start(NULL, ARGV("--keep-alive", "--"));
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        struct peer *p = peer_dial(tokens[i]);
        peer_send_open(p, &open);
        WAIT_FOR(p->was_dropped);
        assert_false(p->opened);
        peer_close(p);
    }
}

TEST_AGENT(malformed_first_frames)
{
    struct peer *p[4]; /* one for each of frames */
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
    agent_start(NULL, ARGV("--keep-alive", "--"));
    /* All at once: each is waited for, for it might still read the reason. */
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        p[i] = peer_dial(TOKEN);
        channel_send(p[i]->channel, frames[i].type, frames[i].payload, frames[i].len);
    }
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        WAIT_FOR(p[i]->was_dropped);
        assert_true(p[i]->failed);
        peer_close(p[i]);
    }
}

/* ---- replay and gate ---- */

/* 3 MiB before anybody controls: kept back by the gate, then all of it arrives. */
TEST_AGENT(gate_loses_nothing)
{
    agent_start(NULL, SH("head -c 3145728 /dev/zero | tr '\\0' x; echo; echo end >&2"));
    struct peer *attach = peer_attach(ATTACH(.replay = 1, .stdout = 1, .stderr = 1));
    WAIT_FOR(attach->bytes >= 1024 * 1024);
    assert_int_equal(attach->bytes, 1024 * 1024); /* the process waits */
    struct peer *control = peer_control();
    WAIT_FOR(attach->ended);
    assert_int_equal(attach->out.len, 3145729);
    assert_string_equal(attach->err.data, "end\n");
    struct peer *late = peer_attach(ATTACH(.replay = 1, .stdout = 1, .stderr = 1));
    WAIT_FOR(late->ended);
    assert_int_equal(late->bytes, 0); /* released: nothing, rather than a gap */
    peer_acknowledge(control);
    assert_int_equal(agent_wait(), 0);
}

/* Once more was printed than is kept, an attach that asks for all gets a mark in the log instead,
 * and exactly what follows it: the unfinished line before it is in the log. */
TEST_AGENT(attach_with_a_mark)
{
    agent_start(ENV("SOCKERLESS_AGENT_STDIN=1"),
                SH("seq 1 40000 | sed 's/.*/& of many lines of some length, yes/'; "
                   "printf half; read x; echo whole"));
    struct peer *control = peer_control();
    struct peer *typing = peer_attach(ATTACH(.stdin = 1, .stdout = 1));
    WAIT_FOR(peer_printed(typing, "half"));
    struct peer *attach =
        peer_attach(ATTACH(.replay = 1, .stdout = 1, .stderr = 1, .mark = (char *)"join-1"));
    assert_true(attach->marked);
    struct peer *plain = peer_attach(ATTACH(.replay = 1, .stdout = 1));
    assert_false(plain->marked);
    peer_type(typing, "\n");
    WAIT_FOR(attach->ended && plain->ended);
    assert_string_equal(attach->out.data, "whole\n");
    peer_acknowledge(control);
    agent_wait();
    WAIT_FOR(agent.log_ended);
    const char *tail = strstr(agent.log.data, "\n40000 of many");
    assert_non_null(tail);
    static const char wanted[] = "\n40000 of many lines of some length, yes\n\001phalf\n"
                                 "\001mjoin-1\nwhole\n\001x0 ";
    assert_memory_equal(tail, wanted, strlen(wanted));
}

/* What is kept from the first byte is sent, and nothing is marked. */
TEST_AGENT(attach_without_need_for_a_mark)
{
    agent_start(ENV("SOCKERLESS_AGENT_STDIN=1"), SH("echo one; read x; echo two"));
    struct peer *control = peer_control();
    struct peer *typing = peer_attach(ATTACH(.replay = 1, .stdin = 1, .stdout = 1));
    WAIT_FOR(peer_printed(typing, "one\n"));
    struct peer *attach = peer_attach(ATTACH(.replay = 1, .stdout = 1, .mark = (char *)"join-1"));
    assert_false(attach->marked);
    peer_type(typing, "\n");
    WAIT_FOR(attach->ended);
    assert_string_equal(attach->out.data, "one\ntwo\n");
    peer_acknowledge(control);
    agent_wait();
    WAIT_FOR(agent.log_ended);
    assert_null(strstr(agent.log.data, "join-1"));
}

TEST_AGENT(attach_after_the_end)
{
    agent_start(NULL, SH("echo a; echo b >&2; exit 4"));
    WAIT_FOR(agent.log.data && strstr(agent.log.data, "\x01x4 "));
    struct peer *attach = peer_attach(ATTACH(.replay = 1, .stdout = 1, .stderr = 1));
    WAIT_FOR(attach->ended);
    assert_string_equal(attach->out.data, "a\n");
    assert_string_equal(attach->err.data, "b\n");
    assert_int_equal(attach->code, 4);
}

TEST_AGENT(two_attachers)
{
    agent_start(ENV("SOCKERLESS_AGENT_STDIN=1", "SOCKERLESS_AGENT_STDIN_ONCE=1"),
                SH("while read x; do echo got $x; echo e >&2; done; exit 5"));
    struct peer *one = peer_attach(ATTACH(.stdin = 1, .stdout = 1, .stderr = 1));
    struct peer *two = peer_attach(ATTACH(.stdin = 1, .stdout = 1));
    struct peer *only_err = peer_attach(ATTACH(.stdin = 0, .stderr = 1));
    struct peer *control = peer_control();
    peer_type(only_err, "ignored\n");
    peer_type(one, "1\n");
    WAIT_FOR(peer_printed(one, "got 1\n") && peer_printed(two, "got 1\n"));
    peer_type(two, "2\n");
    WAIT_FOR(peer_printed(one, "got 2\n"));
    peer_close(one);
    channel_send(two->channel, FRAME_CLOSE_STDIN, NULL, 0);
    WAIT_FOR(two->ended && only_err->ended && control->exited);
    assert_string_equal(two->out.data, "got 1\ngot 2\n");
    assert_null(two->err.data);
    assert_string_equal(only_err->err.data, "e\ne\n");
    assert_int_equal(control->code, 5);
}

/* An attacher that does not read stops the process and loses nothing. */
TEST_AGENT(slow_attacher)
{
    agent_start(ENV("SOCKERLESS_AGENT_STDIN=1"),
                SH("read x; head -c 30000000 /dev/zero; echo done"));
    struct peer *control = peer_control();
    struct peer *slow = peer_attach(ATTACH(.stdin = 1, .stdout = 1));
    slow->keep = false;
    peer_type(slow, "go\n");
    WAIT_FOR(slow->bytes > 0);
    channel_pause(slow->channel);
    struct peer *fast = peer_attach(ATTACH(.stdout = 1));
    assert_false(control->exited);
    channel_resume(slow->channel);
    WAIT_FOR(slow->ended && fast->ended);
    assert_int_equal(slow->bytes, 30000005);
    peer_acknowledge(control);
    assert_int_equal(agent_wait(), 0);
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
    agent_start(ENV("SOCKERLESS_AGENT_STDIN=1", "SOCKERLESS_AGENT_STDIN_ONCE=1"),
                ARGV("--", "cat"));
    struct peer *control = peer_control();
    struct peer *attach = peer_attach(ATTACH(.stdin = 1, .stdout = 1));
    struct pump pump = {.peer = attach, .left = TOTAL, .hash = attach->hash};
    attach->keep = false;
    int64_t begin = time_mono_ms();
    pump_more(&pump);
    while (pump.left) {
        WAIT_FOR(attach->drained);
        attach->drained = false;
        pump_more(&pump);
    }
    channel_send(attach->channel, FRAME_CLOSE_STDIN, NULL, 0);
    WAIT_FOR(attach->ended);
    int64_t took = time_mono_ms() - begin;
    print_message("50 MB through cat: %lld ms\n", (long long)took);
    assert_int_equal(attach->bytes, TOTAL);
    assert_true(attach->hash == pump.hash);
    peer_acknowledge(control);
    assert_int_equal(agent_wait(), 0);
}

/* ---- terminal ---- */

TEST_AGENT(terminal)
{
    agent_start(
        ENV("SOCKERLESS_AGENT_TTY=1", "SOCKERLESS_AGENT_STDIN=1"),
        SH("test -t 0 && test -t 1 && test -t 2 && echo $TERM; read x; stty size; cat; exit 6"));
    struct peer *control = peer_control();
    assert_true(control->tty);
    struct peer *attach = peer_attach(ATTACH(.replay = 1, .stdin = 1, .stdout = 1));
    WAIT_FOR(peer_printed(attach, "\r\n"));
    peer_resize(control, 33, 77);
    /* Two connections: the size is there when the mark, sent after it, has come back. */
    channel_send(control->channel, FRAME_LOG_MARK, "m", 1);
    WAIT_FOR(control->marks.len == 1);
    peer_type(attach, "x\n");
    WAIT_FOR(peer_printed(attach, "33 77\r\n"));
    channel_send(attach->channel, FRAME_CLOSE_STDIN, NULL, 0); /* ^D ends cat */
    WAIT_FOR(attach->ended);
    assert_int_equal(attach->code, 6);
    assert_null(attach->err.data);
}

/* ---- signals ---- */

TEST_AGENT(signals)
{
    agent_start(NULL, SH("trap 'echo usr' USR1; trap 'echo term' TERM; echo ready; "
                         "while :; do sleep 0.02; done"));
    struct peer *control = peer_control();
    struct peer *attach = peer_attach(ATTACH(.replay = 1, .stdout = 1));
    WAIT_FOR(peer_printed(attach, "ready\n"));
    peer_signal(control, SIGUSR1);
    WAIT_FOR(peer_printed(attach, "usr\n"));
    uv_process_kill(&agent.process, SIGTERM); /* as the cloud does */
    WAIT_FOR(peer_printed(attach, "term\n"));
    peer_signal(control, SIGKILL);
    WAIT_FOR(control->exited);
    assert_int_equal(control->code, 137);
    assert_int_equal(control->signal, 9);
    peer_acknowledge(control);
    assert_int_equal(agent_wait(), 137);
}

/* ---- keep-alive ---- */

/* What /proc says about the main process: "name, directory, user id", as Docker's clients see it
 * with `docker top`, pwd and id. */
static char *process_facts(int64_t pid)
{
    char path[64], name[32] = "", cwd[256] = "", line[256];
    unsigned uid = 0;
    snprintf(path, sizeof path, "/proc/%lld/cwd", (long long)pid);
    ssize_t n = readlink(path, cwd, sizeof cwd - 1);
    cwd[n > 0 ? n : 0] = '\0';
    snprintf(path, sizeof path, "/proc/%lld/status", (long long)pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        if (str_starts(line, "Name:"))
            assert_int_equal(sscanf(line, "Name: %31s", name), 1);
        if (str_starts(line, "Uid:"))
            assert_int_equal(sscanf(line, "Uid: %u", &uid), 1);
    }
    fclose(f);
    return xasprintf("%s, %s, %u", name, cwd, uid);
}

struct keep_alive_case {
    const char *const *argv;
    const char *name; /* of the process */
    int signal;
};

static void check_keep_alive(const struct keep_alive_case *c)
{
    char base[] = "/tmp/agent-keep-alive-XXXXXX";
    assert_non_null(mkdtemp(base));
    assert_int_equal(chmod(base, 0755), 0);
    AUTO_FREE char *dir = xasprintf("%s/not/there", base);
    AUTO_FREE char *workdir = xasprintf("SOCKERLESS_AGENT_WORKDIR=%s", dir);
    agent_start(ENV("SOCKERLESS_AGENT_USER=65534", workdir), c->argv);
    struct peer *control = peer_control();
    WAIT_FOR(control->started);
    AUTO_FREE char *expected = xasprintf("%s, %s, 65534", c->name, dir);
    AUTO_FREE char *facts = process_facts(control->pid);
    assert_string_equal(facts, expected);
    struct peer *exec = peer_exec_end(
        EXEC(.working_dir = dir, .env = (char **)(uintptr_t)ARGV("PATH=/bin:/usr/bin"), .n_env = 1),
        ARGV("pwd"));
    assert_true(strncmp(exec->out.data, dir, strlen(dir)) == 0);
    peer_signal(control, c->signal);
    WAIT_FOR(control->exited);
    assert_int_equal(control->code, 128 + c->signal);
    assert_int_equal(control->signal, c->signal);
    peer_acknowledge(control);
    assert_int_equal(agent_wait(), 128 + c->signal);
    agent_stop();
    AUTO_FREE char *not_there = xasprintf("%s/not", base);
    assert_int_equal(rmdir(dir) | rmdir(not_there) | rmdir(base), 0);
}

/* In its directory, which is made, as its user, ended by any signal: whether the image has the
 * program or the agent stands in for it. */
TEST_AGENT(keep_alive_is_a_process)
{
    const struct keep_alive_case cases[] = {
        {ARGV("--keep-alive", "--", "tail", "-f", "/dev/null"), "tail", SIGUSR1},
        {ARGV("--keep-alive", "--", "/nowhere/tail", "-f", "/dev/null"), "tail", SIGUSR1},
        {ARGV("--keep-alive", "--", "no-such-program"), "no-such-program", SIGTERM},
        {ARGV("--keep-alive", "--"), "tail", SIGHUP},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_keep_alive(&cases[i]);
}

/* Only a missing program is replaced: nothing else that a start checks. */
TEST_AGENT(keep_alive_fails_as_any_process)
{
    static const struct {
        const char *setting, *program, *text;
    } cases[] = {
        {"SOCKERLESS_AGENT_USER=nobody-knows-me", "tail", "unable to find user nobody-knows-me"},
        {"SOCKERLESS_AGENT_USER=nobody-knows-me", "/nowhere/tail", "unable to find user"},
        {"SOCKERLESS_AGENT_WORKDIR=/dev/null/x", "/nowhere/tail", "mkdir /dev/null/x"},
        {"SOCKERLESS_AGENT_WORKDIR=/", "/dev/null", "permission denied"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        agent_start(ENV(cases[i].setting), ARGV("--keep-alive", "--", cases[i].program));
        struct peer *control = peer_control();
        WAIT_FOR(control->exited);
        assert_true(control->start_failed);
        assert_non_null(strstr(control->text.data, cases[i].text));
        peer_acknowledge(control);
        agent_stop();
    }
}

/* Such a container is ended through its agent as well. */
TEST_AGENT(keep_alive_ends_with_its_agent)
{
    agent_start(NULL, ARGV("--keep-alive", "--", "/nowhere/tail", "-f", "/dev/null"));
    struct peer *control = peer_control();
    WAIT_FOR(control->started);
    uv_process_kill(&agent.process, SIGTERM);
    WAIT_FOR(control->exited);
    assert_int_equal(control->code, 143);
    peer_acknowledge(control);
    assert_int_equal(agent_wait(), 143);
}

/* The script goes on only when the orphan, whose parent has ended, does not even exist as a
 * zombie. */
TEST_AGENT(orphans_are_reaped)
{
    agent_start(ENV("SOCKERLESS_AGENT_LINGER_MS=10"),
                SH("pid=$(sh -c 'sleep 0.05 >/dev/null & echo $!'); "
                   "while kill -0 $pid 2>/dev/null; do sleep 0.02; done; exit 9"));
    assert_int_equal(agent_wait(), 9);
}

/* A background process that keeps the output open does not keep the container. */
TEST_AGENT(bystander_holds_the_output)
{
    agent_start(NULL, SH("sleep 1000 & echo last; exit 2"));
    struct peer *attach = peer_attach(ATTACH(.replay = 1, .stdout = 1));
    WAIT_FOR(attach->ended);
    assert_string_equal(attach->out.data, "last\n");
    assert_int_equal(attach->code, 2);
}

/* ---- control ---- */

TEST_AGENT(newer_control_replaces)
{
    agent_start(NULL, ARGV("--keep-alive", "--"));
    struct peer *first = peer_control();
    struct peer *second = peer_control();
    WAIT_FOR(first->ended && second->started);
    peer_signal(second, SIGKILL);
    WAIT_FOR(second->exited);
    assert_int_equal(second->code, 137);
    peer_acknowledge(second);
    assert_int_equal(agent_wait(), 137);
}

TEST_AGENT(log_mark)
{
    agent_start(ENV("SOCKERLESS_AGENT_STDIN=1"), SH("printf half; read x; echo rest"));
    struct peer *control = peer_control();
    struct peer *attach = peer_attach(ATTACH(.replay = 1, .stdin = 1, .stdout = 1));
    WAIT_FOR(peer_printed(attach, "half"));
    channel_send(control->channel, FRAME_LOG_MARK, "here", 4);
    WAIT_FOR(control->marks.len == 4);
    peer_type(attach, "\n");
    WAIT_FOR(control->exited);
    peer_acknowledge(control);
    assert_int_equal(agent_wait(), 0);
    assert_string_equal(agent.log.data, "\x01phalf\n\x01mhere\nrest\n\x01x0 4\n");
}

/* ---- log ---- */

/* From the first record, from one that is wanted, live, and to the end. */
TEST_AGENT(log_session)
{
    agent_start(ENV("SOCKERLESS_AGENT_STDIN=1", "SOCKERLESS_AGENT_STDIN_ONCE=1"),
                SH("echo one; echo two >&2; read x; printf end; exit 4"));
    struct peer *control = peer_control();
    WAIT_FOR(strstr(str_or_empty(agent.log.data), "two\n") && strstr(agent.log.data, "one\n"));
    struct peer *attach = peer_attach(ATTACH(.stdin = 1));
    struct peer *all = peer_log(0), *later = peer_log(2);
    assert_int_equal(all->log_first, 1);
    assert_int_equal(all->log_end, 3);
    assert_int_equal(later->log_first, 2);
    WAIT_FOR(log_ring_end(&all->log) == 3 && log_ring_end(&later->log) == 3);
    assert_int_equal(log_ring_first(&later->log), 2);
    channel_send(attach->channel, FRAME_CLOSE_STDIN, NULL, 0);
    WAIT_FOR(all->ended && later->ended && control->exited);
    struct log_ring_cursor c = {.number = 3};
    struct log_ring_record record;
    assert_true(log_ring_read(&all->log, &c, &record));
    assert_int_equal(record.kind, LOG_RECORD_STDOUT_PIECE);
    assert_true(log_ring_read(&all->log, &c, &record));
    assert_int_equal(record.kind, LOG_RECORD_EXIT);
    assert_memory_equal(record.text, "4", 1);
    assert_false(log_ring_read(&all->log, &c, &record));
}

/* A session that reads nothing stops neither the process nor the log; it goes on with what is kept.
 */
TEST_AGENT(log_session_that_lags)
{
    agent_start(ENV("SOCKERLESS_AGENT_STDIN=1", "SOCKERLESS_AGENT_STDIN_ONCE=1"),
                SH("read x; seq 1 1000000; read x"));
    struct peer *control = peer_control();
    struct peer *attach = peer_attach(ATTACH(.stdin = 1));
    struct peer *log = peer_log(0);
    channel_pause(log->channel);
    peer_type(attach, "\n");
    WAIT_FOR(strstr(str_or_empty(agent.log.data) + (agent.log.len > 64 ? agent.log.len - 64 : 0),
                    "\n1000000\n"));
    channel_resume(log->channel);
    struct peer *other = peer_log(0);
    assert_true(other->log_first > 1);
    WAIT_FOR(log_ring_end(&log->log) == other->log_end);
    assert_true(log_ring_first(&log->log) > 1); /* it was told that something is missing */
    channel_send(attach->channel, FRAME_CLOSE_STDIN, NULL, 0);
    WAIT_FOR(control->exited && log->ended);
}
