/* SPDX-License-Identifier: Apache-2.0
 *
 * One real agent at a time: `agent` is the binary on a loopback port with its log, peers are the
 * sessions with it, as a backend opens them. Everything happens on one loop; a test waits with
 * WAIT_FOR(condition), which runs the loop until it holds or 20 s have passed. TEST_AGENT closes
 * peers and ends the agent, also after a failure.
 */
#ifndef SOCKERLESS_TEST_KIT_AGENT_RIG_H
#define SOCKERLESS_TEST_KIT_AGENT_RIG_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log_ring.h"
#include "base/str.h"
#include "ipc/channel.h"
#include "loop/loop.h"
#include "proto/sockerless.pb-c.h"
#include "test/kit/test.h"

enum { WAIT_MAX_MS = 20000 };

#define TOKEN "0123456789abcdef"

extern struct agent_rig {
    struct loop loop;
    uv_process_t process;
    uv_pipe_t log_pipe;
    struct buf log;
    char log_space[65536];
    bool log_ended;
    bool exited;
    int64_t exit_code;
    int exit_signal;
    int port;
    bool running, spawned;
    uv_timer_t limit;
    bool timed_out;
    struct strv env;    /* of the agent */
    struct peer *peers; /* all that are open */
} agent;

/* One session as the backend sees it. */
struct peer {
    struct peer *next;
    struct channel *channel; /* NULL once closed */
    struct buf out, err;
    bool keep;            /* collect output; else only hash it */
    uint64_t hash, bytes; /* FNV-1a of all output */
    bool opened, started, exited, ended, failed, drained, start_failed, was_dropped;
    bool tty, marked;
    int64_t pid;
    int code, signal;
    struct buf text; /* of an error, or of the exit */
    struct buf marks;
    struct log_ring log; /* of a log session; what it got */
    uint64_t log_first, log_end;
    unsigned log_frames;
};

/* The program under test. */
const char *agent_binary(void);

uint64_t hash_add(uint64_t hash, const unsigned char *bytes, size_t len);
void agent_limit(bool on);
void agent_turn(const char *condition, int line);

#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        agent_limit(true);                                                                         \
        while (!(condition))                                                                       \
            agent_turn(#condition, __LINE__);                                                      \
        agent_limit(false);                                                                        \
    } while (0)

/* A session that is not dialled yet; peer_events are for its channel. */
struct peer *peer_new(void);
extern const struct channel_events peer_events;

/* A connection; nothing is sent. */
struct peer *peer_dial(const char *token);
void peer_send_open(struct peer *p, Sockerless__StreamOpen *open);
/* Sessions that the agent has accepted. */
struct peer *peer_control(void);
struct peer *peer_attach(Sockerless__AgentAttachOpen attach);
struct peer *peer_log(uint64_t from);

#define ATTACH(...)                                                                                \
    (Sockerless__AgentAttachOpen)                                                                  \
    {                                                                                              \
        .base = PROTOBUF_C_MESSAGE_INIT(&sockerless__agent_attach_open__descriptor), __VA_ARGS__   \
    }

/* Does not wait: the answer may be an exit. */
struct peer *peer_exec(Sockerless__AgentExecOpen exec, const char *const *argv);
/* The same, and waits for its end. */
struct peer *peer_exec_end(Sockerless__AgentExecOpen exec, const char *const *argv);
/* `exec` with that argv, and what else the agent expects to be set. */
Sockerless__AgentExecOpen exec_with(Sockerless__AgentExecOpen exec, const char *const *argv);

#define EXEC(...)                                                                                  \
    (Sockerless__AgentExecOpen)                                                                    \
    {                                                                                              \
        .base = PROTOBUF_C_MESSAGE_INIT(&sockerless__agent_exec_open__descriptor), .stdout = 1,    \
        .stderr = 1, __VA_ARGS__                                                                   \
    }

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
void peer_acknowledge(struct peer *p);
void peer_signal(struct peer *p, int number);
void peer_resize(struct peer *p, uint32_t height, uint32_t width);
void peer_type(struct peer *p, const char *text);
bool peer_printed(const struct peer *p, const char *text);
/* Frees it. */
void peer_close(struct peer *p);

#define TEST_AGENT(name) TEST_CASE(name, NULL, agent_teardown)
int agent_teardown(void **state);

/* The rig without an agent, and with one that no test waits for: its environment is agent.env, argv
 * what follows the program's name. */
void agent_prepare(void);
void agent_spawn(const char *const *argv);

/* Both, and returns when its port takes connections. env: additional "K=v", may be NULL. */
void agent_start(const char *const *env, const char *const *argv);

/* Waits for its end and returns its exit code. */
int agent_wait(void);
/* Closes all peers, ends the agent and releases the rig. */
void agent_stop(void);

#endif
