/* SPDX-License-Identifier: Apache-2.0
 *
 * Bounded pipe of bytes from the loop to one thread that reads blocking. The writer is never
 * blocked: it is told when it should stop and when it may go on.
 */
#ifndef SOCKERLESS_BACKEND_BYTE_PIPE_H
#define SOCKERLESS_BACKEND_BYTE_PIPE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

enum { BYTE_PIPE_MAX = 1024 * 1024 };

struct byte_block {
    struct byte_block *next;
    size_t len;
    unsigned char bytes[];
};

struct byte_pipe { /* private; embed it */
    uv_mutex_t lock;
    uv_cond_t changed;
    struct byte_block *first, **last, *lent; /* lent: what the reader looks at */
    size_t queued;
    bool writer_stopped; /* it was told that the pipe is full */
    bool ended, closed;
    bool failed;
    struct error failure;
};

void byte_pipe_init(struct byte_pipe *p);
void byte_pipe_fini(struct byte_pipe *p); /* without readers */

/* Loop. Copies, whatever the size (a frame). False: full, stop until *resume of a read. */
bool byte_pipe_write(struct byte_pipe *p, const void *bytes, size_t len);
void byte_pipe_end(struct byte_pipe *p);
/* Any thread. Reading fails with err from now on, what is written is dropped. The first counts.
 * True: the writer had stopped and may go on. */
bool byte_pipe_fail(struct byte_pipe *p, const struct error *err);
/* There will be no more reads: what is written is dropped. True as byte_pipe_fail. */
bool byte_pipe_close(struct byte_pipe *p);

/* The thread. The next bytes, valid until the next call; 0: the end. *resume: the writer had
 * stopped and may go on. */
ssize_t byte_pipe_read(struct byte_pipe *p, const void **bytes, bool *resume, struct error *err);

#endif
