/* SPDX-License-Identifier: Apache-2.0
 *
 * nng to loop: one asynchronous nng operation whose completion, which arrives on one of nng's
 * threads, is handed to the loop. The only file that lets nng's threads in.
 */
#ifndef SOCKERLESS_IPC_NNG_OP_H
#define SOCKERLESS_IPC_NNG_OP_H

#include "base/error.h"
#include "loop/loop.h"

#include <nng/nng.h>
#include <stdatomic.h>
#include <stdbool.h>

struct nng_op {
    struct loop_task task;
    struct loop *loop;
    nng_aio *aio;
    bool pending;                    /* started, end not yet seen; loop thread only */
    bool watched;                    /* the loop will be told of the end; loop thread only */
    atomic_int state;                /* enum nng_op_state */
    size_t expected;                 /* bytes a quiet operation should move */
    void (*done)(struct nng_op *op); /* on the loop; read nng_aio_result(op->aio) */
};

int nng_op_init(struct nng_op *op, struct loop *l, void (*done)(struct nng_op *op),
                struct error *err) MUST_CHECK;
void nng_op_fini(struct nng_op *op); /* must not be pending */
/* Mark as pending and return the aio to start the nng call with. */
nng_aio *nng_op_begin(struct nng_op *op);

/* The same for an operation whose success is not needed yet: the loop is not woken for it. Later
 * either nng_op_collect() finds it ended, or nng_op_watch() asks to be told after all. Failures and
 * transfers of other than `expected` bytes are told anyway. */
nng_aio *nng_op_begin_quietly(struct nng_op *op, size_t expected);
/* True when a quiet operation has ended: it is no longer pending, done() is not called. */
bool nng_op_collect(struct nng_op *op);
/* done() will be called on the loop. Harmless when it was going to be anyway. */
void nng_op_watch(struct nng_op *op);

#endif
