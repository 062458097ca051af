/* SPDX-License-Identifier: Apache-2.0
 *
 * A client's side of a session with the backend of backend_rig.h: it collects what it is sent, and
 * closes when it has heard the last.
 */
#ifndef SOCKERLESS_TEST_KIT_RIG_CLIENT_H
#define SOCKERLESS_TEST_KIT_RIG_CLIENT_H

#include "base/buf.h"
#include "test/kit/backend_rig.h"

struct rig_client {
    struct channel *channel; /* NULL once closed */
    bool opened, ended, failed, closed, exited;
    bool tty, totals;           /* totals: progress lines end with " CURRENT/TOTAL" */
    struct error err;           /* why it failed */
    struct buf out, errs, both; /* of STDOUT, of STDERR, in the order in which they came */
    unsigned frames;            /* of both */
    size_t out_max;             /* pauses there; 0: takes all */
    struct buf lines;           /* of progress, a line each */
    int exit_code;
};

/* open: what belongs to that kind. Does not wait. */
void rig_client_open(struct rig_client *c, Sockerless__StreamOpen__KindCase kind, void *open);
/* At the backend's pace; stops when the session is over. */
void rig_client_send(struct rig_client *c, const void *bytes, size_t len);
/* Sends no more, and waits for the end. */
void rig_client_finish(struct rig_client *c);
void rig_client_end(struct rig_client *c); /* waits for an end that is none of a failure */
/* Closes its channel, if it is open, and forgets what it holds. */
void rig_client_free(struct rig_client *c);
/* For AUTO(rig_client), of one that was opened. */
static inline void auto_release_rig_client(struct rig_client *c)
{
    rig_client_free(c);
}

/* Of lines and both: the text, "" when there is none. */
const char *rig_client_lines(const struct rig_client *c);

#endif
