/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the frontend's server and the fake backend on a loop in a thread, and a small blocking HTTP
 * client for the test's side.
 */
#ifndef SOCKERLESS_TEST_KIT_FRONTEND_HARNESS_H
#define SOCKERLESS_TEST_KIT_FRONTEND_HARNESS_H

#include "base/alloc.h"
#include "base/buf.h"
#include "frontend/http/http_server.h"
#include "frontend/routes/router.h"
#include "frontend/rpc/backend_client.h"
#include "test/kit/frontend_fake.h"
#include "test/kit/frontend_fake_images.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENT_TIMEOUT_S = 20 };

struct harness {
    struct loop loop;
    struct http_server_options options;
    struct backend_client *backend;
    struct http_server *server;
    struct fake fake;
    pthread_t thread;
    struct loop_task task;
    void (*ask)(struct harness *h); /* runs on the loop, see harness_do */
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool answer;
    char dir[64], listen[96], url[96];
};

/* Runs fn on the loop's thread and waits for it. */
void harness_do(struct harness *h, void (*fn)(struct harness *h));
void harness_open_backend(struct harness *h);
void harness_start(struct harness *h, bool with_backend);
void harness_stop(struct harness *h);

/* ---- client ---- */

struct client {
    int fd;
    struct buf in;
};

void client_open(struct client *c, const struct harness *h);
void client_close(struct client *c);
void client_send_bytes(struct client *c, const void *bytes, size_t len);
void client_send(struct client *c, const char *text);

/* One read; false at the end of the stream. */
bool client_more(struct client *c);
void client_read_len(struct client *c, size_t len);

/* Everything up to the end of the connection. */
char *client_read_all(struct client *c);

/* One answer with Content-Length (or without body): head and body as one string, consumed from the
 * stream. The caller frees it. */
char *client_answer(struct client *c);

/* Until the stream holds that text. */
void client_expect(struct client *c, const char *text);

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (!strstr((text), (part)))                                                               \
            fail_msg("\"%s\" is not in: %s", (part), (text));                                      \
    } while (0)

#endif
