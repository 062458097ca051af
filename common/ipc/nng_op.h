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
#include <stdbool.h>

struct nng_op {
    struct loop_task task;
    struct loop *loop;
    nng_aio *aio;
    bool pending;                     /* started, done() not yet called; loop thread only */
    void (*done)(struct nng_op *op);  /* on the loop; read nng_aio_result(op->aio) */
};

int nng_op_init(struct nng_op *op, struct loop *l, void (*done)(struct nng_op *op),
                struct error *err) MUST_CHECK;
void nng_op_fini(struct nng_op *op); /* must not be pending */
/* Mark as pending and return the aio to start the nng call with. */
nng_aio *nng_op_begin(struct nng_op *op);

#endif
