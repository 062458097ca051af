/* SPDX-License-Identifier: Apache-2.0
 *
 * A small scripted HTTP server for unit tests: one thread a connection, on a loopback port of the
 * kernel's choice. The test's handler answers each request with raw socket access, so it can also
 * misbehave. Stopping it shuts every connection and joins every thread.
 */
#ifndef SOCKERLESS_TEST_KIT_HTTP_MOCK_H
#define SOCKERLESS_TEST_KIT_HTTP_MOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOCK_CONNECTIONS_MAX = 512, MOCK_HEAD_MAX = 32 * 1024, MOCK_BODY_MAX = 64 << 20 };

struct mock;

struct mock_request {
    struct mock *mock;
    int fd;
    char method[16], path[4096];
    char head[MOCK_HEAD_MAX]; /* with the request line */
    char *body;
    size_t body_len;
};

/* True: the connection goes on. */
typedef bool (*mock_handler)(void *arg, struct mock_request *r);

struct mock_conn {
    pthread_t thread;
    int fd; /* -1: over */
    struct mock *mock;
};

struct mock {
    int fd, port;
    mock_handler handler;
    void *arg;
    pthread_t acceptor;
    pthread_mutex_t lock;
    struct mock_conn conns[MOCK_CONNECTIONS_MAX + 1]; /* the last one is never used up */
    int count;                                        /* connections accepted in all */
    bool stopping;
    bool lazy; /* the handler reads bodies itself, with mock_read_body, or does not */
};

bool mock_send(int fd, const void *bytes, size_t len);

/* headers: complete lines with \r\n, may be "". */
bool mock_reply(struct mock_request *r, int status, const char *headers, const void *body,
                size_t len);
bool mock_text(struct mock_request *r, int status, const char *headers, const char *body);

/* The same with headers made by a format. */
bool mock_textf(struct mock_request *r, int status, const char *body, const char *headers, ...)
    __attribute__((format(printf, 4, 5)));

/* Value of a request header into out; false when absent. */
bool mock_header(const struct mock_request *r, const char *name, char *out, size_t size);
/* The same; "none" when absent. */
void mock_note_header(const struct mock_request *r, const char *name, char *out, size_t size);
/* For handlers to return: false. */
bool mock_reset(struct mock_request *r);

/* Wait until the client goes away; false. */
bool mock_stall(struct mock_request *r);

/* What a server answers for a name (of a repository) whatever else the request says. */
struct mock_answer {
    const char *name;
    int first, last; /* only so many-th requests; last 0: without an end */
    int status;      /* or one of these */
    const char *headers, *body;
};
enum { MOCK_RESET = -1, MOCK_STALL = -2 };

/* Answers with the first row that fits; false: none does. *go_on: what the handler returns. */
bool mock_answer_fixed(struct mock_request *r, const struct mock_answer *rows, size_t count,
                       const char *name, int number, bool *go_on);
bool mock_read_body(struct mock_request *r);
struct mock *mock_start(mock_handler handler, void *arg);
int mock_connections(struct mock *m);
void mock_stop(struct mock *m);

#endif
