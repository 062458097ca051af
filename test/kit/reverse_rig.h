/* SPDX-License-Identifier: Apache-2.0
 *
 * backend_rig.h as it is dialled by agents, with one container, and the agents' ends of the
 * connections; for backend_reverse*.c.
 */
#ifndef SOCKERLESS_TEST_KIT_REVERSE_RIG_H
#define SOCKERLESS_TEST_KIT_REVERSE_RIG_H

#include "base/buf.h"
#include "ipc/callback_token.h"
#include "test/kit/backend_rig.h"

enum { LINES_KEPT = 8 };

/* One end of a connection, on either side. */
struct end {
    struct channel *channel;
    bool closed, failed, lost, pinged;
    unsigned frames;
    char asked[LINES_KEPT][CALLBACK_SESSION_LEN + 1]; /* FRAME_CALL_BACK's, in order */
    unsigned calls;
    struct buf got;
    char why[ERROR_MESSAGE_MAX];
    enum error_code code;
};

extern const struct channel_events end_events;
extern struct container *rig_container; /* whose agent dials */

int reverse_rig_setup(void **state);
int reverse_rig_teardown(void **state);

/* The same with a store. */
int stored_reverse_rig_setup(void **state);
int stored_reverse_rig_teardown(void **state);

/* A running container with a token. */
struct container *container_make(void);

/* An agent's connection; session "": its line. */
void end_dial_as(struct end *e, const char *id, const char *token, const char *session);
void end_dial(struct end *e, const char *session); /* as the container's agent */
void end_line(struct end *e);                      /* and the backend has taken it */
/* The backend's end of a session that the container's agent is asked for. */
void end_call(struct end *e);
void end_close(struct end *e);
#define end_close_all(...) end_close_list((struct end *const[]){__VA_ARGS__, NULL})
void end_close_list(struct end *const *ends); /* up to NULL */

#endif
