/* SPDX-License-Identifier: Apache-2.0
 *
 * What the agent was told: its command line and the SOCKERLESS_AGENT_… variables, most of them
 * rows of a table like every program's (base/config.h).
 */
#ifndef SOCKERLESS_AGENT_OPTIONS_H
#define SOCKERLESS_AGENT_OPTIONS_H

#include "base/config.h"
#include "base/error.h"
#include "base/log_record.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct agent_options {
    bool keep_alive;   /* the main process only waits: where the image lacks its program, a process
                        * that does nothing stands in for it */
    char *install_dir; /* install only; NULL: run */
    bool serve;        /* wait for a POST that says what to run (invocation.h) */
    struct strv argv;  /* of the main process */
    struct strv env;   /* of the main process: without the agent's own */
    char *token;
    char *address; /* to listen on */
    int64_t port;
    char *callback_url;    /* ws:// or wss://: dial it instead of listening; NULL: listen */
    char *container;       /* the own id, for the backend that is dialled */
    char *callback_ca;     /* PEM; "": the image's */
    char *instance;        /* the backend accepts one of them for a run, and the command runs only
                            * then; "": it runs at once */
    int64_t report_fd;     /* where to say why it did not run; -1: nowhere */
    char *run;             /* what the log's records say; "": nothing */
    int64_t stop_after_ms; /* the command is ended then, with exit code 0; 0: never */
    bool tty, open_stdin, stdin_once;
    int64_t height, width; /* of the terminal; 0: not known */
    char *log_lines_name;
    enum log_lines log_lines; /* how the log is written to stdout */
    char *user, *groups, *workdir;
    /* What a backend sets; 0, as when people start the agent by hand: no backend is waited for. */
    int64_t linger_ms; /* how long to wait after the end until the exit code is taken */
    int64_t gate_ms;   /* how long output over the replay waits for the first control session */
};

/* Rows for a config table; o is a struct agent_options variable. The backend sets the variables;
 * the flags are for people. */
#define AGENT_SETTINGS(o)                                                                          \
    CONFIG_ROW_BOOL("keep-alive", NULL, "false", &(o).keep_alive,                                  \
                    "run without a command of its own, for exec only"),                            \
        CONFIG_ROW_TEXT(CONFIG_DIRECTORY, "install", NULL, NULL, &(o).install_dir,                 \
                        "copy this program into the directory, then exit"),                        \
        CONFIG_ROW_BOOL("serve", NULL, "false", &(o).serve,                                        \
                        "wait on $PORT for the request that says what to run"),                    \
        CONFIG_ROW_TEXT(CONFIG_SECRET, "token", "SOCKERLESS_AGENT_TOKEN", NULL, &(o).token,        \
                        "what the backend shows to be let in"),                                    \
        CONFIG_ROW_STRING("address", "SOCKERLESS_AGENT_ADDRESS", "0.0.0.0", &(o).address,          \
                          "address to listen on"),                                                 \
        CONFIG_ROW_INT("port", "SOCKERLESS_AGENT_PORT", "9111", &(o).port, "and its port", 1,      \
                       65535),                                                                     \
        CONFIG_ROW_STRING("callback-url", "SOCKERLESS_CALLBACK_URL", NULL, &(o).callback_url,      \
                          "ws(s):// URL of the backend to dial instead of listening; counts only " \
                          "with a container id"),                                                  \
        CONFIG_ROW_STRING("container", "SOCKERLESS_AGENT_CONTAINER", NULL, &(o).container,         \
                          "the own container id, for the backend that is dialled"),                \
        CONFIG_ROW_STRING("instance", "SOCKERLESS_AGENT_INSTANCE", NULL, &(o).instance,            \
                          "run the command only when the backend accepts this place for it"),      \
        CONFIG_ROW_INT("report-fd", "SOCKERLESS_AGENT_REPORT_FD", "-1", &(o).report_fd,            \
                       "descriptor for the reason why it was not run", -1, 1023),                  \
        CONFIG_ROW_STRING("run", "SOCKERLESS_AGENT_RUN", NULL, &(o).run,                           \
                          "mark of the run in structured log lines"),                              \
        CONFIG_ROW_INT("stop-after-ms", "SOCKERLESS_AGENT_STOP_AFTER_MS", "0", &(o).stop_after_ms, \
                       "end the command then, with exit code 0; 0: never", 0, 86400000),           \
        CONFIG_ROW_STRING("user", "SOCKERLESS_AGENT_USER", NULL, &(o).user,                        \
                          "user[:group] of the command; else the agent's"),                        \
        CONFIG_ROW_STRING("groups", "SOCKERLESS_AGENT_GROUPS", NULL, &(o).groups,                  \
                          "further groups of the command and of execs: NAME-OR-GID:…"),            \
        CONFIG_ROW_STRING("workdir", "SOCKERLESS_AGENT_WORKDIR", "/", &(o).workdir,                \
                          "working directory of the command"),                                     \
        CONFIG_ROW_BOOL("tty", "SOCKERLESS_AGENT_TTY", "false", &(o).tty,                          \
                        "give the command a terminal"),                                            \
        CONFIG_ROW_INT("height", "SOCKERLESS_AGENT_HEIGHT", "0", &(o).height, "its rows at first", \
                       0, 65535),                                                                  \
        CONFIG_ROW_INT("width", "SOCKERLESS_AGENT_WIDTH", "0", &(o).width, "and its columns", 0,   \
                       65535),                                                                     \
        CONFIG_ROW_BOOL("open-stdin", "SOCKERLESS_AGENT_STDIN", "false", &(o).open_stdin,          \
                        "keep the command's stdin open for attach sessions"),                      \
        CONFIG_ROW_BOOL("stdin-once", "SOCKERLESS_AGENT_STDIN_ONCE", "false", &(o).stdin_once,     \
                        "close it after the first of them"),                                       \
        CONFIG_ROW_STRING("log-lines", "SOCKERLESS_AGENT_LOG_LINES", "text", &(o).log_lines_name,  \
                          "how the log is written to stdout: text or structured"),                 \
        CONFIG_ROW_INT("linger-ms", "SOCKERLESS_AGENT_LINGER_MS", "0", &(o).linger_ms,             \
                       "longest wait for the backend to take the exit code", 0, 3600000),          \
        CONFIG_ROW_INT("gate-ms", "SOCKERLESS_AGENT_GATE_MS", "0", &(o).gate_ms,                   \
                       "longest wait for the backend before output is let go", 0, 3600000)

/* How many of the arguments are settings: all before "--", argv[0] included. */
int agent_options_count(int argc, char **argv);
/* Complete what config_load filled in, from the arguments behind "--" and the environment. */
int agent_options_finish(struct agent_options *o, int argc, char **argv,
                         struct error *err) MUST_CHECK;
void agent_options_free(struct agent_options *o);

#endif
