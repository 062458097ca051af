/* SPDX-License-Identifier: Apache-2.0
 *
 * Execs in the real agent, over its port: streams, terminal, failures in Docker's words, many at
 * once, a backend that goes away.
 */
#include "test/kit/agent_rig.h"
#include "test/kit/test.h"

#define KEEP_ALIVE ARGV("--keep-alive", "--")
#define SH(script) ARGV("/bin/sh", "-c", script)

static const char runtime_failed[] =
    "OCI runtime exec failed: exec failed: unable to start container process: ";

static char **env_of(const char *const *items)
{
    return (char **)(uintptr_t)items;
}

TEST_AGENT(streams_and_exit_code)
{
    agent_start(NULL, KEEP_ALIVE);
    struct peer *exec = peer_exec(EXEC(.n_env = 2, .env = env_of(ARGV("A=b", "PATH=/bin:/usr/bin")),
                                       .working_dir = env_of(ARGV("/dev"))[0]),
                                  SH("echo $A; pwd; echo $HOME >&2; test -t 0; exit 42"));
    WAIT_FOR(exec->ended);
    assert_true(exec->opened);
    assert_true(exec->pid > 0);
    assert_int_equal(exec->code, 42);
    assert_string_equal(exec->out.data, "b\n/dev\n");
    assert_true(exec->err.len > 1);
}

TEST_AGENT(stdin)
{
    agent_start(NULL, KEEP_ALIVE);
    struct peer *exec = peer_exec(EXEC(.stdin = 1), ARGV("cat"));
    peer_type(exec, "one ");
    peer_type(exec, "two");
    channel_send(exec->channel, FRAME_CLOSE_STDIN, NULL, 0);
    WAIT_FOR(exec->ended);
    assert_string_equal(exec->out.data, "one two");
    assert_int_equal(exec->code, 0);
}

TEST_AGENT(terminal)
{
    agent_start(NULL, KEEP_ALIVE);
    struct peer *exec =
        peer_exec(EXEC(.stdin = 1, .tty = 1, .height = 24, .width = 80),
                  SH("tty >/dev/null && stty size; read x; stty size; echo ready; exec sleep 100"));
    WAIT_FOR(peer_printed(exec, "24 80\r\n"));
    assert_true(exec->tty);
    peer_resize(exec, 40, 132);
    peer_type(exec, "hello\n"); /* on the same connection, so after the resize */
    WAIT_FOR(peer_printed(exec, "hello\r\n") && peer_printed(exec, "40 132\r\n"));
    /* A shell that waits for a child leaves Ctrl-C to the child, which may just have ended. */
    WAIT_FOR(peer_printed(exec, "ready\r\n"));
    peer_type(exec, "\x03"); /* Ctrl-C */
    WAIT_FOR(exec->ended);
    assert_int_equal(exec->code, 130);
}

static void check_failure(Sockerless__AgentExecOpen open, const char *const *argv,
                          const char *prefix, const char *text)
{
    struct peer *exec = peer_exec_end(open, argv);
    assert_false(exec->opened);
    assert_true(exec->start_failed);
    assert_int_equal(exec->code, 126);
    AUTO_FREE char *expected = xasprintf("%s%s", prefix, text);
    assert_string_equal(exec->text.data, expected);
    peer_close(exec);
}

TEST_AGENT(failures_in_dockers_words)
{
    agent_start(NULL, KEEP_ALIVE);
    check_failure(EXEC(), ARGV("nope"), runtime_failed,
                  "exec: \"nope\": executable file not found in $PATH: unknown");
    check_failure(EXEC(), ARGV("/etc"), runtime_failed,
                  "exec: \"/etc\": permission denied: unknown");
    check_failure(EXEC(), ARGV("/nope/x"), runtime_failed,
                  "exec: \"/nope/x\": stat /nope/x: no such file or directory: unknown");
    check_failure(EXEC(.working_dir = env_of(ARGV("/no-such-dir"))[0]), ARGV("pwd"), runtime_failed,
                  "chdir to cwd (\"/no-such-dir\") set in config.json failed: "
                  "no such file or directory: unknown");
    check_failure(EXEC(.user = env_of(ARGV("no-such-user"))[0]), ARGV("id"), "",
                  "unable to find user no-such-user: no matching entries in passwd file");
    struct peer *exec = peer_exec(EXEC(), (const char *const[]){NULL});
    WAIT_FOR(exec->failed);
    assert_string_equal(exec->text.data, "No exec command specified");
}

TEST_AGENT(not_running)
{
    agent_start(NULL, ARGV("--", "/bin/sh", "-c", "exit 0"));
    struct peer *control = peer_control();
    WAIT_FOR(control->exited);
    struct peer *exec = peer_exec(EXEC(), ARGV("true"));
    WAIT_FOR(exec->failed);
    assert_string_equal(exec->text.data, "container is not running");
}

static bool all_ended(struct peer *const *peers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!peers[i]->ended)
            return false;
    return true;
}

TEST_AGENT(many_at_once)
{
    enum { COUNT = 60, BYTES = 200000 };
    struct peer *peers[COUNT];
    agent_start(NULL, KEEP_ALIVE);
    for (size_t i = 0; i < COUNT; i++) {
        char script[64];
        snprintf(script, sizeof script, "head -c %d /dev/zero; exit %zu", BYTES, i);
        peers[i] = peer_exec(EXEC(), SH(script));
        peers[i]->keep = false;
    }
    WAIT_FOR(all_ended(peers, COUNT));
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(peers[i]->code, i);
        assert_int_equal(peers[i]->bytes, BYTES);
    }
}

/* The reader stops for a while: nothing is lost, and the other exec is not held up. */
TEST_AGENT(backpressure)
{
    agent_start(NULL, KEEP_ALIVE);
    struct peer *slow = peer_exec(EXEC(), SH("head -c 20000000 /dev/zero; echo end >&2"));
    slow->keep = false;
    WAIT_FOR(slow->bytes > 0);
    channel_pause(slow->channel);
    struct peer *fast = peer_exec(EXEC(), SH("head -c 5000000 /dev/zero"));
    fast->keep = false;
    WAIT_FOR(fast->ended);
    assert_int_equal(fast->bytes, 5000000);
    assert_false(slow->exited);
    channel_resume(slow->channel);
    WAIT_FOR(slow->ended);
    assert_int_equal(slow->bytes, 20000004);
}

/* The backend is gone; the process goes on, as the second exec sees by the file it leaves. */
TEST_AGENT(process_outlives_its_session)
{
    char directory[] = "/tmp/agent-execs-XXXXXX";
    char script[256];
    assert_non_null(mkdtemp(directory));
    agent_start(NULL, KEEP_ALIVE);
    snprintf(script, sizeof script, "cat; head -c 1000000 /dev/zero; echo done > %s/file",
             directory);
    struct peer *first = peer_exec(EXEC(.stdin = 1), SH(script));
    WAIT_FOR(first->opened);
    peer_close(first);
    snprintf(script, sizeof script, "while [ ! -s %s/file ]; do sleep 0.02; done; rm -r %s",
             directory, directory);
    struct peer *second = peer_exec_end(EXEC(), SH(script));
    assert_int_equal(second->code, 0);
}

/* Output of a child that lives a little longer is still delivered, as dockerd does. */
TEST_AGENT(late_output_of_a_child)
{
    agent_start(NULL, KEEP_ALIVE);
    struct peer *exec = peer_exec(EXEC(), SH("(sleep 0.2; echo late) & echo early; exit 3"));
    WAIT_FOR(exec->ended);
    assert_string_equal(exec->out.data, "early\nlate\n");
    assert_int_equal(exec->code, 3);
}

TEST_AGENT(execs_end_with_the_main_process)
{
    agent_start(NULL, KEEP_ALIVE);
    struct peer *control = peer_control();
    struct peer *exec = peer_exec(EXEC(), SH("sleep 1000; true"));
    WAIT_FOR(exec->opened);
    peer_signal(control, SIGTERM);
    WAIT_FOR(control->exited && exec->ended);
    assert_int_equal(exec->code, 137);
    peer_acknowledge(control);
    peer_close(exec);
    assert_int_equal(agent_wait(), 143);
}
