/* SPDX-License-Identifier: Apache-2.0
 *
 * A real docker-registry on a loopback port, its data in a directory of the test's.
 */
#ifndef SOCKERLESS_TEST_KIT_REGISTRY_PROCESS_H
#define SOCKERLESS_TEST_KIT_REGISTRY_PROCESS_H

#include <pthread.h>
#include <sys/types.h>

struct registry_process {
    int port;
    pid_t pid;
    int log;
    pthread_t drain;
    char host[32];                 /* "127.0.0.1:port" */
    const char *_Atomic watch_for; /* what to count in its log, one a line; NULL: nothing */
    unsigned seen;                 /* right after registry_stop() */
};

/* Returns when the registry says that it listens. directory: exists; name: unique in it; more: for
 * the end of its configuration, where `http:` is the open section, or "". */
void registry_start_with(struct registry_process *r, const char *directory, const char *name,
                         const char *more);
void registry_start(struct registry_process *r, const char *directory, const char *name);
void registry_stop(struct registry_process *r);

#endif
